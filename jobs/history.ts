/**
 * What is read of an encode by its trace alone: who planned it, since when it could be watched, which tries came to
 * nothing, and what there was of unfinished tasks. It is deleted so many days after the encode's end as the owner said.
 * What ended is marked by day, `ended/<yyyy-mm-dd>/<id>/<revision>`, so that no more is listed than is due.
 */
import { untilDeadline } from './batches.ts';
import { dayOf } from './ledger.ts';
import { log, withLogFields } from './log.ts';
import type { Encode } from './messages.ts';
import { ENDED_PREFIX, encodeBelow, endedKey, jobKeys } from './names.ts';
import { openSince } from './open.ts';
import type { ListedObject, ObjectStore } from './store.ts';

const DAY_MS = 24 * 3_600_000;
/** Marks that are looked at at once. */
const AT_ONCE = 20;

export interface HistoryMender {
  readonly uploads: ObjectStore;
  /** Days for which the history of an encode is kept after its end. */
  readonly keptDays: number;
  readonly now: Date;
  /** Milliseconds since 1970 after which the rest is left to the next run. */
  readonly deadline: number;
}

/** Says that an encode has ended by now. */
export const markEnded = (uploads: ObjectStore, { video, revision }: Encode, now: Date): Promise<void> =>
  uploads.put(endedKey(dayOf(now.getTime()), video, revision), '', { contentType: 'text/plain' });

/** Deletes the history of encodes that ended long ago. One that can not be looked after keeps no other waiting. */
export async function mendHistory(mender: HistoryMender): Promise<void> {
  const { uploads, now, keptDays, deadline } = mender;
  const kept = new Date(now.getTime() - keptDays * DAY_MS);
  const firstKept = `${ENDED_PREFIX}${dayOf(kept.getTime())}`;
  const due: string[] = [];
  for await (const { key } of uploads.list(ENDED_PREFIX)) {
    if (key >= firstKept) break; // from here on, in the order of listings, all are younger
    due.push(key);
  }
  const looked = async (mark: string) => {
    const [day = ''] = mark.slice(ENDED_PREFIX.length).split('/');
    const encode = encodeBelow(`${ENDED_PREFIX}${day}/`, mark);
    if (!encode) return;
    await withLogFields(encode, () =>
      mendEncode(mender, encode, kept)
        .then(() => uploads.delete(mark)) // last, so that an end in between is gone on from
        .catch((error: unknown) => log('error', 'history-not-deleted', { error: String(error) })),
    );
  };
  await untilDeadline(due, AT_ONCE, deadline, looked);
}

/**
 * Deletes the history of an encode, unless it was tried again. Whether that is under way is asked last: no worker has begun
 * anything by the time in which what was listed is deleted.
 * @param kept the moment since which nothing of it was written, unless it was tried again
 */
async function mendEncode({ uploads, now }: HistoryMender, encode: Encode, kept: Date): Promise<void> {
  const left = await Array.fromAsync(uploads.list(jobKeys.encode(encode.video, encode.revision)));
  const isYoung = left.some(({ lastModified }) => lastModified >= kept);
  if (isYoung || (await openSince(uploads, encode))) return markEnded(uploads, encode, now);
  const history = historyAmong(encode, left);
  await uploads.deleteKeys(history);
  log('info', 'history-deleted', { objects: history.length });
}

/** Of an encode without a plan, its tries are all that tells why, and stay. */
function historyAmong({ video, revision }: Encode, left: readonly ListedObject[]): string[] {
  const keys = left.map(({ key }) => key);
  if (!keys.includes(jobKeys.plan(video, revision))) return [];
  const prefixes = [
    jobKeys.planned(video, revision),
    jobKeys.watchable(video, revision),
    jobKeys.parts(video, revision),
    jobKeys.allAttempts(video, revision),
  ];
  return keys.filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
}
