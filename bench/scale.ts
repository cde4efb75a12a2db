/**
 * Does a second machine halve the time? One video on one and on two machines of one core each:
 *   npm run bench:scale -- [FILE] [--rounds N]
 * Without FILE, ten minutes of 640x360 are made. Wall time runs from the first task's start to the last one's end;
 * CPU seconds are those of ffmpeg in the receipts.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { startLocalPlatform } from '../local/platform.ts';
import { uploadFile } from '../local/upload.ts';
import { type Total, totalOf } from './receipts.ts';

const exec = promisify(execFile);

/** What issue 3 asks of two machines. */
const WANTED_SPEED_UP = 1.85;
/** Many times more chunks than machines: the last chunk, on which only one works, costs little. */
const CLIP = 'testsrc2=size=640x360:rate=25:duration=600';

interface Figures extends Total {
  readonly wall: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '1' } },
});
const folder = await mkdtemp(join(tmpdir(), 'spotreel-scale-'));
try {
  const file = positionals[0] ?? (await makeClip());
  const load = loadavg()[0] ?? 0;
  const rounds: { one: Figures; two: Figures }[] = [];
  // In turns, so that a change of the machine's mood meets both.
  for (let round = 0; round < Number(values.rounds); round++)
    rounds.push({ one: await encode(file, 1, round), two: await encode(file, 2, round) });
  print(rounds, load);
} finally {
  await rm(folder, { recursive: true });
}

async function makeClip(): Promise<string> {
  const file = join(folder, 'clip.mp4');
  const args = ['-f', 'lavfi', '-i', CLIP, '-f', 'lavfi', '-i', 'sine=duration=600'];
  await exec('ffmpeg', [
    '-v',
    'error',
    '-nostdin',
    ...args,
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    file,
  ]);
  return file;
}

/** Encodes a file on so many machines. Throws where it does not get ready. */
async function encode(file: string, workers: number, round: number): Promise<Figures> {
  const dataDir = join(folder, `${workers}-${round}`);
  const platform = await startLocalPlatform({ port: 0, dataDir, workers, cores: 1 });
  try {
    const id = await uploadFile(platform.s3, platform.uploadBucket, file);
    for (let state = ''; state !== 'ready'; await sleep(500)) {
      const response = await fetch(`${platform.url}/api/videos/${id}`);
      if (response.ok) ({ state } = (await response.json()) as { state: string }); // our own API's answer
      if (state === 'failed') throw new Error(`${file} failed; encode it with \`npm start\` to see why`);
    }
    return { ...(await totalOf(platform.stores)), wall: await taskSeconds(join(dataDir, 'logs')) };
  } finally {
    await platform.close();
  }
}

/** Seconds from the first task's start to the last one's end, over all machines' logs. */
async function taskSeconds(logFolder: string): Promise<number> {
  const times: number[] = [];
  for (const name of (await readdir(logFolder)).filter((one) => one.startsWith('i-')))
    for (const line of (await readFile(join(logFolder, name), 'utf8')).split('\n')) {
      const [, time] = /^{"time":"([^"]+)".*"event":"task-(?:started|done)"/.exec(line) ?? [];
      if (time !== undefined) times.push(Date.parse(time));
    }
  return (Math.max(...times) - Math.min(...times)) / 1000;
}

function print(rounds: readonly { one: Figures; two: Figures }[], load: number): void {
  console.log(
    `${rounds[0]?.one.chunks} chunks; the machine's load before: ${load.toFixed(1)} (other work makes these figures worse)`,
  );
  console.log('machines of one core    wall s   CPU s');
  for (const { one, two } of rounds) {
    for (const [count, { wall, cpu }] of [
      [1, one],
      [2, two],
    ] as const)
      console.log(
        `${String(count).padStart(22)}${wall.toFixed(1).padStart(10)}${cpu.toFixed(1).padStart(8)}`,
      );
    console.log(
      `speed-up ${(one.wall / two.wall).toFixed(2)}, CPU of two to one ${(two.cpu / one.cpu).toFixed(3)}`,
    );
  }
  const speedUps = rounds.map(({ one, two }) => one.wall / two.wall).toSorted((a, b) => a - b);
  const median = speedUps[speedUps.length >> 1] ?? 0;
  if (median >= WANTED_SPEED_UP) return;
  console.log(`the median speed-up, ${median.toFixed(2)}, is below ${WANTED_SPEED_UP}`);
  process.exitCode = 1;
}
