/**
 * The names that the whole platform agrees on: object keys, video ids, revisions. Pure; no AWS.
 * Keys never contain a person's file name (DESIGN, "Where state lives").
 */
import { createHash, randomBytes } from 'node:crypto';

/** 20 characters of Crockford-like base32 in lower case: 100 bits, safe in URLs, paths and shells. */
export type VideoId = string & { readonly brand: 'VideoId' };
/** 12 hexadecimal digits: a hash of source identity and encode settings. */
export type Revision = string & { readonly brand: 'Revision' };
/** `plan`, `publish`, `chunk-00012`, `audio-00000`: unique within a revision. */
export type TaskName = string & { readonly brand: 'TaskName' };

/** 12 hexadecimal digits: a hash of what was added. */
export type TrackId = string & { readonly brand: 'TrackId' };

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';
const ID_LENGTH = 20;
const REVISION_LENGTH = 12;
const REVISION_PATTERN = new RegExp(`^[0-9a-f]{${REVISION_LENGTH}}$`);
const ID_PATTERN = new RegExp(`^[${BASE32}]{${ID_LENGTH}}$`);

/** Where clients put sources; the only prefix that S3 announces to the uploads queue besides plans. */
export const UPLOADS_PREFIX = 'uploads/';
/** Where job state lives. */
export const JOBS_PREFIX = 'jobs/';
/** Where encodes that have not ended are marked. */
export const OPEN_PREFIX = 'open/';
/** Where encodes are marked of whose end others may not have been told yet. */
export const UNTOLD_PREFIX = 'untold/';
/** Where revisions are marked that were replaced. */
export const OLD_PREFIX = 'old/';
/** Where encodes that have ended are marked by day. */
export const ENDED_PREFIX = 'ended/';
/** Where changes of who may see a video are marked that the edge may not know yet. */
export const UNSETTLED_PREFIX = 'unsettled/';
/** Where workers leave their heartbeats. */
export const WORKERS_PREFIX = 'workers/';
/** Every attempt's key, as a pattern of IAM, whose `*` takes in slashes. */
export const ATTEMPTS_PATTERN = `${JOBS_PREFIX}*/attempts/*`;
/** Every copy of a source, likewise. */
export const COPIES_PATTERN = `${JOBS_PREFIX}*/source.nut`;
/** Every failure of an encode, likewise. */
export const FAILED_PATTERN = `${JOBS_PREFIX}*/failed.json`;
/** Every told event's key, likewise. */
export const EVENTS_PATTERN = `${JOBS_PREFIX}*/events/*`;
/** Where hints about machines live. */
export const CAPACITY_PREFIX = 'capacity/';
/** Where it is counted what machines cost. */
export const SPENDING_PREFIX = 'spending/';
export const LEDGER_KEY = `${SPENDING_PREFIX}ledger.json`;
/** Where uploads that were announced to the API wait for their source. */
export const PENDING_PREFIX = 'pending/';
/** Where owners put the models of recognisers. */
export const MODELS_PREFIX = 'models/';
/** Every video by time, newest first. */
export const INDEX_PREFIX = 'index/';
/** Where deleted videos are marked. */
export const DELETED_PREFIX = 'deleted/';
/** What creations under an `Idempotency-Key` made. */
export const IDEMPOTENCY_PREFIX = 'idempotency/';
/** How much each caller of the API used a day. */
export const USAGE_PREFIX = 'usage/';
/** Where published videos live in the production bucket. */
export const VIDEOS_PREFIX = 'v/';
/** Where webhooks' endpoints are kept, and what could not be delivered to them. */
export const WEBHOOKS_PREFIX = 'webhooks/';
/** Where events are recorded whose videos are gone. */
export const TOLD_PREFIX = `${WEBHOOKS_PREFIX}told/`;
export const UNDELIVERED_PREFIX = `${WEBHOOKS_PREFIX}undelivered/`;
/** The ends of keys by which S3 announces objects. Below `jobs/` and `v/`, only these objects' keys end so. */
export const PLAN_SUFFIX = '/plan.json';
export const CLAIM_SUFFIX = '/claim.json';
export const FAILED_SUFFIX = '/failed.json';
export const MASTER_SUFFIX = '/master.m3u8';

function base32(bytes: Uint8Array): VideoId {
  let id = '';
  for (let i = 0; i < ID_LENGTH; i++) id += BASE32[(bytes[i] ?? 0) & 31];
  return id as VideoId; // built from the alphabet above, so it is one
}

/** A new random id, for an upload that the platform hands out itself. */
export function newVideoId(): VideoId {
  return base32(randomBytes(ID_LENGTH));
}

/** Whether a string has the form of a video id. */
export function isVideoId(value: string): value is VideoId {
  return ID_PATTERN.test(value);
}

