/** What the parts of `npm run bench` are. */
import type { Clip } from './clip.ts';
import type { Measured } from './row.ts';

export interface Bench {
  /** The clip: the file that was named, as it is, or the first seconds of the usual one. */
  readonly clip: (seconds: number) => Promise<Clip>;
  /** How often everything is measured. */
  readonly rounds: number;
  /** For what it writes. It is removed at the end. */
  readonly folder: string;
}

export type Measure = (bench: Bench) => Promise<Measured[]>;

/** Does it again and again, one after the other. */
export async function inRounds<T>(rounds: number, measure: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < rounds) all.push(await measure());
  return all;
}

/** Seconds that something takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return (performance.now() - since) / 1000;
}
