/** Whether a figure has changed since the last ones that were kept, or only seems so. Pure. */
import type { Figures, Machine } from './figures.ts';
import type { Row } from './row.ts';

/**
 * What differs by less is taken for noise: memory's layout and the disk's mood alone move a median by some percent. What
 * differs by more has changed if, besides, the rounds of the two runs do not overlap.
 */
export const NOISE = 1.05;

export interface Comparison {
  readonly last: number;
  /** The value now over the last one. */
  readonly ratio: number;
  readonly verdict: 'same' | 'worse' | 'better';
}

/** Why there is nothing to compare with. */
export type Incomparable = 'new' | 'another clip' | 'another machine';

/** Ratios of two things that ran side by side compare everywhere, seconds and megabytes on the same kind of machine. */
export function compare(row: Row, machine: Machine, last: Figures): Comparison | Incomparable {
  const before = last.rows.find(({ part, what }) => part === row.part && what === row.what);
  if (!before) return 'new';
  if (before.clip !== row.clip) return 'another clip';
  if (row.unit !== '' && !isAlike(machine, last.machine)) return 'another machine';
  const ratio = row.value / before.value;
  return { last: before.value, ratio, verdict: verdictOf(row, before, ratio) };
}

const isAlike = (a: Machine, b: Machine): boolean => a.cpu === b.cpu && a.cores === b.cores;

function verdictOf(now: Row, before: Row, ratio: number): Comparison['verdict'] {
  if (ratio > NOISE && now.least > before.most) return 'worse';
  if (ratio < 1 / NOISE && now.most < before.least) return 'better';
  return 'same';
}
