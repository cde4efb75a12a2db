/** A queue in which taking costs the same however long it is. */
export class Fifo<T> {
  #entries: T[] = [];
  #first = 0;

  get length(): number {
    return this.#entries.length - this.#first;
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** The oldest entry; undefined where there is none. */
  shift(): T | undefined {
    const entry = this.#entries[this.#first];
    if (this.#first < this.#entries.length) this.#first++;
    // Half of the list is past: forgetting it costs less than a step an entry.
    if (this.#first > 1000 && 2 * this.#first > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return entry;
  }
}
