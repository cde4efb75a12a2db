/**
 * Who may see a video: `edits.json` says it, and the edge knows it from the key-value store, which has an entry for each private
 * video (`web/guard.js`). While a change is not at both, a mark `unsettled/<id>/<change>` stands, so that `mend` has the edge know
 * what the edits say whatever became of who changed it.
 */
import { randomBytes } from 'node:crypto';
import { type Edits, readEdits, recordEdits } from './edits.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { log } from './log.ts';
import { isVideoId, UNSETTLED_PREFIX, unsettledKey, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

/** What the entry of a private video says; that it is there is what counts. */
const PRIVATE = 'private';

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
  if (changes.visibility === undefined) {
    await recordEdits(uploads, video, changes);
    return;
  }
  const mark = await markUnsettled(uploads, video);
  // Closed before it is called private, and called open before it is opened.
  if (changes.visibility === 'private') await edge.update({ [video]: PRIVATE });
  await recordEdits(uploads, video, changes);
  await settle(uploads, edge, video);
  await uploads.delete(mark);
}

/** Tells the edge what the edits say. Where they change meanwhile it is told once more: who tells it last has read the last. */
async function settle(uploads: ObjectStore, edge: KeyValueStore, video: VideoId): Promise<void> {
  for (;;) {
    const { visibility } = await readEdits(uploads, video);
    await edge.update({ [video]: visibility === 'private' ? PRIVATE : undefined });
    if ((await readEdits(uploads, video)).visibility === visibility) return;
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
