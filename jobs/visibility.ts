/**
 * Who may see a video: `edits.json` says it, and the mark of a deletion, and the edge knows it from the key-value store, which has
 * an entry for each video that is private or deleted (`web/guard.js`). While a change is not at both, a mark `unsettled/<id>/<change>`
 * stands, so that `mend` has the edge know what is true whatever became of who changed it.
 */
import { randomBytes } from 'node:crypto';
import { isDeleted } from './deleted.ts';
import { type Edits, isPrivate, recordEdits } from './edits.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { log } from './log.ts';
import { isVideoId, UNSETTLED_PREFIX, unsettledKey, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

/** What the edge is told of a video: that it needs a token, or that nothing opens it; undefined of an open one. */
type Entry = 'private' | 'deleted' | undefined;

/** Milliseconds after which nobody is at a change any more: the API's function is given less. */
const GIVEN_UP_MS = 5 * 60_000;

/** Says that the edge may not know who may see a video. @returns the mark's key, for who settles it at once */
export async function markUnsettled(uploads: ObjectStore, video: VideoId): Promise<string> {
  const key = unsettledKey(video, randomBytes(8).toString('hex'));
  await uploads.put(key, '', { contentType: 'text/plain' });
  return key;
}

/** Records changes, and lets the edge know where they are of who may see the video. May be repeated. */
export async function recordChanges(
  uploads: ObjectStore,
  edge: KeyValueStore,
  video: VideoId,
  changes: Edits,
): Promise<void> {
  const record = async () => {
    await recordEdits(uploads, video, changes);
  };
  if (changes.visibility === undefined) return record();
  await changeWhoMaySee(uploads, edge, video, async () => {
    // Closed before it is called private, and called open before it is opened.
    if (changes.visibility === 'private') await edge.update({ [video]: 'private' });
    await record();
  });
}

/** Makes a change, and lets the edge know. May be repeated. @throws a `KeyValueStoreError` where the edge can not be told: `mend` does */
export async function changeWhoMaySee(
  uploads: ObjectStore,
  edge: KeyValueStore,
  video: VideoId,
  change: () => Promise<void>,
): Promise<void> {
  const mark = await markUnsettled(uploads, video);
  await change();
  await settle(uploads, edge, video);
  await uploads.delete(mark);
}

/** What is true. A deletion takes the edits away. */
async function entryOf(uploads: ObjectStore, video: VideoId): Promise<Entry> {
  if (await isDeleted(uploads, video)) return 'deleted';
  return (await isPrivate(uploads, video)) ? 'private' : undefined;
}

/** Tells the edge what is true. Where that changes meanwhile it is told once more: who tells it last has read the last. */
async function settle(uploads: ObjectStore, edge: KeyValueStore, video: VideoId): Promise<void> {
  for (;;) {
    const entry = await entryOf(uploads, video);
    await edge.update({ [video]: entry });
    if ((await entryOf(uploads, video)) === entry) return;
  }
}

/** Settles what was left unsettled. One that can not be settled keeps its mark, and no other waiting. */
export async function mendVisibility(
  uploads: ObjectStore,
  edge: KeyValueStore,
  now: Date,
  deadline: number,
): Promise<void> {
  let failures = 0;
  for await (const { key, lastModified } of uploads.list(UNSETTLED_PREFIX)) {
    if (Date.now() > deadline) break;
    const [video = ''] = key.slice(UNSETTLED_PREFIX.length).split('/');
    if (!isVideoId(video) || now.getTime() - lastModified.getTime() < GIVEN_UP_MS) continue;
    try {
      await settle(uploads, edge, video);
      await uploads.delete(key);
      log('info', 'visibility-settled', { video });
    } catch (error) {
      failures += 1;
      log('error', 'visibility-unsettled', { video, error: String(error) });
    }
  }
  if (failures > 0)
    throw new Error(
      `${failures} changes of who may see a video stay unsettled: see visibility-unsettled in the log`,
    );
}
