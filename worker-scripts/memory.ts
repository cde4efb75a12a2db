/** The machine's memory, shared out to the tasks that need much of it. */

/** Of the machine's, for ffmpeg; the rest is the system's and the worker's own. */
const SHARE = 0.9;

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

export class Memory {
  readonly #bytes: number;
  #held = 0;
  /** In the order in which they came, so that a large one's turn comes, too. */
  readonly #waiting: Waiting[] = [];

  /** @param total bytes of the machine */
  constructor(total: number) {
    this.#bytes = total * SHARE;
  }

  /**
   * Runs something as soon as there is memory for it. What needs more than there is runs alone: it may still do.
   * @throws the signal's reason where it aborts before
   */
  async with<T>(bytes: number, signal: AbortSignal, use: () => Promise<T>): Promise<T> {
    await this.#turn(bytes, signal);
    try {
      return await use();
    } finally {
      this.#held -= bytes;
      this.#startNext();
    }
  }

  async #turn(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { bytes, start: resolve };
    this.#waiting.push(waiting);
    const abort = () => {
      const index = this.#waiting.indexOf(waiting);
      if (index < 0) return; // it has started, and sees the signal itself
      this.#waiting.splice(index, 1);
      reject(signal.reason);
      this.#startNext(); // those behind it may fit
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#startNext();
    await promise.finally(() => signal.removeEventListener('abort', abort));
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#held > 0 && this.#held + next.bytes > this.#bytes) return;
      this.#waiting.shift();
      this.#held += next.bytes;
      next.start();
    }
  }
}
