/** What the benchmarks count as a command's cost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { timed } from '../../bench/cost.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-cost-'));
});
afterAll(() => rm(folder, { recursive: true }));

const BUSY = `bash -c 'for i in {1..600000}; do :; done'`;
/** Leaves the work to a process whose parent ends at once, and ends when nothing is left of it. */
const orphaned = (pidFile: string): string =>
  `(${BUSY} & echo $! > ${pidFile}); read pid < ${pidFile}; while kill -0 $pid 2>/dev/null; do sleep 0.2; done`;

test('a command costs what its processes take, and those as well whose parent ended before them', async () => {
  const waitedFor = await timed('bash', ['-c', `${BUSY}; true`]);
  const orphan = await timed('bash', ['-c', orphaned(join(folder, 'pid'))]);
  expect(waitedFor.cpu).toBeGreaterThan(0);
  expect(orphan.cpu).toBeGreaterThan(waitedFor.cpu / 2);
});

test('a command that fails is told with what it said', async () => {
  await expect(timed('bash', ['-c', 'echo no file >&2; exit 3'])).rejects.toThrow(/code 3: no file/);
});
