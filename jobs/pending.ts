/**
 * What an upload says of itself before its source is there: `pending/<id>.json`, written once when the API hands out
 * the upload. The claim takes it over; a record whose source never comes goes by a rule of the bucket.
 */
import { z } from 'zod';
import { pendingKey, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

/** What an owner may say of a video, in the form in which it is kept. */
export const describedSchema = z.object({
  title: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

export const pendingSchema = describedSchema.extend({
  fileName: z.string(),
  /** A media type (RFC 9110, 8.3.1). */
  type: z.string(),
  /** Bytes. */
  size: z.int().positive(),
  /** Encode settings that differ from the platform's. */
  settings: z.record(z.string(), z.unknown()).optional(),
  /** ISO 8601. */
  createdAt: z.string(),
  /** Who created it. */
  createdBy: z.string(),
  /** Base64; the whole file's. */
  sha256: z.string().optional(),
  /** Where it comes in parts: S3's name of the multipart upload, and bytes of each part but the last. */
  multipart: z.object({ uploadId: z.string(), partSize: z.int().positive() }).optional(),
});
export type PendingUpload = Readonly<z.infer<typeof pendingSchema>>;

/** What an upload said of itself; undefined where the API handed out none of this id. */
export function readPending(uploads: ObjectStore, video: VideoId): Promise<PendingUpload | undefined> {
  return uploads.getJson(pendingKey(video), pendingSchema);
}

/** Keeps an upload's words. The first ones stay: they are returned, whoever wrote them. */
export async function recordPending(
  uploads: ObjectStore,
  video: VideoId,
  pending: PendingUpload,
): Promise<PendingUpload> {
  if ((await uploads.putOnceJson(pendingKey(video), pending)) === 'written') return pending;
  const first = await readPending(uploads, video);
  if (!first) throw new Error(`s3://${uploads.bucket}/${pendingKey(video)} was there and is gone; ask again`);
  return first;
}
