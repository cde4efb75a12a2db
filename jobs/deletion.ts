/**
 * Deleting a video: everything that it ever left, also while it is being encoded. The mark `deleted/<id>` is written
 * first and stays, so that nothing that comes late, an event or a worker's last object, brings the video back: dispatch
 * and bury look for the mark, workers for the claim, and `mend` sweeps again what was written in between.
 */
import { untilDeadline } from './batches.ts';
import { readClaim } from './claim.ts';
import { type Mark, readMark } from './deleted.ts';
import { readEdits, recordEdits } from './edits.ts';
import { endpointIds } from './endpoints.ts';
import { type KeyValueStore, KeyValueStoreError } from './key-value-store.ts';
import { log } from './log.ts';
import type { CreatedObject } from './messages.ts';
import {
  DELETED_PREFIX,
  deletedKey,
  indexKey,
  isVideoId,
  jobKeys,
  OLD_PREFIX,
  openPrefix,
  pendingKey,
  sourceKey,
  UNTOLD_PREFIX,
  UPLOADS_PREFIX,
  type VideoId,
  videoKeys,
  webhookKeys,
} from './names.ts';
import { hasOpen } from './open.ts';
import type { Stores } from './publish.ts';
import type { ObjectStore } from './store.ts';
import { unlessUnreadable } from './unreadable.ts';
import { changeWhoMaySee, markUnsettled } from './visibility.ts';

const MINUTE = 60_000;
/** Videos that `mend` sweeps at once. Each takes some thirty requests, most of them listings. */
const AT_ONCE = 10;
/** Milliseconds in which a worker that was busy with the video may still write: its heartbeat sees the end sooner. */
const LATE_MS = 2 * MINUTE;
/** Milliseconds for which every run of `mend` sweeps again. */
const SWEPT_MS = 120 * MINUTE;
/**
 * Milliseconds after which the mark goes: longer than caches keep media (`CACHE_CONTROL.immutable`), for which time the edge keeps the video
 * closed, and than SQS keeps any message.
 */
export const MARK_KEPT_MS = 366 * 24 * 60 * MINUTE;

/** What a deletion found. */
export interface Deletion {
  /** Objects that the listing afterwards still found. */
  readonly left: number;
  /** Whether nothing more can come, and the edge refuses what caches hold. */
  readonly settled: boolean;
}

/** Whether the edge has an entry of it: of an upload that never became a video caches hold nothing. */
const isAtEdge = (mark: Mark): boolean => mark.private || mark.uploadedAt !== undefined;

/**
 * Whether an object may become a video. A file that is dropped once more after its deletion may: it is wanted again, and
 * the mark goes; it is as private as it was, and `mend` opens what the edge keeps closed. Under the key of an upload's id
 * nothing may: the id was that one upload's.
 */
export async function mayBeClaimed(
  uploads: ObjectStore,
  video: VideoId,
  { key, time }: CreatedObject,
): Promise<boolean> {
  const mark = await readMark(uploads, video);
  if (!mark) return true;
  if (key === sourceKey(video) || Date.parse(time) <= Date.parse(mark.at)) return false;
  if (mark.private) await recordEdits(uploads, video, { visibility: 'private' });
  await markUnsettled(uploads, video);
  await uploads.delete(deletedKey(video));
  return true;
}

/** Whether there is, or was, anything of a video. */
async function findMark(stores: Stores, video: VideoId): Promise<Mark | undefined> {
  const { uploads } = stores;
  const before = await readMark(uploads, video);
  if (before) return before;
  const claim = await readClaim(uploads, video);
  if (!claim && !(await uploads.exists(pendingKey(video)))) return undefined;
  const edits = await unlessUnreadable('edits-unreadable', { video }, () => readEdits(uploads, video));
  return {
    at: new Date().toISOString(),
    busy: await hasOpen(uploads, video),
    private: edits === 'unreadable' || edits.visibility === 'private',
    ...(claim && { source: claim.key, uploadedAt: claim.uploadedAt }),
  };
}

/**
 * Deletes a video, or goes on with it; any number of times.
 * @param deadline milliseconds since 1970 after which the rest is left to `mend`
 * @returns undefined where there is no such video
 */
export async function deleteVideo(
  { stores, edge }: { readonly stores: Stores; readonly edge: KeyValueStore },
  video: VideoId,
  deadline: number,
): Promise<Deletion | undefined> {
  const mark = await findMark(stores, video);
  if (!mark) return undefined;
  const closed = await close(stores, edge, video, mark);
  log('info', 'delete', { video, busy: mark.busy });
  const { left, settled } = await sweep(stores, video, mark, deadline);
  return { left, settled: settled && closed };
}

