/**
 * Who may see a video: `edits.json` says it, and the edge knows it from the key-value store, which has an entry for each private
 * video (`web/guard.js`). Whatever fails between the two, nothing stands open that should be closed.
 */
import { type Edits, readEdits, recordEdits } from './edits.ts';
import type { KeyValueStore } from './key-value-store.ts';
import type { VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

/** What the entry of a private video says; that it is there is what counts. */
const PRIVATE = 'private';

/** Lets a video play without a token. */
export const openAtEdge = (edge: KeyValueStore, video: VideoId): Promise<void> =>
  edge.update({ [video]: undefined });

/** Records changes, and lets the edge know where they are of who may see the video. May be repeated. */
export async function recordChanges(
  uploads: ObjectStore,
  edge: KeyValueStore,
  video: VideoId,
  changes: Edits,
): Promise<void> {
  // Closed before it is called private, and called open before it is opened.
  if (changes.visibility === 'private') await edge.update({ [video]: PRIVATE });
  await recordEdits(uploads, video, changes);
  if (changes.visibility !== undefined) await settle(uploads, edge, video);
}

/** Tells the edge what the edits say. Where they change meanwhile it is told once more: who tells it last has read the last. */
async function settle(uploads: ObjectStore, edge: KeyValueStore, video: VideoId): Promise<void> {
  for (;;) {
    const { visibility } = await readEdits(uploads, video);
    if (visibility === 'private') await edge.update({ [video]: PRIVATE });
    else await openAtEdge(edge, video);
    if ((await readEdits(uploads, video)).visibility === visibility) return;
  }
}
