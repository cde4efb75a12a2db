/** How fast something goes, over the last seconds: an average that neither jumps nor remembers for long. Pure. */

/** Milliseconds that count. */
const WINDOW = 8000;
/** Milliseconds before which nothing can be said. */
const LEAST = 1500;

interface Sample {
  /** Milliseconds, of any clock. */
  readonly time: number;
  readonly bytes: number;
}

export class Rate {
  #samples: Sample[] = [];

  /** @param bytes in all, at this time */
  add(time: number, bytes: number): void {
    this.#samples = [...this.#samples.filter((sample) => sample.time > time - WINDOW), { time, bytes }];
  }

  /** Forgets: after a pause nothing of before counts. */
  clear(): void {
    this.#samples = [];
  }

  /** Bytes a second; undefined while nothing can be said. */
  perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.time - first.time < LEAST) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.time - first.time);
  }
}
