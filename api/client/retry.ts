/**
 * Tries again what may work the next time, each time later and never in step with others ("full jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */

const MOST_TRIES = 8;
/** Milliseconds that the first pause lasts at most; each further one twice as long. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/** Waits. Rejects with the signal's reason where that aborts. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      done();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Does something until it works.
 * @param work gets the number of tries before this one
 * @param waitAfter milliseconds to wait at least before the next try after this error; undefined where none would help
 */
export async function retried<T>(
  work: (triesBefore: number) => Promise<T>,
  waitAfter: (error: unknown, triesBefore: number) => number | undefined,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    signal?.throwIfAborted();
    try {
      return await work(tries);
    } catch (error) {
      const least = waitAfter(error, tries);
      if (signal?.aborted || least === undefined || tries + 1 >= MOST_TRIES) throw error;
      await pause(least + Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries), signal);
    }
  }
}
