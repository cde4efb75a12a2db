/**
 * Which requests each step of the product makes, read off its code. The model counts steps; rates and costs are
 * multiplied out of this table.
 */
import { A } from './assumptions.ts';
import type { Meter } from './meter.ts';

export const RESOURCES = [
  'uploads/ writes',
  'uploads/ reads',
  'jobs/ writes',
  'jobs/ reads',
  'jobs/ lists',
  'capacity/ writes',
  'capacity/ reads',
  'v/ writes',
  'v/ lists',
  'uploads queue',
  'tasks queue',
  'Lambda',
  'DescribeInstances',
  'CreateFleet',
  'instances',
] as const;
export type Resource = (typeof RESOURCES)[number];

export const STEPS = {
  /** A client stores a part of a source. */
  part: { 'uploads/ writes': 1 },
  /** Lambda reads a batch of events, calls dispatch and deletes what it did. */
  call: { 'uploads queue': 2, Lambda: 1 },
  /** A source's claim, settings and request are written; plan tasks are sent ten at once, counted as one each. */
  source: { 'jobs/ writes': 3, 'tasks queue': 1 },
  /** A plan is read and the backlog asked for. */
  planned: { 'jobs/ reads': 1, 'tasks queue': 1 },
  /** What runs, and the calibration. */
  describe: { DescribeInstances: 1, 'capacity/ reads': 1 },
  /**
   * The launch is told before and after, remembered until a machine comes up, and its cost set aside and counted, each time
   * by HEAD, GET and PUT; refusals, quotas and how the last machines came up are read.
   */
  fleet: { CreateFleet: 1, 'capacity/ reads': 13, 'capacity/ writes': 5 },
  /** It comes up, which it need not say twice. Its end is told twice; the first time its cost is counted. */
  instance: { instances: 1, 'capacity/ reads': 6, 'capacity/ writes': 1 },
  sweep: { Lambda: 1, 'tasks queue': 1 },
  receive: { 'tasks queue': 1 },
  heartbeat: { 'tasks queue': 1 },
  send: { 'tasks queue': 1 },
  /** failed, settings twice, plan and claim are read; ffprobe reads; the plan and who made it are written, the plan is read back, receipts listed. */
  plan: { 'jobs/ reads': 5, 'jobs/ lists': 1, 'jobs/ writes': 2, 'uploads/ reads': 4, 'tasks queue': 1 },
  /** failed, settings, plan, claim and its own receipt are read or looked for, all receipts listed after; media are counted apart. */
  chunk: {
    'jobs/ reads': 5,
    'jobs/ lists': 1,
    'jobs/ writes': 1,
    'uploads/ reads': A.chunkReads,
    'tasks queue': 1,
  },
  audio: { 'jobs/ reads': 5, 'jobs/ lists': 1, 'jobs/ writes': 1, 'uploads/ reads': 1, 'tasks queue': 1 },
  /** A further thousand receipts in a listing. */
  page: { 'jobs/ lists': 1 },
  media: { 'v/ writes': 1 },
  receipt: { 'jobs/ reads': 1 },
  /** The calibration learns too: HEAD, GET, PUT. */
  publish: {
    'capacity/ reads': 2,
    'capacity/ writes': 1,
    'jobs/ reads': 4,
    'jobs/ lists': 1,
    'v/ lists': 1,
    'v/ writes': 2,
    'tasks queue': 1,
  },
} as const satisfies Record<string, Partial<Record<Resource, number>>>;

export type Step = keyof typeof STEPS;
export type Steps = Meter<Step>;

/** Requests to a resource in every second. */
export function requestsOf(steps: Steps, ...resources: readonly Resource[]): number[] {
  const seconds: number[] = [];
  for (const [step, requests] of Object.entries(STEPS)) {
    const each = resources.reduce(
      (sum, resource) => sum + ((requests as Partial<Record<Resource, number>>)[resource] ?? 0), // by `satisfies`
      0,
    );
    if (each === 0) continue;
    for (const [second, count] of steps.of(step as Step).entries()) // the table's own names
      seconds[second] = (seconds[second] ?? 0) + each * count;
  }
  return Array.from(seconds, (count) => count ?? 0);
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
/** The largest; 0 of none. Not `Math.max(...)`, which takes no hundred thousand arguments. */
export const peak = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b), 0);
