/** A row of the table that `npm run bench` prints. In every row less is better. */
import { z } from 'zod';
import { middle } from './cost.ts';

export const rowSchema = z.object({
  /** Which part of the benchmark measured it, as `--only` names it. */
  part: z.string(),
  /** What was measured; part and this name the row. */
  what: z.string(),
  /** Nothing of a ratio. */
  unit: z.enum(['', 's', 'MB']),
  /** The median of all rounds, the least and the most. */
  value: z.number(),
  least: z.number(),
  most: z.number(),
  /** The target: the value is at most this. */
  limit: z.number().optional(),
  /** Of which clip, where it depends on one. */
  clip: z.string().optional(),
  /** The absolute figures behind it, for a reader. */
  detail: z.string(),
});
export type Row = z.infer<typeof rowSchema>;

/** As a measure gives it, which needs not know its own name. */
export type Measured = Omit<Row, 'part'>;
type More = Pick<Partial<Row>, 'limit' | 'clip'>;

/** @param values one a round */
export function absolute(
  what: string,
  values: readonly number[],
  unit: Row['unit'],
  more: More & { detail?: string } = {},
): Measured {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return { what, unit, value: middle(values), least, most, detail: '', ...more };
}

/** Two figures of one round, measured side by side: ours, and what it is compared with. */
export type Pair = readonly [ours: number, other: number];

/** A row that is the same on a faster machine, too: what is ours over what it is compared with. */
export function ratio(
  what: string,
  pairs: readonly Pair[],
  detail: (ours: number, other: number) => string,
  more: More = {},
): Measured {
  const values = pairs.map(([ours, other]) => ours / other);
  const ours = middle(pairs.map(([one]) => one));
  const others = middle(pairs.map(([, other]) => other));
  return absolute(what, values, '', { detail: detail(ours, others), ...more });
}

/** Details of pairs of seconds. */
export const inSeconds = (ours: number, other: number): string =>
  `${ours.toFixed(2)} / ${other.toFixed(2)} s`;

/** Details of pairs of seconds that so much was done in: `312 / 285 MB/s`. */
export const perSecond =
  (amount: number, unit: string) =>
  (ours: number, other: number): string =>
    `${(amount / ours).toFixed(0)} / ${(amount / other).toFixed(0)} ${unit}/s`;
