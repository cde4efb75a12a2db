/** Much of the same to do: a few at a time, so that neither memory nor S3 gets all of it at once. */

/** The items, `size` at a time: what takes a list takes so many at most. */
export function* batchesOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/**
 * Does the work of every item, `size` of them at a time, and yields what comes of each in the items' order. Nothing is
 * begun before it is asked for, nor after one failed.
 */
export async function* inBatches<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  for (const batch of batchesOf(items, size)) yield* await Promise.all(batch.map((item) => work(item)));
}

/**
 * Does the work of the items, `size` of them at a time, until the deadline is over: what is begun then is ended, and the
 * rest is left.
 * @param deadline milliseconds since 1970
 */
export async function untilDeadline<T>(
  items: readonly T[],
  size: number,
  deadline: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for await (const _ of inBatches(items, size, work)) if (Date.now() > deadline) return;
}
