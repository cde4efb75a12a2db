/**
 * Which faults strike a run, and when: drawn from a seed, so that a run that failed can be run again. When is told
 * as progress of the work, not as time: on a slow day the same faults meet the same tasks.
 */

/**
 * Every kind of fault: its share of a run's faults, and the progress after which none of it comes any more. Faults
 * that wait for something to happen (a request, a message, a launch) come while enough of that is still to come.
 */
export const FAULT_KINDS = {
  /** SIGKILL to all processes of a machine. */
  kill: { share: 14, latest: 0.9 },
  /** A spot notice, and the machine's end some seconds later. */
  'spot-notice': { share: 12, latest: 0.9 },
  /** A task is delivered once more: one that is being worked on, or any that ever was. */
  'duplicate-task': { share: 18, latest: 1 },
  /** An event of S3, or what else dispatch was ever sent, is delivered once more. */
  'duplicate-event': { share: 10, latest: 1 },
  /** The next message of any queue comes seconds late. */
  'delayed-message': { share: 14, latest: 0.6 },
  /** Some requests in a row are answered with 503 SlowDown, carried out or not. */
  's3-refuses': { share: 14, latest: 0.6 },
  /** The bodies of some answers in a row come late. */
  's3-slow': { share: 14, latest: 0.6 },
  /** The next CreateFleet launches nothing. */
  'refused-launch': { share: 4, latest: 0.3 },
} as const satisfies Record<string, { readonly share: number; readonly latest: number }>;
export type FaultKind = keyof typeof FAULT_KINDS;

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Progress of the work, 0 to 1, from which on it strikes. */
  readonly at: number;
  /** Seconds after that, so that it also meets the midst of a task. */
  readonly afterSeconds: number;
  /** Which of the possible victims, and how much: each in [0, 1). */
  readonly choice: number;
  readonly amount: number;
}

/** Seconds by which a fault follows the progress that it waits for, at most. */
const LONGEST_AFTER = 2.5;

/** Kinds of so many faults, each with its share; the first kinds first. */
function kindsOf(count: number): FaultKind[] {
  const entries = Object.entries(FAULT_KINDS) as [FaultKind, { share: number }][]; // of the table's own keys
  const total = entries.reduce((sum, [, { share }]) => sum + share, 0);
  let before = 0;
  return entries.flatMap(([kind, { share }]) => {
    const from = Math.round((count * before) / total);
    before += share;
    return Array<FaultKind>(Math.round((count * before) / total) - from).fill(kind);
  });
}

/** The faults of a run, in the order in which they strike. Equal arguments give equal faults. */
export function planFaults(seed: number, count: number): PlannedFault[] {
  const random = randomOf(seed);
  return kindsOf(count)
    .map((kind) => ({
      kind,
      at: random() * FAULT_KINDS[kind].latest,
      afterSeconds: random() * LONGEST_AFTER,
      choice: random(),
      amount: random(),
    }))
    .toSorted((a, b) => a.at - b.at);
}

/** Mulberry32: numbers in [0, 1). https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
