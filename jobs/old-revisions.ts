/**
 * Revisions that were replaced: `old/<id>/<revision>`, a mark written when another one is asked for. They are what a
 * rollback goes back to, so they stay, unless the owner said for how many days. Then `mend` deletes in two steps: it says
 * that a revision leaves, after which nobody may ask for it any more, and deletes it when every request that could not know
 * has long been answered.
 */
import { untilDeadline } from './batches.ts';
import { log, withLogFields } from './log.ts';
import type { Encode } from './messages.ts';
import { encodeBelow, jobKeys, OLD_PREFIX, videoKeys } from './names.ts';
import { isLeaving, isOfLeaving, markLeaving, markOld } from './old-marks.ts';
import { openSince } from './open.ts';
import { publishedRevision, type Stores } from './publish.ts';
import { requestedRevision } from './requests.ts';
import type { ListedObject } from './store.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Milliseconds after which no request is under way that was made before: the API answers within half a minute. */
const LEAVING_MS = 10 * MINUTE;
/** Marks that are looked at at once. */
const AT_ONCE = 20;

export interface RevisionsMender {
  readonly stores: Stores;
  /** Days for which a replaced revision is kept. */
  readonly keptDays: number;
  readonly now: Date;
  /** Milliseconds since 1970 after which the rest is left to the next run. */
  readonly deadline: number;
}

/** Deletes revisions that were replaced long ago. One that can not be looked after keeps no other waiting. */
export async function mendRevisions(mender: RevisionsMender): Promise<void> {
  const due: ListedObject[] = [];
  for await (const mark of mender.stores.uploads.list(OLD_PREFIX)) {
    const ageMs = mender.now.getTime() - mark.lastModified.getTime();
    if (ageMs >= (isOfLeaving(mark) ? LEAVING_MS : mender.keptDays * DAY)) due.push(mark);
  }
  const looked = async (mark: ListedObject) => {
    const encode = encodeBelow(OLD_PREFIX, mark.key);
    if (!encode) return;
    await withLogFields(encode, () =>
      mendRevision(mender, encode, mark).catch((error: unknown) =>
        log('error', 'revision-not-deleted', { error: String(error) }),
      ),
    );
  };
  await untilDeadline(due, AT_ONCE, mender.deadline, looked);
}

/** @param mark as it was listed: one that was written since is of a replacement that has all its days */
async function mendRevision(mender: RevisionsMender, encode: Encode, mark: ListedObject): Promise<void> {
  const { uploads, production } = mender.stores;
  const { video, revision } = encode;
  // Once it is replaced again, that makes a mark.
  if ((await requestedRevision(uploads, video)) === revision) return uploads.deleteUnchanged(mark);
  // It plays until the one that was asked for instead is made.
  const isUsed =
    (await publishedRevision(production, video)) === revision || (await openSince(uploads, encode));
  if (isUsed) return markOld(uploads, encode);
  if (!(await isLeaving(uploads, encode))) return markLeaving(uploads, encode);
  await deleteRevision(mender, encode, mark);
}

/** First what says that it is made, for what says so must be true; the mark last, so that an end in between is gone on from. */
async function deleteRevision(
  { stores, deadline }: RevisionsMender,
  { video, revision }: Encode,
  mark: ListedObject,
): Promise<void> {
  const { uploads, production } = stores;
  const state = jobKeys.encode(video, revision);
  const media = videoKeys.media(video, revision, '');
  await uploads.deleteAll(state, { whole: false, deadline });
  await production.deleteAll(media, { whole: false, deadline });
  for (const left of [uploads.list(state), production.list(media)]) if (!(await left.next()).done) return;
  await uploads.deleteUnchanged(mark);
  log('info', 'revision-deleted');
}
