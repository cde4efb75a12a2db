/**
 * Measures `spotreel upload` against a bare loop that PUTs the same parts of the same file, as many at a time, to the same
 * local platform, the two interleaved in one run:
 *   npm run bench:upload -- [--size 5G] [--rounds N]
 * Prints the throughput of both, their ratio (the target is 0.8), and the most memory that the command and the platform
 * with its S3 had. The file is sparse, so that reading it costs no disk; the local S3 writes all of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { SpotreelClient } from '../api/client/index.ts';
import { middle } from './cost.ts';

const CLI = join(import.meta.dirname, '../cli/spotreel.ts');
/** As many as the client sends. */
const PARALLEL = 4;
/** Bytes that the bare loop reads at once: small reads cost it speed. */
const READ_AHEAD = 1024 ** 2;
const TARGET = 0.8;
const UNITS: Readonly<Record<string, number>> = { M: 1024 ** 2, G: 1024 ** 3 };

const { values } = parseArgs({
  options: { size: { type: 'string', default: '5G' }, rounds: { type: 'string', default: '1' } },
});
const [, count, unit = ''] = /^(\d+)([MG])$/.exec(values.size) ?? [];
const size = Number(count) * (UNITS[unit] ?? Number.NaN);
if (!(size > 64 * 1024 ** 2))
  throw new Error(`--size is ${values.size}; give a size that goes in parts, above 64M, such as 5G`);

/** The most memory that a process had, in MB. Linux tells it in KiB. */
async function peakMemory(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024) / 1e6;
}

function run(args: readonly string[]): { child: ChildProcess; closed: Promise<number | null> } {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, closed: new Promise((done) => child.on('close', done)) };
}

/** Starts the local platform. @returns its address and process */
async function startPlatform(dataDir: string) {
  const { child, closed } = run(['local', '--port', '0', '--data', dataDir]);
  const url = await new Promise<string>((done) => {
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, found] = /runs at (\S+)/.exec(line) ?? [];
        if (found) done(found);
      });
  });
  return { url, child, closed };
}

/** MB a second of the command, its start included, and the most memory that it had. */
async function command(file: string, url: string): Promise<{ speed: number; memory: number }> {
  const since = performance.now();
  const { child, closed } = run(['upload', file, '--json', '--url', url]);
  let memory = 0;
  const timer = setInterval(async () => {
    memory = Math.max(memory, await peakMemory(child.pid));
  }, 100);
  const code = await closed;
  clearInterval(timer);
  if (code !== 0) throw new Error(`spotreel upload ended with ${code}`);
  return { speed: speedSince(since), memory };
}

const speedSince = (since: number): number => size / 1e3 / (performance.now() - since);

/** PUTs a stretch of a file with nothing between disk and socket. */
async function putRange(file: string, url: string, start: number, length: number): Promise<void> {
  const put = request(url, { method: 'PUT', headers: { 'content-length': length } });
  const answered = once(put, 'response');
  const body = createReadStream(file, { start, end: start + length - 1, highWaterMark: READ_AHEAD });
  await Promise.all([pipeline(body, put), answered]);
  const [response] = (await answered) as [IncomingMessage]; // of Node's ClientRequest
  response.resume();
  if (response.statusCode !== 200) throw new Error(`The bare loop was refused: ${response.statusCode}`);
}

/** MB a second of a loop that does nothing else: URLs at hand, no retries. */
async function bareLoop(file: string, url: string): Promise<number> {
  const client = new SpotreelClient({ url });
  const upload = await client.createUpload({ fileName: 'bare.mov', size, type: 'video/quicktime' });
  if (upload.method !== 'multipart') throw new Error('The upload is one PUT');
  const numbers = Array.from({ length: upload.partCount }, (_, index) => index + 1);
  const { parts } = await client.signParts(upload.id, numbers);
  const since = performance.now();
  const queue = parts.values();
  const putOnes = async () => {
    for (const part of queue) await putRange(file, part.url, (part.number - 1) * upload.partSize, part.size);
  };
  await Promise.all(Array.from({ length: PARALLEL }, putOnes));
  const speed = speedSince(since);
  await client.abortUpload(upload.id);
  return speed;
}

const folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-upload-'));
process.env['XDG_STATE_HOME'] = folder;
try {
  const file = join(folder, 'source.mov');
  await writeFile(file, '');
  await truncate(file, size);
  const platform = await startPlatform(join(folder, 'data'));
  const rounds: { ours: number; bare: number; memory: number }[] = [];
  while (rounds.length < Number(values.rounds)) {
    const bare = await bareLoop(file, platform.url);
    const { speed, memory } = await command(file, platform.url);
    rounds.push({ ours: speed, bare, memory });
  }
  const ours = middle(rounds.map((round) => round.ours));
  const bare = middle(rounds.map((round) => round.bare));
  const memory = Math.max(...rounds.map((round) => round.memory));
  console.log(`${values.size} in ${PARALLEL} parallel parts, ${rounds.length} round(s), medians`);
  console.log(`spotreel upload  ${ours.toFixed(0)} MB/s`);
  console.log(`bare PUT loop    ${bare.toFixed(0)} MB/s`);
  const ratio = ours / bare;
  console.log(`ratio            ${ratio.toFixed(2)}  ${ratio >= TARGET ? 'meets' : 'misses'} ${TARGET}`);
  console.log(`memory           ${memory.toFixed(0)} MB the command, at most`);
  console.log(
    `                 ${(await peakMemory(platform.child.pid)).toFixed(0)} MB the local platform with its S3, at most`,
  );
  platform.child.kill('SIGINT');
  await platform.closed;
} finally {
  await rm(folder, { recursive: true, force: true });
}