/** The same string as a video id. Throws a `TypeError` naming the value where it is none. */
export function asVideoId(value: string): VideoId {
  if (!isVideoId(value))
    throw new TypeError(`'${value}' is not a video id (${ID_LENGTH} characters of ${BASE32})`);
  return value;
}

/**
 * The id of the video whose source is this object. `uploads/<id>/source` carries its id; any other object's is
 * derived from bucket, key and ETag, so that a repeated event names the same video and new content a new one.
 */
export function videoIdOf(source: { bucket: string; key: string; etag: string }): VideoId {
  const own = /^uploads\/([^/]+)\/source$/.exec(source.key)?.[1];
  if (own !== undefined && isVideoId(own)) return own;
  return base32(
    createHash('sha256')
      .update(JSON.stringify([source.bucket, source.key, source.etag]))
      .digest(),
  );
}

/** The key under which an upload with a known id is put. */
export const sourceKey = (id: VideoId): string => `${UPLOADS_PREFIX}${id}/source`;

/** Keys of a video's state in the upload bucket. */
export const jobKeys = {
  root: (id: VideoId) => `${JOBS_PREFIX}${id}/`,
  /** All tracks of text that were added. */
  sidecars: (id: VideoId) => `${JOBS_PREFIX}${id}/text/`,
  sidecar: (id: VideoId, track: TrackId) => `${JOBS_PREFIX}${id}/text/${track}.json`,
  claim: (id: VideoId) => `${JOBS_PREFIX}${id}${CLAIM_SUFFIX}`,
  /** All events that were told. */
  events: (id: VideoId) => `${JOBS_PREFIX}${id}/events/`,
  /** An event that was told. */
  event: (id: VideoId, event: string) => `${JOBS_PREFIX}${id}/events/${event}.json`,
  edits: (id: VideoId) => `${JOBS_PREFIX}${id}/edits.json`,
  requests: (id: VideoId) => `${JOBS_PREFIX}${id}/requests/`,
  /** Numbered from 1, so that the last in S3's order is the newest. */
  request: (id: VideoId, number: number) =>
    `${JOBS_PREFIX}${id}/requests/${String(number).padStart(6, '0')}.json`,
  /** All that an encode leaves. */
  encode: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/`,
  settings: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/settings.json`,
  plan: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}${PLAN_SUFFIX}`,
  /** Who made the plan, and when: the plan itself is the same whoever makes it. */
  planned: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/planned.json`,
  /** The copy that is read in the source's place where its clock jumps. */
  copy: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/source.nut`,
  /** When it could first be watched. */
  watchable: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/watchable.json`,
  spent: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/spent.json`,
  failed: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}${FAILED_SUFFIX}`,
  receipts: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/done/`,
  receipt: (id: VideoId, revision: Revision, task: TaskName) =>
    `${JOBS_PREFIX}${id}/${revision}/done/${task}.json`,
  /** All that is described of what unfinished tasks made. */
  parts: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/parts/`,
  /** Numbered from 0, in the order of their time. */
  part: (id: VideoId, revision: Revision, task: TaskName, index: number) =>
    `${JOBS_PREFIX}${id}/${revision}/parts/${task}/${String(index).padStart(5, '0')}.json`,
  /** Those of all tasks. */
  allAttempts: (id: VideoId, revision: Revision) => `${JOBS_PREFIX}${id}/${revision}/attempts/`,
  attempts: (id: VideoId, revision: Revision, task: TaskName) =>
    `${JOBS_PREFIX}${id}/${revision}/attempts/${task}/`,
} as const;

/** Key of what an upload said of itself before its source came. */
export const pendingKey = (id: VideoId): string => `${PENDING_PREFIX}${id}.json`;

/** Key of the mark of a deleted video. */
export const deletedKey = (id: VideoId): string => `${DELETED_PREFIX}${id}`;

/** Milliseconds since 1970 that no video's time exceeds; times are subtracted from it, so that S3 lists the newest first. */
const END_OF_TIME = 9_999_999_999_999;

/** Key of a video's place in the index. @param uploadedAt ISO 8601, as its claim has it */
export const indexKey = (uploadedAt: string, id: VideoId): string =>
  `${INDEX_PREFIX}${String(END_OF_TIME - Date.parse(uploadedAt)).padStart(13, '0')}-${id}`;

/** The video whose place in the index has this key; undefined for any other key. */
export function videoOfIndexKey(key: string): VideoId | undefined {
  const [, id = ''] = /^index\/\d{13}-(.*)$/.exec(key) ?? [];
  return isVideoId(id) ? id : undefined;
}

