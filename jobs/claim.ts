/** The claim: the first word on a video, `jobs/<id>/claim.json`, written once. */
import { z } from 'zod';
import type { CreatedObject } from './messages.ts';
import { indexKey, jobKeys, sourceKey, type VideoId, videoIdOf } from './names.ts';
import { describedSchema, readPending } from './pending.ts';
import type { ObjectStore } from './store.ts';

export const claimSchema = describedSchema.extend({
  video: z.string(),
  bucket: z.string(),
  key: z.string(),
  etag: z.string(),
  /** Bytes. */
  size: z.number(),
  /** ISO 8601 time of the event. */
  uploadedAt: z.string(),
  /** ISO 8601 time at which the API handed the upload out. */
  announcedAt: z.string().exactOptional(),
  /** As the upload said, or the last part of a dropped file's key; to show. */
  fileName: z.string().optional(),
  /** Encode settings that the upload asked for, where they differ from the platform's. */
  settings: z.record(z.string(), z.unknown()).optional(),
});
export type Claim = z.infer<typeof claimSchema>;

/** A video's claim; undefined where no upload of that id was ever claimed. */
export function readClaim(uploads: ObjectStore, video: VideoId): Promise<Claim | undefined> {
  return uploads.getJson(jobKeys.claim(video), claimSchema);
}

/** The claim that an object makes. */
export function claimOf({ bucket, key, etag, size, time }: CreatedObject): Claim & { video: VideoId } {
  const video = videoIdOf({ bucket, key, etag });
  const fileName = key === sourceKey(video) ? undefined : key.split('/').at(-1);
  return { video, bucket, key, etag, size, uploadedAt: time, ...(fileName !== undefined && { fileName }) };
}

/**
 * What became of an object's claim: `written`; `repeated`, because this very object holds it already; or `taken`
 * by another object that came first under the same id.
 */
export type ClaimResult = 'written' | 'repeated' | 'taken';

/** The claim that an object makes, with what its upload said of it. */
async function describedClaim(uploads: ObjectStore, object: CreatedObject) {
  const claim = claimOf(object);
  const pending = object.key === sourceKey(claim.video) ? await readPending(uploads, claim.video) : undefined;
  if (!pending) return claim;
  const { createdAt: announcedAt, fileName, title, metadata, settings } = pending;
  return { ...claim, announcedAt, fileName, title, metadata, settings };
}

/** Claims the video of an object, and gives it its place in the index. The first claim of an id wins. */
export async function claimVideo(
  uploads: ObjectStore,
  object: CreatedObject,
): Promise<{ video: VideoId; claim: Claim; result: ClaimResult }> {
  const claim = await describedClaim(uploads, object);
  const { video } = claim;
  const key = jobKeys.claim(video);
  if ((await uploads.putOnceJson(key, claim)) === 'written') {
    await enterIndex(uploads, video, claim);
    return { video, claim, result: 'written' };
  }
  const first = await readClaim(uploads, video);
  if (!first)
    throw new Error(`s3://${uploads.bucket}/${key} was there and is gone; the event must come again`);
  // Whoever wrote the claim may have ended before it could.
  await enterIndex(uploads, video, first);
  return { video, claim: first, result: isSameSource(first, claim) ? 'repeated' : 'taken' };
}

const enterIndex = (uploads: ObjectStore, video: VideoId, { uploadedAt }: Claim): Promise<void> =>
  uploads.put(indexKey(uploadedAt, video), '', { contentType: 'text/plain' });

function isSameSource(a: Claim, b: Claim): boolean {
  return a.bucket === b.bucket && a.key === b.key && a.etag === b.etag;
}