/** Writes the mark, and has the edge refuse the video. @returns whether it does; if not, `mend` has it do so */
async function close({ uploads }: Stores, edge: KeyValueStore, video: VideoId, mark: Mark): Promise<boolean> {
  const write = async () => {
    await uploads.putOnceJson(deletedKey(video), mark);
  };
  try {
    await (isAtEdge(mark) ? changeWhoMaySee(uploads, edge, video, write) : write());
    return true;
  } catch (error) {
    if (!(error instanceof KeyValueStoreError)) throw error;
    log('error', 'visibility-unsettled', { video, error: String(error) });
    return false;
  }
}

/** Where a video's objects are. What plays goes first, and the claim before what workers still write. */
function placesOf({ uploads, production }: Stores, video: VideoId, { source, uploadedAt }: Mark) {
  return [
    { store: production, prefix: videoKeys.master(video) },
    { store: production, prefix: videoKeys.details(video) },
    { store: uploads, prefix: jobKeys.claim(video) },
    ...(uploadedAt === undefined ? [] : [{ store: uploads, prefix: indexKey(uploadedAt, video) }]),
    { store: uploads, prefix: pendingKey(video) },
    { store: uploads, prefix: jobKeys.root(video) },
    { store: uploads, prefix: openPrefix(video) },
    { store: uploads, prefix: `${UNTOLD_PREFIX}${video}/` },
    { store: uploads, prefix: `${OLD_PREFIX}${video}/` },
    { store: uploads, prefix: `${UPLOADS_PREFIX}${video}/` },
    { store: production, prefix: videoKeys.root(video) },
    ...(source === undefined ? [] : [{ store: uploads, prefix: source, whole: true }]),
  ];
}

/** Where it is kept what endpoints were not told of a video. */
async function undeliveredOf({ uploads }: Stores, video: VideoId) {
  const endpoints = await Array.fromAsync(endpointIds(uploads));
  return endpoints.map((id) => ({
    store: uploads,
    prefix: webhookKeys.undelivered(id, video),
    whole: false,
  }));
}

async function sweep(stores: Stores, video: VideoId, mark: Mark, deadline: number): Promise<Deletion> {
  await stores.uploads.abortUploads(`${UPLOADS_PREFIX}${video}/`);
  const places = [...placesOf(stores, video, mark), ...(await undeliveredOf(stores, video))];
  for (const { store, prefix, whole } of places)
    await store.deleteAll(prefix, { whole: whole ?? false, deadline });
  let left = 0;
  for (const { store, prefix, whole } of places)
    for await (const { key } of store.list(prefix)) if (!whole || key === prefix) left += 1;
  const quiet = !mark.busy || Date.now() - Date.parse(mark.at) > LATE_MS;
  return { left, settled: left === 0 && quiet };
}

/**
 * Sweeps again after the deletions of the last hours, and forgets those of long ago. One that fails keeps no other waiting.
 * @param deadline milliseconds since 1970 after which the rest is left to the next run
 * @throws after all, where any failed, so that the alarm of the function tells
 */
export async function mendDeletions(stores: Stores, now: Date, deadline: number): Promise<void> {
  const due: { readonly video: VideoId; readonly age: number }[] = [];
  for await (const { key, lastModified } of stores.uploads.list(DELETED_PREFIX)) {
    const video = key.slice(DELETED_PREFIX.length);
    const age = now.getTime() - lastModified.getTime();
    if (isVideoId(video) && (age <= SWEPT_MS || age >= MARK_KEPT_MS)) due.push({ video, age });
  }
  let failures = 0;
  const mended = ({ video, age }: (typeof due)[number]) =>
    mendDeletion(stores, video, age, deadline).catch((error: unknown) => {
      failures += 1;
      log('error', 'delete-failed', { video, error: String(error) });
    });
  await untilDeadline(due, AT_ONCE, deadline, mended);
  if (failures > 0)
    throw new Error(`${failures} deleted videos could not be swept: see delete-failed in the log`);
}

/** @param age of its mark, in milliseconds */
async function mendDeletion(stores: Stores, video: VideoId, age: number, deadline: number): Promise<void> {
  const { uploads } = stores;
  const mark = await unlessUnreadable('deletion-unreadable', { video }, () => readMark(uploads, video));
  if (!mark || mark === 'unreadable') return;
  const { left } = await sweep(stores, video, mark, deadline);
  if (left > 0) return log('warn', 'delete-unfinished', { video, left });
  if (age < MARK_KEPT_MS) return;
  // The edge forgets it in a later run, when nobody who saw the mark is still making it private again (`mayBeClaimed`).
  if (isAtEdge(mark)) await markUnsettled(uploads, video);
  await uploads.delete(deletedKey(video));
}
