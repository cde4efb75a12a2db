/** The event queue of the simulation: actions in the order of their times, those of one time in the order given. */

interface Scheduled {
  readonly time: number;
  readonly order: number;
  readonly action: () => void;
}

const isBefore = (a: Scheduled, b: Scheduled) => a.time < b.time || (a.time === b.time && a.order < b.order);

/** Simulated time. Nothing else in the simulation knows a time of day or draws from one. */
export class Clock {
  /** A binary heap: no entry is before its parent, which is at half its index. */
  readonly #heap: Scheduled[] = [];
  #now = 0;
  #count = 0;

  /** Seconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  /** Does something after so many seconds. Throws a `RangeError` for the past, which is always a model's mistake. */
  after(seconds: number, action: () => void): void {
    if (!(seconds >= 0)) throw new RangeError(`An event ${seconds} s from now is in the past`);
    const heap = this.#heap;
    const added = { time: this.#now + seconds, order: this.#count++, action };
    let index = heap.push(added) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isBefore(added, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = added;
  }

  /** Does the next thing; says whether there was one. */
  step(): boolean {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (!first || !last) return false;
    if (first !== last) this.#sink(last);
    this.#now = first.time;
    first.action();
    return true;
  }

  /** Puts an entry in the place of the first one. */
  #sink(entry: Scheduled): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      let child = heap[below];
      const other = heap[below + 1];
      if (other && child && isBefore(other, child)) {
        child = other;
        below++;
      }
      if (!child || !isBefore(child, entry)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = entry;
  }
}
