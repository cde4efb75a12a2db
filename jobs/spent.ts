/** What an encode took: `jobs/<id>/<revision>/spent.json`, summed from its receipts when it is published, once. */
import { z } from 'zod';
import type { Receipt } from '../video/receipt.ts';
import type { Encode } from './messages.ts';
import { jobKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

export const spentSchema = z.object({
  tasks: z.int().nonnegative(),
  /** Of ffmpeg, over all machines. */
  cpuSeconds: z.number().nonnegative(),
  /** Bytes of what was made. */
  bytes: z.int().nonnegative(),
  /** ISO 8601: the first task's beginning and the last one's end. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** Machines that had a part in it. */
  machines: z.int().positive(),
});
export type Spent = z.infer<typeof spentSchema>;

/** The sum of an encode's receipts; there is at least one. */
export function spentOn(receipts: readonly Receipt[]): Spent {
  const times = receipts.flatMap(({ startedAt, finishedAt }) => [startedAt, finishedAt]).sort();
  const bytes = receipts.flatMap(({ objects, files }) =>
    [...objects, ...files].map((object) => object.bytes),
  );
  return {
    tasks: receipts.length,
    cpuSeconds: receipts.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    bytes: bytes.reduce((sum, count) => sum + count, 0),
    startedAt: times.at(0) ?? '',
    finishedAt: times.at(-1) ?? '',
    machines: new Set(receipts.map(({ worker }) => worker)).size,
  };
}

/** Keeps the sum beside the receipts. */
export async function recordSpent(
  uploads: ObjectStore,
  { video, revision }: Encode,
  receipts: readonly Receipt[],
): Promise<void> {
  await uploads.putOnceJson(jobKeys.spent(video, revision), spentOn(receipts));
}

/** What an encode took; undefined before it was published. */
export function readSpent(uploads: ObjectStore, { video, revision }: Encode): Promise<Spent | undefined> {
  return uploads.getJson(jobKeys.spent(video, revision), spentSchema);
}
