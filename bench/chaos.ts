/**
 * Does anything get lost when everything goes wrong?
 *   npm run bench:chaos -- [--seed N] [--faults N] [--videos N]
 * Encodes a set of short videos twice, undisturbed and under injected faults, and exits with 1 where a video is not
 * ready, a file differs, a message or a process is left, or more work was repeated than the faults explain.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULT_KINDS } from '../local/faults/schedule.ts';
import { type ChaosReport, runChaos } from './chaos/run.ts';

const NUMBER = /^\d+$/;

function wholeNumber(name: string, text: string): number {
  if (!NUMBER.test(text)) throw new Error(`--${name} must be a whole number, not '${text}'`);
  return Number(text);
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '100' },
    videos: { type: 'string', default: '12' },
  },
});
const seed = wholeNumber('seed', values.seed);
const faults = wholeNumber('faults', values.faults);
const videos = wholeNumber('videos', values.videos);

const folder = await mkdtemp(join(tmpdir(), 'spotreel-chaos-'));
const began = Date.now();
const say = (line: string) =>
  console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`);
const report = await runChaos({ seed, faults, videos, folder, say });
print(report);
if (report.violations.length === 0) await rm(folder, { recursive: true });
else {
  console.log(`\n${report.violations.length} violation(s); logs and state are in ${folder}`);
  for (const violation of report.violations) console.log(`  ${violation}`);
  console.log(`again:  npm run bench:chaos -- --seed ${seed} --faults ${faults} --videos ${videos}`);
  process.exitCode = 1;
}

function print({ strikes, repeated, calmSeconds, disturbedSeconds, files }: ChaosReport): void {
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  console.log(
    `\nseed ${seed}, ${videos} videos, ${files} files, ${strikes.length} of ${faults} faults struck`,
  );
  console.log(`undisturbed ${seconds(calmSeconds)}, disturbed ${seconds(disturbedSeconds)}\n`);
  for (const kind of Object.keys(FAULT_KINDS))
    console.log(
      `  ${kind.padEnd(18)}${String(strikes.filter((strike) => strike.kind === kind).length).padStart(4)}`,
    );
  const { extra, neededSeconds } = repeated;
  console.log(`\n  tries beyond the first   count    CPU s (at most)`);
  for (const [end, { tries, seconds: spent }] of Object.entries(extra))
    console.log(`  ${end.padEnd(22)}${String(tries).padStart(8)}${spent.toFixed(1).padStart(9)}`);
  const total = Object.values(extra).reduce((sum, { seconds: spent }) => sum + spent, 0);
  const percent = (100 * total) / neededSeconds;
  console.log(
    `\nwork repeated: at most ${total.toFixed(1)} of ${neededSeconds.toFixed(1)} CPU s, ${percent.toFixed(1)} %`,
  );
}
