/** How a video ends without a stream: `jobs/<id>/failed.json`, written once. */
import { z } from 'zod';
import type { FailureCode } from '../video/failures.ts';
import { jobKeys, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

export const failedSchema = z.object({
  code: z.string(),
  /** A sentence that tells the owner what to do. */
  message: z.string(),
});
export type Failed = z.infer<typeof failedSchema>;

/** Ends a video. The first reason stays. */
export async function recordFailure(
  uploads: ObjectStore,
  video: VideoId,
  failure: { code: FailureCode; message: string },
): Promise<void> {
  await uploads.putOnceJson(jobKeys.failed(video), failure satisfies Failed);
}
