/** How fast an encode goes, and how long the rest of it takes, as far as one worker can tell. Pure. */

/** Seconds from the last chunk to the master playlist: pictures and publishing, and what grows with the length. */
const TAIL = { seconds: 1, ofDuration: 0.004 } as const;

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

/**
 * Seconds of a lane after which what was measured before counts 1/e: machines get faster or slower, but shared ones also
 * swing by half and more within seconds, which says nothing of the next minutes (measured: with 20, the time left swung
 * between half and double).
 */
const MEMORY_SECONDS = 240;
/**
 * What counts as measured before anything is: the machine that plans are made for. In its first seconds a task tells more
 * of what else begins then than of the next minute.
 */
const GUESS = { work: 2, seconds: 2 } as const;
/**
 * Seconds that a task takes beside its work: until the first frame comes out, and from the last one to the receipt. So it
 * was on an idle machine; it counts as one measurement.
 */
const BESIDE = { start: 1, end: 0.5 } as const;

/** A mean that starts with a guess. */
class Mean {
  #sum: number;
  #count = 1;

  constructor(guess: number) {
    this.#sum = guess;
  }

  add(value: number): void {
    this.#sum += value;
    this.#count += 1;
  }

  get value(): number {
    return this.#sum / this.#count;
  }
}

/**
 * How fast the tasks of an encode go, by what was measured of them. What each costs beside its work is kept apart: it is
 * most of a short chunk and little of a long one, so that the one would tell nothing of the other.
 */
export class Pace {
  #work: number = GUESS.work;
  #seconds: number = GUESS.seconds;
  readonly #start = new Mean(BESIDE.start);
  readonly #end = new Mean(BESIDE.end);

  /** So much work came out of a task in so many seconds. */
  worked(work: number, seconds: number): void {
    const kept = Math.exp(-seconds / MEMORY_SECONDS);
    this.#work = kept * this.#work + work;
    this.#seconds = kept * this.#seconds + seconds;
  }

  /** A task took so many seconds until this much of its work came out at once. */
  started(work: number, seconds: number): void {
    this.#start.add(Math.max(0, seconds - work / this.workPerSecond));
  }

  /** A task took so many seconds from the last of its work to its end. */
  ended(seconds: number): void {
    this.#end.add(seconds);
  }

  /** Of a lane. Above 0. */
  get workPerSecond(): number {
    return this.#work / this.#seconds;
  }

  /**
   * Seconds that a lane still needs for a task.
   * @param work that is left of it
   * @param begun seconds since it was begun, as long as nothing of it came out; undefined once something did
   */
  secondsOf(work: number, begun: number | undefined): number {
    const start = begun === undefined ? 0 : Math.max(0, this.#start.value - begun);
    return start + work / this.workPerSecond + this.#end.value;
  }
}
