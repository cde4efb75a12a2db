/** Counts what is done in every second, by kind. */

export class Meter<Kind extends string> {
  readonly #seconds = new Map<Kind, number[]>();

  add(kind: Kind, time: number, count = 1): void {
    let bins = this.#seconds.get(kind);
    if (!bins) {
      bins = [];
      this.#seconds.set(kind, bins);
    }
    const second = Math.floor(time);
    while (bins.length <= second) bins.push(0);
    bins[second] = (bins[second] ?? 0) + count;
  }

  /** Counts by second; seconds after the last are not there. */
  of(kind: Kind): readonly number[] {
    return this.#seconds.get(kind) ?? [];
  }

  total(kind: Kind): number {
    return this.of(kind).reduce((sum, count) => sum + count, 0);
  }
}

/** How many tokens a bucket that holds `size` and gets `refill` a second had when it had fewest; below 0 is throttled. */
export function fewestTokens(counts: readonly number[], size: number, refill: number): number {
  let tokens = size;
  let fewest = size;
  for (const count of counts) {
    tokens -= count;
    fewest = Math.min(fewest, tokens);
    tokens = Math.min(size, Math.max(0, tokens) + refill);
  }
  return fewest;
}
