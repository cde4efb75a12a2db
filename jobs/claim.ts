/** The claim: the first word on a video, `jobs/<id>/claim.json`, written once. */
import { z } from 'zod';
import type { CreatedObject } from './messages.ts';
import { jobKeys, sourceKey, type VideoId, videoIdOf } from './names.ts';
import type { ObjectStore } from './store.ts';

export const claimSchema = z.object({
  video: z.string(),
  bucket: z.string(),
  key: z.string(),
  etag: z.string(),
  /** Bytes. */
  size: z.number(),
  /** ISO 8601 time of the event. */
  uploadedAt: z.string(),
  /** The last part of a dropped file's key, to show. */
  fileName: z.string().optional(),
});
export type Claim = z.infer<typeof claimSchema>;

/** The claim that an object makes. */
export function claimOf({ bucket, key, etag, size, time }: CreatedObject): Claim & { video: VideoId } {
  const video = videoIdOf({ bucket, key, etag });
  const fileName = key === sourceKey(video) ? undefined : key.split('/').at(-1);
  return { video, bucket, key, etag, size, uploadedAt: time, ...(fileName !== undefined && { fileName }) };
}

/** Claims the video of an object. The first claim of an id wins; says what became of this one. */
export async function claimVideo(
  uploads: ObjectStore,
  object: CreatedObject,
): Promise<{ video: VideoId; result: 'written' | 'exists' }> {
  const claim = claimOf(object);
  return { video: claim.video, result: await uploads.putOnceJson(jobKeys.claim(claim.video), claim) };
}
