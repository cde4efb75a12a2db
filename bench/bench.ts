/**
 * Measures the whole pipeline against plain ffmpeg on the same file, the commands interleaved in one run:
 *   npm run bench -- [FILE] [--rounds N]
 * Prints CPU seconds and wall time of each and the ratios; what is behind a ratio stands in docs/encoding.md.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { chooseLadder, type Rung } from '../video/ladder.ts';
import { BUFFER_SECONDS, encodeSettingsSchema } from '../video/settings.ts';

const CORPUS_CLIP = join(import.meta.dirname, '../../shared/corpus/bbb_1080p25_60s.mp4');
const CLI = join(import.meta.dirname, '../cli/spotreel.ts');

interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

const sum = (costs: readonly Cost[]): Cost => ({
  cpu: costs.reduce((total, { cpu }) => total + cpu, 0),
  wall: costs.reduce((total, { wall }) => total + wall, 0),
});

/** The middle one by CPU: the machine is noisy. */
const median = (costs: readonly Cost[]): Cost => ({
  cpu: costs.map(({ cpu }) => cpu).toSorted((a, b) => a - b)[costs.length >> 1] ?? 0,
  wall: costs.map(({ wall }) => wall).toSorted((a, b) => a - b)[costs.length >> 1] ?? 0,
});

