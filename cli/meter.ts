/** How fast something goes, and how long it still takes. Pure. */

/** Seconds over which speed is measured: what was before says little of now. */
const WINDOW = 15;

export interface Pace {
  /** Units in a second. */
  readonly perSecond: number;
  readonly secondsLeft: number;
}

export class Meter {
  #readings: { readonly at: number; readonly done: number }[] = [];

  /**
   * Takes a reading.
   * @param at seconds of any clock
   * @returns the pace; undefined until something was done between two readings
   */
  read(at: number, done: number, total: number): Pace | undefined {
    this.#readings.push({ at, done });
    // The reading just before the window stays, so that the window is always full.
    const first = this.#readings.findLastIndex((reading) => reading.at <= at - WINDOW);
    if (first > 0) this.#readings = this.#readings.slice(first);
    const since = this.#readings[0];
    if (!since || done <= since.done || at <= since.at) return undefined;
    const perSecond = (done - since.done) / (at - since.at);
    return { perSecond, secondsLeft: (total - done) / perSecond };
  }
}
