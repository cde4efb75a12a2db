/** Exact fractions, for frame rates and time bases: `30000/1001` must never become a float on its way. */
import { z } from 'zod';

export interface Rational {
  readonly num: number;
  readonly den: number;
}

export const rationalSchema = z.object({ num: z.int().positive(), den: z.int().positive() });

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The reduced fraction num/den. */
export function rational(num: number, den: number): Rational {
  const divisor = gcd(num, den);
  return { num: num / divisor, den: den / divisor };
}

/** `30000/1001` or `25/1` as ffprobe spells it; undefined for `0/0`, which is how it says "unknown". */
export function parseRational(text: string): Rational | undefined {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [num, den] = [Number(match?.[1]), Number(match?.[2])];
  return num > 0 && den > 0 ? rational(num, den) : undefined;
}

export const toNumber = ({ num, den }: Rational): number => num / den;
export const toText = ({ num, den }: Rational): string => `${num}/${den}`;
