/**
 * What happens to videos, as others are told of it by webhooks and EventBridge. Events are born of objects: a claim, a
 * `failed.json`, a master playlist, the mark of a deletion. S3 announces those itself, at least once and whatever becomes of
 * the process that wrote them, so that nothing that happened goes untold and no writer has to know who listens.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { durationOf } from '../video/plan.ts';
import { type Claim, readClaim } from './claim.ts';
import { readMark } from './deleted.ts';
import { descriptionOf, isPrivate, readEdits } from './edits.ts';
import { readFailure } from './failed.ts';
import { type CreatedObject, encodeSchema } from './messages.ts';
import {
  DELETED_PREFIX,
  isRevision,
  isVideoId,
  JOBS_PREFIX,
  jobKeys,
  type Revision,
  VIDEOS_PREFIX,
  type VideoId,
  videoKeys,
} from './names.ts';
import { readPlan } from './progress.ts';
import { publishedRevision, type Stores } from './publish.ts';
import { readRequests } from './requests.ts';

const { video: id, revision } = encodeSchema.shape;

/** What every event but a deletion's says of its video. */
const videoSchema = z.object({
  id,
  title: z.string(),
  /** What the owner keeps with it. */
  metadata: z.record(z.string(), z.string()),
  /** ISO 8601. */
  uploadedAt: z.iso.datetime(),
});

const envelope = {
  /** The same whenever it is told again; of another event, another. */
  id: z.string(),
  /** ISO 8601: when it happened. */
  timestamp: z.iso.datetime(),
};

export const eventSchema = z.discriminatedUnion('type', [
  z.object({
    ...envelope,
    type: z.literal('video.created'),
    /** Its source is there, and it waits to be encoded. */
    data: videoSchema.extend({ sourceBytes: z.int() }),
  }),
  z.object({
    ...envelope,
    type: z.literal('video.ready'),
    /** This revision plays from now on: for the first time, after a re-encode or after a rollback. */
    data: videoSchema.extend({
      revision,
      /** Path of the multivariant playlist below the playback domain; absent of a private video, which plays by tokens alone. */
      playbackUrl: z.string().exactOptional(),
      durationSeconds: z.number(),
      /** Of the highest rung, in pixels; absent of sound alone. */
      width: z.int().exactOptional(),
      height: z.int().exactOptional(),
    }),
  }),
  z.object({
    ...envelope,
    type: z.literal('video.failed'),
    /** This revision will not play, unless it is tried again; an earlier one may go on playing. */
    data: videoSchema.extend({ revision, failure: z.object({ code: z.string(), message: z.string() }) }),
  }),
  z.object({ ...envelope, type: z.literal('video.deleted'), data: z.object({ id }) }),
  z.object({
    ...envelope,
    type: z.literal('webhook.test'),
    /** Sent to one endpoint, when its owner asks for it. */
    data: z.object({ endpoint: z.string() }),
  }),
]);
export type Event = z.infer<typeof eventSchema>;

/** The video that an event describes, with which it goes; undefined of one that says nothing of a video but that it is gone. */
export const describedBy = ({ type, data }: Event): VideoId | undefined =>
  type === 'video.deleted' || type === 'webhook.test' ? undefined : data.id;

/** An event's id: the same for the same occurrence. @param occurrence what tells it from the like of its kind */
export const eventIdOf = (type: Event['type'], ...occurrence: readonly unknown[]): string =>
  `evt_${createHash('sha256')
    .update(JSON.stringify([type, ...occurrence]))
    .digest('hex')
    .slice(0, 32)}`;

/** The event that an object's creation is; undefined where it is none, or is not true any more. */
export async function eventOf(stores: Stores, { key, time }: CreatedObject): Promise<Event | undefined> {
  if (key.startsWith(DELETED_PREFIX)) return deletedEvent(stores, key.slice(DELETED_PREFIX.length));
  const prefix = [JOBS_PREFIX, VIDEOS_PREFIX].find((known) => key.startsWith(known)) ?? '';
  const [video = '', next = ''] = key.slice(prefix.length).split('/');
  if (!isVideoId(video)) return undefined;
  const claim = await readClaim(stores.uploads, video);
  if (!claim) return undefined; // deleted since
  if (key === jobKeys.claim(video)) return createdEvent(stores, video, claim);
  if (key === videoKeys.master(video)) return readyEvent(stores, video, claim, time);
  if (isRevision(next) && key === jobKeys.failed(video, next)) return failedEvent(stores, video, next, claim);
  return undefined;
}

/** The video as events tell it. */
async function described({ uploads }: Stores, video: VideoId, claim: Claim) {
  const { title, metadata } = descriptionOf(video, claim, await readEdits(uploads, video));
  return { id: video, title, metadata: { ...metadata }, uploadedAt: claim.uploadedAt };
}

async function createdEvent(stores: Stores, video: VideoId, claim: Claim): Promise<Event> {
  const { uploadedAt, size: sourceBytes } = claim;
  return {
    id: eventIdOf('video.created', video, uploadedAt),
    type: 'video.created',
    timestamp: uploadedAt,
    data: { ...(await described(stores, video, claim)), sourceBytes },
  };
}

/**
 * The master is also written anew where the same revision goes on playing: by a repeated publishing, or with subtitles
 * that were added. What tells such writes from a new event is the request that the revision plays by.
 */
async function readyEvent(
  stores: Stores,
  video: VideoId,
  claim: Claim,
  timestamp: string,
): Promise<Event | undefined> {
  const playing = await publishedRevision(stores.production, video);
  if (!playing) return undefined;
  const plan = await readPlan(stores.uploads, { video, revision: playing });
  if (!plan) return undefined;
  const requests = await readRequests(stores.uploads, video);
  const request = requests.findLastIndex((asked) => asked.revision === playing);
  const [highest] = plan.rungs;
  return {
    id: eventIdOf('video.ready', video, claim.uploadedAt, playing, request),
    type: 'video.ready',
    timestamp,
    data: {
      ...(await described(stores, video, claim)),
      revision: playing,
      ...(!(await isPrivate(stores.uploads, video)) && { playbackUrl: `/${videoKeys.master(video)}` }),
      durationSeconds: durationOf(plan),
      ...(highest && { width: highest.width, height: highest.height }),
    },
  };
}

/** No failure of its own is that of an encode whose place another took. */
async function failedEvent(
  stores: Stores,
  video: VideoId,
  failed: Revision,
  claim: Claim,
): Promise<Event | undefined> {
  const failure = await readFailure(stores.uploads, { video, revision: failed });
  if (!failure || failure.code === 'superseded') return undefined;
  const { code, message, at } = failure;
  return {
    id: eventIdOf('video.failed', video, failed, at),
    type: 'video.failed',
    timestamp: at,
    data: { ...(await described(stores, video, claim)), revision: failed, failure: { code, message } },
  };
}

/** The mark of an upload that never became a video is no event. */
async function deletedEvent({ uploads }: Stores, video: string): Promise<Event | undefined> {
  if (!isVideoId(video)) return undefined;
  const mark = await readMark(uploads, video);
  if (mark?.uploadedAt === undefined) return undefined;
  const { at } = mark;
  return {
    id: eventIdOf('video.deleted', video, at),
    type: 'video.deleted',
    timestamp: at,
    data: { id: video },
  };
}
