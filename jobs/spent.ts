/** What an encode took: `jobs/<id>/<revision>/spent.json`, summed from its receipts when it is published, once. */
import { z } from 'zod';
import { billOf, billSchema } from '../video/cost.ts';
import type { Plan } from '../video/plan.ts';
import { LIST_PRICES } from '../video/prices.ts';
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
  /** ISO 8601: when its publishing began; those before 22 November 2026 have none. */
  publishingAt: z.string().exactOptional(),
  /** Machines that had a part in it. */
  machines: z.int().positive(),
  /** What of it costs money; those before November 2026 have none. */
  bill: billSchema.exactOptional(),
});
export type Spent = z.infer<typeof spentSchema>;

/** The sum of an encode's receipts; there is at least one. */
export function spentOn(plan: Plan, receipts: readonly Receipt[], publishingAt: Date): Spent {
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
    publishingAt: publishingAt.toISOString(),
    machines: new Set(receipts.map(({ worker }) => worker)).size,
    bill: billOf(plan, receipts, LIST_PRICES),
  };
}

/** Keeps the sum beside the receipts. Says whether it was not yet kept: an encode that plays again took nothing more. */
export async function recordSpent(
  uploads: ObjectStore,
  { video, revision }: Encode,
  plan: Plan,
  receipts: readonly Receipt[],
  publishingAt: Date,
): Promise<boolean> {
  const spent = spentOn(plan, receipts, publishingAt);
  return (await uploads.putOnceJson(jobKeys.spent(video, revision), spent)) === 'written';
}

/** What an encode took; undefined before it was published. */
export function readSpent(uploads: ObjectStore, { video, revision }: Encode): Promise<Spent | undefined> {
  return uploads.getJson(jobKeys.spent(video, revision), spentSchema);
}
