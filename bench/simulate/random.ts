/** Chance that repeats: every number follows from the seed. */

export class Random {
  #state: number;

  /** @param purpose keeps streams of one seed apart, so that more draws for one thing do not change another's */
  constructor(seed: number, purpose: string) {
    this.#state = [...`${seed} ${purpose}`].reduce(
      (hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193),
      0x811c9dc5,
    );
  }

  /** From 0 to 1, 1 excluded: mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number from 0 to `count`, which is excluded. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Time until something that happens `rate` times a unit of it; never, at rate 0. */
  exponential(rate: number): number {
    return -Math.log(1 - this.next()) / rate;
  }

  /** Log-normal: its median, and the standard deviation of its logarithm (Box-Muller). */
  logNormal(median: number, sigma: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(sigma * normal);
  }

  /** One of the entries, the likelier the greater its share. */
  choose<T extends { readonly share: number }>(entries: readonly T[]): T {
    let left = this.next() * entries.reduce((sum, { share }) => sum + share, 0);
    for (const entry of entries) {
      left -= entry.share;
      if (left < 0) return entry;
    }
    throw new RangeError('There is nothing to choose from: give shares greater than 0');
  }
}