/** Runs a command under bash's `time`, which counts every process that it and its children waited for. */
async function timed(
  command: string,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<Cost> {
  const script = 'TIMEFORMAT="timed %R %U %S"; time "$@"';
  const child = spawn('bash', ['-c', script, 'bash', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (onLine) createInterface({ input: child.stdout }).on('line', onLine);
  else child.stdout.resume();
  let errors = '';
  child.stderr.on('data', (bytes) => {
    errors = (errors + bytes).slice(-4000);
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  const [, wall, user, system] = /timed ([\d.]+) ([\d.]+) ([\d.]+)/.exec(errors) ?? [];
  if (code !== 0 || wall === undefined) throw new Error(`${command} ended with code ${code}: ${errors}`);
  return { wall: Number(wall), cpu: Number(user) + Number(system) };
}

const ffmpeg = (...args: string[]): Promise<Cost> =>
  timed('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '1' } },
});
const file = positionals[0] ?? CORPUS_CLIP;
if (!existsSync(file)) throw new Error(`'${file}' is not there; name a 1080p file:  npm run bench -- FILE`);

const settings = encodeSettingsSchema.parse({});
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-'));

const probe = await new Promise<string>((resolve) => {
  const entries = ['-select_streams', 'v:0', '-show_entries', 'stream=width,height', '-of', 'csv=p=0'];
  spawn('ffprobe', ['-v', 'error', ...entries, file]).stdout.on('data', (data) => resolve(String(data)));
});
const [width = 0, height = 0] = probe.split(',').map(Number);
const rungs = chooseLadder({ width, height }, settings.rungs);

const encoder = ({ crf, maxKbps }: Rung, ...extra: string[]): string[] => [
  ...[
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-profile:v',
    'high',
    '-pix_fmt',
    'yuv420p',
    '-crf',
    `${crf}`,
  ],
  ...[
    '-maxrate',
    `${maxKbps}k`,
    '-bufsize',
    `${maxKbps * BUFFER_SECONDS}k`,
    '-g',
    '50',
    '-sc_threshold',
    '0',
    ...extra,
  ],
];
const RECIPE = ['-x264-params', 'trellis=1:rc-lookahead=20:partitions=i4x4,i8x8'];
const target = (name: string) => join(folder, `${name}.mp4`);
const audio = ['-map', '0:a:0?', '-c:a', 'aac', '-ac', '2', '-b:a', '128k'];

/** (a) What a shell script does: one ffmpeg a rung, one after the other. */
async function oneAfterTheOther(): Promise<Cost> {
  const costs: Cost[] = [];
  for (const rung of rungs) {
    const scale = ['-vf', `scale=${rung.width}:${rung.height}`];
    costs.push(await ffmpeg('-i', file, '-map', '0:v:0', ...scale, ...encoder(rung), target(rung.name)));
  }
  costs.push(await ffmpeg('-i', file, '-vn', ...audio, target('audio')));
  return sum(costs);
}

/** (b) One ffmpeg with our filter graph that takes as many threads as it likes. */
function oneCommand(): Promise<Cost> {
  const graph = rungs.map(({ width: w, height: h }, index) => {
    const scale = `${index === 0 ? '[0:v:0]' : `[s${index}]`}scale=${w}:${h}:flags=bicubic+accurate_rnd+bitexact`;
    return index === rungs.length - 1 ? `${scale}[v${index}]` : `${scale},split[v${index}][s${index + 1}]`;
  });
  const outputs = rungs.flatMap((rung, index) => [
    '-map',
    `[v${index}]`,
    ...encoder(rung, ...RECIPE),
    target(rung.name),
  ]);
  return ffmpeg('-i', file, '-filter_complex', graph.join(';'), ...outputs, ...audio, target('audio'));
}

/** (c) The encoder alone: raw frames of each rung's size from a file, one thread, nothing else. */
async function encoderAlone(extra: readonly string[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (const rung of rungs) {
    const raw = join(folder, 'raw.yuv');
    const size = `${rung.width}x${rung.height}`;
    const rate = ['-r', '25'];
    await ffmpeg(
      '-i',
      file,
      '-map',
      '0:v:0',
      '-vf',
      `scale=${size.replace('x', ':')}`,
      '-pix_fmt',
      'yuv420p',
      '-f',
      'rawvideo',
      raw,
    );
    const input = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', size, ...rate, '-i', raw];
    costs.push(await ffmpeg(...input, ...encoder(rung, '-threads', '1', ...extra), target(rung.name)));
    await rm(raw);
  }
  return sum(costs);
}

/** What a receipt and the log tell of where the time went. */
interface Timeline {
  readonly uploadToFirstTask: number;
  readonly planning: number;
  readonly lastTaskToReady: number;
}

const LOG_FIELDS = /"event":"(task-started|task-done|worker-started)"/;

/** Reads the workers' logs: what passed between upload and the first chunk, and between the last one and the end. */
async function timelineOf(dataDir: string): Promise<Timeline> {
  const logs = join(dataDir, 'logs');
  const lines: { time: number; event: string; kind: string }[] = [];
  for (const name of await readdir(logs)) {
    for (const line of (await readFile(join(logs, name), 'utf8')).split('\n')) {
      if (!LOG_FIELDS.test(line)) continue;
      const { time, event, task } = JSON.parse(line) as {
        time: string;
        event: string;
        task?: { kind: string };
      }; // our own log
      lines.push({ time: Date.parse(time), event, kind: task?.kind ?? '' });
    }
  }
  const at = (event: string, ...kinds: string[]) =>
    lines.filter((line) => line.event === event && kinds.includes(line.kind)).map((line) => line.time);
  const planStart = Math.min(...at('task-started', 'plan'));
  const firstMedia = Math.min(...at('task-started', 'chunk', 'audio'));
  const lastMedia = Math.max(...at('task-done', 'chunk', 'audio'));
  const published = Math.max(...at('task-done', 'publish'));
  const workerStart = Math.min(...at('worker-started', ''));
  return {
    uploadToFirstTask: (planStart - workerStart) / 1000,
    planning: (firstMedia - planStart) / 1000,
    lastTaskToReady: (published - lastMedia) / 1000,
  };
}

async function pipeline(round: number): Promise<Cost & Timeline> {
  const dataDir = join(folder, `data-${round}`);
  const args = [CLI, 'local', '--once', '--json', '--port', '0', '--data', dataDir, file];
  let line = '';
  const cost = await timed(process.execPath, args, (text) => {
    line = text;
  });
  if (!line.includes('"state":"ready"')) throw new Error(`The pipeline did not get ready: ${line}`);
  return { ...cost, ...(await timelineOf(dataDir)) };
}

const results: Record<string, Cost[]> = { pipeline: [], a: [], b: [], c: [], 'c, our x264 settings': [] };
const timelines: Timeline[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const ours = await pipeline(round);
  timelines.push(ours);
  results['pipeline']?.push(ours);
  results['a']?.push(await oneAfterTheOther());
  results['b']?.push(await oneCommand());
  results['c']?.push(await encoderAlone([]));
  results['c, our x264 settings']?.push(await encoderAlone(RECIPE));
}
await rm(folder, { recursive: true });

const NAMES: Record<string, string> = {
  pipeline: 'Spotreel, whole: platform start to last playlist',
  a: '(a) one ffmpeg a rung, in turn',
  b: '(b) one ffmpeg, threads auto',
  c: '(c) x264 veryfast alone, from raw frames',
  'c, our x264 settings': '(c2) x264 with our settings alone, from raw frames',
};
const ours = median(results['pipeline'] ?? []);
const text = (value: number, digits = 2) => value.toFixed(digits).padStart(8);
console.log(
  `${file.split('/').at(-1)}, ${width}x${height}, ${rungs.length} rungs, ${values.rounds} round(s), medians`,
);
console.log(`${''.padEnd(52)}    CPU s   wall s  our CPU / its  our wall / its`);
for (const [name, costs] of Object.entries(results)) {
  const cost = median(costs);
  const ratios = `${text(ours.cpu / cost.cpu)}       ${text(ours.wall / cost.wall)}`;
  console.log(
    `${(NAMES[name] ?? name).padEnd(52)} ${text(cost.cpu, 1)} ${text(cost.wall, 1)}       ${ratios}`,
  );
}
for (const { uploadToFirstTask, planning, lastTaskToReady } of timelines) {
  const overhead = planning + lastTaskToReady;
  console.log(
    `a video's own overhead: ${overhead.toFixed(2)} s = plan ${planning.toFixed(2)} s + publish ${lastTaskToReady.toFixed(2)} s (a worker's start to its first task: ${uploadToFirstTask.toFixed(2)} s)`,
  );
}
