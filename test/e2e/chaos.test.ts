/** A small run of bench/chaos.ts, so that what it guards is tried with every change. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChaosReport, runChaos } from '../../bench/chaos/run.ts';
import { scratch } from '../support/spotreel.ts';

const SEED = 3;
const FAULTS = 12;

let folder: Awaited<ReturnType<typeof scratch>>;
let report: ChaosReport;
const said: string[] = [];

beforeAll(async () => {
  folder = await scratch();
  const say = (line: string) => said.push(line);
  report = await runChaos({ seed: SEED, faults: FAULTS, videos: 4, folder: folder.path, say });
});
afterAll(() => folder.remove());

test('machines that die, messages that come twice or late, S3 that refuses: every video is ready, to the byte', () => {
  // What struck stands beside what it led to.
  expect({ violations: report.violations, said }).toEqual({ violations: [], said });
  expect(report.files).toBeGreaterThan(20);
});

test('as many faults struck as were planned, machines lost among them', () => {
  expect(report.strikes).toHaveLength(FAULTS);
  const kinds = new Set(report.strikes.map(({ kind }) => kind));
  expect([...kinds]).toEqual(expect.arrayContaining(['kill', 'spot-notice', 'duplicate-task', 's3-refuses']));
});
