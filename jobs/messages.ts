/** What travels on the tasks queue, and the S3 events on the uploads queue. */
import { z } from 'zod';
import { isRevision, isVideoId, type Revision, type VideoId } from './names.ts';

const videoId = z.string().refine(isVideoId, 'is not a video id') as unknown as z.ZodType<VideoId, string>;
const revision = z.string().refine(isRevision, 'is not a revision') as unknown as z.ZodType<Revision, string>;

/** One encode of one video: what every task and every state but the claim belongs to. */
export const encodeSchema = z.object({ video: videoId, revision });
export type Encode = z.infer<typeof encodeSchema>;

/** A task: the whole of a message on the tasks queue. Numbers index the plan's lists. */
export const taskSchema = z.discriminatedUnion('kind', [
  encodeSchema.extend({ kind: z.literal('plan') }),
  encodeSchema.extend({ kind: z.literal('chunk'), index: z.int().nonnegative() }),
  encodeSchema.extend({ kind: z.literal('audio'), index: z.int().nonnegative() }),
  encodeSchema.extend({ kind: z.literal('text') }),
  encodeSchema.extend({ kind: z.literal('stills') }),
  encodeSchema.extend({ kind: z.literal('publish') }),
  encodeSchema.extend({ kind: z.literal('download') }),
]);
export type Task = z.infer<typeof taskSchema>;

/**
 * A message on the uploads queue besides S3's events: queue whatever this encode still misses, and see that there
 * are machines for it. Retry, re-encode and the sweeper send it, so that all launching stays with dispatch.
 */
export const requeueSchema = z.object({ requeue: encodeSchema });

/** A third: this encode was asked of another version of the code than the worker's that sends it (jobs/renew.ts). */
export const renewSchema = z.object({ renew: encodeSchema });

const createdObjectSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  /** Bytes. */
  size: z.int(),
  /** Without quotes, as the event has it. */
  etag: z.string(),
  /** ISO 8601 time of the event. */
  time: z.iso.datetime(),
});
export type CreatedObject = Readonly<z.infer<typeof createdObjectSchema>>;

/** Another: handle this source as if S3 had announced it. The sweeper sends it where no event ever came. */
export const uploadedSchema = z.object({ uploaded: createdObjectSchema });

/**
 * The part of an S3 event notification that dispatch uses.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
const s3EventSchema = z.object({
  Records: z.array(
    z.object({
      eventName: z.string(),
      eventTime: z.iso.datetime(),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({ key: z.string(), size: z.number().optional(), eTag: z.string().optional() }),
      }),
    }),
  ),
});

/** S3 sends this once, when a notification is configured; it names no object. */
const testEventSchema = z.object({ Event: z.literal('s3:TestEvent') });

/** A key as events spell it: `application/x-www-form-urlencoded`, so `+` is a space and UTF-8 is escaped. */
export function decodeEventKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

/** The objects that an S3 event says were created; none for S3's test event. Throws on anything else. */
export function parseS3Event(value: unknown): CreatedObject[] {
  if (testEventSchema.safeParse(value).success) return [];
  return s3EventSchema.parse(value).Records.flatMap(({ eventName, eventTime, s3 }) =>
    eventName.startsWith('ObjectCreated:')
      ? [
          {
            bucket: s3.bucket.name,
            key: decodeEventKey(s3.object.key),
            size: s3.object.size ?? 0,
            etag: s3.object.eTag ?? '',
            time: eventTime,
          },
        ]
      : [],
  );
}