/** What the keys of a video's marks of encodes that have not ended begin with. */
export const openPrefix = (id: VideoId): string => `${OPEN_PREFIX}${id}/`;
/** Key of the mark of an encode that has not ended. */
export const openKey = (id: VideoId, revision: Revision): string => `${openPrefix(id)}${revision}`;
/** Key of the mark of an encode of whose end others may not have been told yet. */
export const untoldKey = (id: VideoId, revision: Revision): string => `${UNTOLD_PREFIX}${id}/${revision}`;
/** Key of the mark of a revision that was replaced. */
export const oldKey = (id: VideoId, revision: Revision): string => `${OLD_PREFIX}${id}/${revision}`;
/** Key of the mark of an encode that has ended. @param day `yyyy-mm-dd`, UTC */
export const endedKey = (day: string, id: VideoId, revision: Revision): string =>
  `${ENDED_PREFIX}${day}/${id}/${revision}`;
/** Key of the mark of a change of who may see a video. @param change any name of its own */
export const unsettledKey = (id: VideoId, change: string): string => `${UNSETTLED_PREFIX}${id}/${change}`;
/** The key of a worker's heartbeat. @param worker an instance id */
export const workerKey = (worker: string): string => `${WORKERS_PREFIX}${worker}.json`;

/** Keys of what is learnt about machines, in the upload bucket (jobs/hints.ts). */
export const capacityKeys = {
  calibration: `${CAPACITY_PREFIX}calibration.json`,
  launches: `${CAPACITY_PREFIX}launches.json`,
  quotas: `${CAPACITY_PREFIX}quotas.json`,
  refusals: `${CAPACITY_PREFIX}refusals.json`,
  starts: `${CAPACITY_PREFIX}starts.json`,
} as const;

const undeliveredPrefix = (endpoint: string, video?: VideoId): string =>
  `${UNDELIVERED_PREFIX}${endpoint}/${video === undefined ? '' : `${video}/`}`;

/** Keys of webhooks in the upload bucket. */
export const webhookKeys = {
  endpoints: `${WEBHOOKS_PREFIX}endpoints/`,
  endpoint: (id: string) => `${WEBHOOKS_PREFIX}endpoints/${id}.json`,
  /** A deletion that was told. */
  told: (event: string) => `${TOLD_PREFIX}${event}`,
  /** All that could not be delivered to an endpoint; with a video, what of it describes that one. */
  undelivered: undeliveredPrefix,
  undeliveredEvent: (id: string, event: string, video?: VideoId) =>
    `${undeliveredPrefix(id, video)}${event}.json`,
} as const;

/** Keys of a video's published tree in the production bucket. */
export const videoKeys = {
  root: (id: VideoId) => `${VIDEOS_PREFIX}${id}/`,
  master: (id: VideoId) => `${VIDEOS_PREFIX}${id}${MASTER_SUFFIX}`,
  details: (id: VideoId) => `${VIDEOS_PREFIX}${id}/video.json`,
  /** A path below the folder of added text: no revision is called `text`. */
  sidecar: (id: VideoId, path: string) => `${VIDEOS_PREFIX}${id}/text/${path}`,
  /** A picture of the owner's: no revision is called `poster`. */
  poster: (id: VideoId, name: string) => `${VIDEOS_PREFIX}${id}/poster/${name}`,
  /** A path below a revision, as the playlists spell it: `1080p/chunk-00000.mp4`. */
  media: (id: VideoId, revision: Revision, path: string) => `${VIDEOS_PREFIX}${id}/${revision}/${path}`,
} as const;

/** Whether a string has the form of a revision. */
export function isRevision(value: string): value is Revision {
  return REVISION_PATTERN.test(value);
}

/** Whether a string has the form of an added track's id, which is a revision's. */
export function isTrackId(value: string): value is TrackId {
  return REVISION_PATTERN.test(value);
}

/** The same string as a track's id. Throws a `TypeError` naming the value where it is none. */
export function asTrackId(value: string): TrackId {
  if (!isTrackId(value)) throw new TypeError(`'${value}' is not the id of a track`);
  return value;
}

/** The encode that a key names by `<id>/<revision>` behind its prefix, whatever follows; undefined where it names none. */
export function encodeBelow(prefix: string, key: string): { video: VideoId; revision: Revision } | undefined {
  const [video = '', revision = ''] = key.slice(prefix.length).split('/');
  return isVideoId(video) && isRevision(revision) ? { video, revision } : undefined;
}

/** The video and revision whose plan has this key; undefined for any other key. */
export function encodeOfPlanKey(key: string): { video: VideoId; revision: Revision } | undefined {
  const encode = encodeBelow(JOBS_PREFIX, key);
  return encode && key === jobKeys.plan(encode.video, encode.revision) ? encode : undefined;
}

/** The revision of a source under given settings: equal inputs give an equal tree (DESIGN, idea 3). */
export function revisionOf(source: { etag: string; size: number }, settings: unknown): Revision {
  const digest = createHash('sha256').update(JSON.stringify([source.etag, source.size, settings]));
  return digest.digest('hex').slice(0, REVISION_LENGTH) as Revision; // hexadecimal by construction
}
