/**
 * Measures what the cage costs: `npm run bench:cage`. How long a program takes that does nothing, and ffprobe's own start,
 * outside and inside; and how long the cage takes to open. The least of many runs, for others only add to it.
 */
import { once } from 'node:events';
import { findProgram, openCage, start } from '../worker-scripts/cage/cage.ts';

const RUNS = 40;
const PROGRAMS = [
  { name: 'true', args: [] },
  { name: 'ffprobe', args: ['-version'] },
];

/** Milliseconds. */
async function leastOf(name: string, args: readonly string[]): Promise<number> {
  const file = await findProgram(name);
  if (file === undefined) throw new Error(`${name} is not installed`);
  const limits = { timeoutSeconds: 60, reads: [], writes: { files: [], bytes: 0 }, memoryBytes: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    const { child } = await start({ file, args, ...limits }, { PATH: process.env['PATH'] });
    child.stdout.resume();
    child.stderr.resume();
    await once(child, 'close');
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

const measure = async (): Promise<number[]> => {
  const all: number[] = [];
  for (const { name, args } of PROGRAMS) all.push(await leastOf(name, args));
  return all;
};

const outside = await measure();
const opening = performance.now();
const server = await openCage(0);
const opened = performance.now() - opening;
const inside = await measure();
server.close();
console.log(`the cage opens in ${opened.toFixed()} ms`);
for (const [index, { name }] of PROGRAMS.entries())
  console.log(`${name}: ${outside[index]?.toFixed(1)} ms outside, ${inside[index]?.toFixed(1)} ms inside`);
