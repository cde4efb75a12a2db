/**
 * How much each caller of the API uses: `usage/<hash of the caller>.json`, replaced by conditional writes, so that those
 * who create at the same moment are counted one after the other. It names the uploads of the last day and the videos in
 * flight; whether those have ended is looked up only when there seem to be too many, so that nobody has to report it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { inBatches } from './batches.ts';
import type { Quota } from './environment.ts';
import { encodeSchema } from './messages.ts';
import { jobKeys, pendingKey, USAGE_PREFIX, type VideoId } from './names.ts';
import { hasOpen } from './open.ts';
import { requestedRevision } from './requests.ts';
import type { ObjectStore } from './store.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Videos that are looked up at once. */
const LOOKED_UP_AT_ONCE = 50;

/** Seconds after which to ask again where videos in flight are in the way: one may have ended. */
const RETRY_SECONDS = 30;

const usedSchema = z.object({
  video: encodeSchema.shape.video,
  bytes: z.int(),
  /** ISO 8601: when it was created. */
  at: z.iso.datetime(),
  /** No longer in flight, but counted until its day is over. */
  ended: z.boolean().optional(),
});
type Used = z.infer<typeof usedSchema>;
const usageSchema = z.object({ caller: z.string(), uploads: z.array(usedSchema) });

/** What is in the way of an upload. */
export interface Refusal {
  readonly of: keyof Quota;
  readonly used: number;
  readonly limit: number;
  /** Seconds after which it may fit; undefined where it never will. */
  readonly retryAfter: number | undefined;
}

const keyOf = (caller: string): string =>
  `${USAGE_PREFIX}${createHash('sha256').update(caller).digest('hex')}.json`;

/** Counts an upload, unless it is counted already or does not fit. Says what is in the way. */
export async function reserve(
  uploads: ObjectStore,
  quota: Quota,
  caller: string,
  { video, bytes }: { readonly video: VideoId; readonly bytes: number },
): Promise<Refusal | undefined> {
  let refusal: Refusal | undefined;
  await uploads.updateJson(keyOf(caller), usageSchema, async (usage) => {
    const now = Date.now();
    const kept = usage?.uploads ?? [];
    refusal = undefined;
    if (kept.some((used) => used.video === video)) return undefined;
    const counted = await withoutEnded(uploads, kept, quota.videosInFlight);
    refusal = refusalOf(quota, counted, bytes, now);
    // What ended is not looked up again by the next one that is refused.
    if (refusal && counted.every((used, index) => used === kept[index])) return undefined;
    const added: Used = { video, bytes, at: new Date(now).toISOString() };
    const stays = counted.filter(({ ended, at }) => !ended || isOfToday(at, now));
    return { caller, uploads: refusal ? stays : [...stays, added] };
  });
  return refusal;
}

/** Takes back what was counted for an upload that is not to be. */
export async function giveBack(uploads: ObjectStore, caller: string, video: VideoId): Promise<void> {
  await uploads.updateJson(keyOf(caller), usageSchema, (usage) => {
    const kept = usage?.uploads ?? [];
    const others = kept.filter((used) => used.video !== video);
    return others.length < kept.length ? { caller, uploads: others } : undefined;
  });
}

const isOfToday = (at: string, now: number): boolean => now - Date.parse(at) < DAY_MS;

function refusalOf(
  { videosInFlight, bytesADay }: Quota,
  counted: readonly Used[],
  bytes: number,
  now: number,
): Refusal | undefined {
  const inFlight = counted.filter(({ ended }) => !ended).length;
  if (inFlight >= videosInFlight)
    return { of: 'videosInFlight', used: inFlight, limit: videosInFlight, retryAfter: RETRY_SECONDS };
  const today = counted.filter(({ at }) => isOfToday(at, now));
  const used = today.reduce((sum, upload) => sum + upload.bytes, 0);
  if (used + bytes <= bytesADay) return undefined;
  return { of: 'bytesADay', used, limit: bytesADay, retryAfter: secondsUntil(bytesADay - bytes, today, now) };
}

/** Seconds after which the uploads of a day are no more than so many bytes; undefined where they never are. */
function secondsUntil(room: number, today: readonly Used[], now: number): number | undefined {
  if (room < 0) return undefined;
  let used = today.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { bytes, at } of today) {
    used -= bytes; // the oldest comes first
    if (used <= room) return Math.ceil((Date.parse(at) + DAY_MS - now) / 1000);
  }
  return undefined;
}

/** The same uploads, with those marked that have ended; looked up only where there seem to be too many in flight. */
async function withoutEnded(
  uploads: ObjectStore,
  kept: readonly Used[],
  limit: number,
): Promise<readonly Used[]> {
  if (kept.filter(({ ended }) => !ended).length < limit) return kept;
  const lookUp = async (used: Used): Promise<Used> =>
    used.ended || (await isInFlight(uploads, used.video)) ? used : { ...used, ended: true };
  return Array.fromAsync(inBatches(kept, LOOKED_UP_AT_ONCE, lookUp));
}

/** Whether a video is being uploaded or encoded. */
async function isInFlight(uploads: ObjectStore, video: VideoId): Promise<boolean> {
  if (!(await uploads.exists(jobKeys.claim(video)))) return uploads.exists(pendingKey(video));
  // Between its claim and its first request a video has no mark yet.
  return (await hasOpen(uploads, video)) || (await requestedRevision(uploads, video)) === undefined;
}
