/** What a message is about, for the log lines that are written while it is handled. */
import { deliverySchema } from './deliver.ts';
import type { LogFields } from './log.ts';
import {
  type CreatedObject,
  encodeSchema,
  parseS3Event,
  renewSchema,
  requeueSchema,
  uploadedSchema,
} from './messages.ts';
import {
  DELETED_PREFIX,
  isVideoId,
  JOBS_PREFIX,
  OPEN_PREFIX,
  UNTOLD_PREFIX,
  UPLOADS_PREFIX,
  VIDEOS_PREFIX,
  videoIdOf,
} from './names.ts';

/** Prefixes that an id follows. */
const PREFIXES = [JOBS_PREFIX, VIDEOS_PREFIX, DELETED_PREFIX, OPEN_PREFIX, UNTOLD_PREFIX];

/** The video that a key belongs to; nothing where it does not say. */
export function aboutKey(key: string): LogFields {
  const prefix = PREFIXES.find((known) => key.startsWith(known));
  const [video = ''] = key.slice(prefix?.length).split('/');
  return prefix !== undefined && isVideoId(video) ? { video } : {};
}

const aboutObject = (object: CreatedObject): LogFields =>
  object.key.startsWith(UPLOADS_PREFIX) ? { video: videoIdOf(object) } : aboutKey(object.key);

/** The video, and where it says so the revision, of a message of any of our queues; nothing where it names none. */
export function aboutMessage(body: string): LogFields {
  try {
    const message: unknown = JSON.parse(body);
    const encode =
      requeueSchema.safeParse(message).data?.requeue ??
      renewSchema.safeParse(message).data?.renew ??
      encodeSchema.safeParse(message).data;
    if (encode) return { video: encode.video, revision: encode.revision };
    const event = deliverySchema.safeParse(message).data?.deliver.event;
    if (event) return event.type === 'webhook.test' ? {} : { video: event.data.id };
    const [object] = [uploadedSchema.safeParse(message).data?.uploaded ?? parseS3Event(message)].flat();
    return object ? aboutObject(object) : {};
  } catch {
    return {}; // what is no message of ours is told as such by whoever handles it
  }
}
