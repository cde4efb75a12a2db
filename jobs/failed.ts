/** How an encode ends without a stream: `jobs/<id>/<revision>/failed.json`, written once. */
import { z } from 'zod';
import type { FailureCode } from '../video/failures.ts';
import { ranSchema } from '../video/receipt.ts';
import type { Encode } from './messages.ts';
import { logMetrics } from './metrics.ts';
import { jobKeys } from './names.ts';
import { unmarkOpen } from './open.ts';
import type { ObjectStore } from './store.ts';

export const failedSchema = z.object({
  code: z.string(),
  /** A sentence that tells the owner what to do. */
  message: z.string(),
  /** ISO 8601. */
  at: z.iso.datetime(),
  /** The task that found it, and who did that, where it was one. */
  ran: ranSchema.extend({ task: z.string() }).exactOptional(),
});
export type Failed = z.infer<typeof failedSchema>;

/** Ends an encode. The first reason stays; taking it back is `redrive.ts`'s. */
export async function recordFailure(
  uploads: ObjectStore,
  { video, revision }: Encode,
  failure: { code: FailureCode; message: string } & Pick<Failed, 'ran'>,
): Promise<void> {
  const failed: Failed = { ...failure, at: new Date().toISOString() };
  const result = await uploads.putOnceJson(jobKeys.failed(video, revision), failed);
  const { code } = failure;
  if (result === 'written' && code !== 'superseded')
    logMetrics('warn', 'encode-failed', { video, revision, code }, { Failures: 1 });
  await unmarkOpen(uploads, { video, revision });
}

/** Why an encode failed; undefined where it did not. */
export function readFailure(uploads: ObjectStore, { video, revision }: Encode): Promise<Failed | undefined> {
  return uploads.getJson(jobKeys.failed(video, revision), failedSchema);
}
