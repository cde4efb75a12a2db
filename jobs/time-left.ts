/** How fast an encode goes, and how long the rest of it takes, as far as one worker can tell. Pure. */

/** Seconds from the last chunk to the master playlist: pictures and publishing, and what grows with the length. */
const TAIL = { seconds: 2, ofDuration: 0.004 } as const;

/** Seconds from the end of the media until a video of so many seconds can be played. */
export const tailSeconds = (durationSeconds: number): number =>
  TAIL.seconds + TAIL.ofDuration * durationSeconds;

/**
 * Seconds until works are done, each by one of some lanes: every lane takes the next work as soon as it is free.
 * @param works in the order in which they are taken, those in hand first
 */
export function makespan(works: readonly number[], lanes: number): number {
  const ends = new Array<number>(Math.max(1, lanes)).fill(0);
  for (const work of works) {
    const first = ends.indexOf(Math.min(...ends));
    ends[first] = (ends[first] ?? 0) + work;
  }
  return Math.max(...ends);
}

/** Seconds of work after which what was measured before counts 1/e: machines are shared, and get faster or slower. */
const MEMORY_SECONDS = 20;
/** Seconds of work before which a measurement tells of ffmpeg's start alone. */
const FIRST_SECONDS = 4;

/** How much of a plan's work a lane does in a second, by what was measured lately. */
export class Speed {
  #work = 0;
  #seconds = 0;

  /** So much work was done in so many seconds of a lane. */
  measured(work: number, seconds: number): void {
    const kept = Math.exp(-seconds / MEMORY_SECONDS);
    this.#work = kept * this.#work + work;
    this.#seconds = kept * this.#seconds + seconds;
  }

  /** Above 0; before enough is done, that of the machine that plans are made for. */
  get workPerSecond(): number {
    return this.#work > 0 && this.#seconds > FIRST_SECONDS ? this.#work / this.#seconds : 1;
  }
}
