/**
 * The slower part of the sweeper: finds what stalled, because an event was lost or a process ended between two writes,
 * and has it go on or ends it. It writes nothing that dispatch and workers would not write, so that it may run beside
 * them at any time.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { FAILURES } from '../video/failures.ts';
import { type Announcer, announceEncode } from './announcer.ts';
import { type Claim, readClaim } from './claim.ts';
import { readFailure, recordFailure } from './failed.ts';
import { log, withLogFields } from './log.ts';
import type { Encode } from './messages.ts';
import { logMetrics } from './metrics.ts';
import { jobKeys, UPLOADS_PREFIX, videoIdOf } from './names.ts';
import { listOpen, markOpen, type OpenEncode, openSince, unmarkOpen } from './open.ts';
import { readDownloadReceipts, readPlan } from './progress.ts';
import { publishedRevision, readDetails, type Stores } from './publish.ts';
import { backlog, sendRequeue, sendUploaded } from './queue.ts';
import { requestedRevision, requestRevision } from './requests.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Milliseconds without a new object after which an encode is looked at: a boot, or a chunk of the slowest kind. */
const STALL_MS = 15 * MINUTE;
/**
 * Milliseconds after which it is helped even while the queues hold messages. Usually its own are among them, so help
 * before that would only double them.
 */
const LONG_STALL_MS = 6 * HOUR;
/** Uploads older than this were looked at many times. */
const UPLOADS_WINDOW_MS = 24 * HOUR;

/** Every encode has so long, and so much more a gigabyte of its source. */
const BASE_MS = 24 * HOUR;
const MS_A_GIGABYTE = HOUR;

/** Milliseconds within which an encode ends, from its request or retry on; the bound that the docs state. */
export const deadlineMs = (sourceBytes: number): number => BASE_MS + (MS_A_GIGABYTE * sourceBytes) / 1e9;

export interface Mender {
  readonly stores: Stores;
  readonly sqs: SQSClient;
  readonly uploadsQueueUrl: string;
  readonly tasksQueueUrl: string;
  readonly now: Date;
  readonly announcer: Announcer;
  /** A spending ceiling holds launches back: nothing goes on before it is lifted, and nothing is to blame. */
  readonly held: boolean;
}

/** What the queues say this time: asked once, and only if anything stalled. */
class Queues {
  readonly #mender: Mender;
  #idle: Promise<boolean> | undefined;

  constructor(mender: Mender) {
    this.#mender = mender;
  }

  /** Whether nothing waits or is worked on, so that what stalled can not be waiting its turn. */
  idle(): Promise<boolean> {
    this.#idle ??= this.#ask();
    return this.#idle;
  }

  async #ask(): Promise<boolean> {
    const { sqs, uploadsQueueUrl, tasksQueueUrl } = this.#mender;
    const counts = await Promise.all([uploadsQueueUrl, tasksQueueUrl].map((url) => backlog(sqs, url)));
    return counts.every(({ visible, inFlight, delayed }) => visible + inFlight + delayed === 0);
  }
}

/** Looks after everything that is unfinished. One that can not be looked after does not keep the others waiting. */
export async function mendUnfinished(mender: Mender): Promise<void> {
  const queues = new Queues(mender);
  let oldestMs = 0;
  for await (const open of listOpen(mender.stores.uploads)) {
    const { video, revision, markedAt } = open;
    const markedMs = mender.now.getTime() - markedAt.getTime();
    const ageMs = withLogFields({ video, revision }, () =>
      markedMs < STALL_MS
        ? markedMs
        : mendEncode(mender, queues, open).catch((error: unknown) => {
            log('error', 'mend-failed', { error: String(error) });
            return markedMs;
          }),
    );
    oldestMs = Math.max(oldestMs, await ageMs);
  }
  // Also where there is none: that it comes says that this function runs.
  logMetrics('info', 'unfinished-seen', {}, { OldestEncode: oldestMs / 1000 });
  await mendUploads(mender, queues);
}

/** @returns milliseconds since it was asked for; 0 where it has ended, or ends here */
async function mendEncode(mender: Mender, queues: Queues, encode: OpenEncode): Promise<number> {
  const { stores, now } = mender;
  const { uploads } = stores;
  const claim = await readClaim(uploads, encode.video);
  if (!claim || (await hasEnded(stores, encode))) {
    await unmarkOpen(uploads, encode);
    return 0;
  }
  const since = (await openSince(uploads, encode)) ?? encode.markedAt;
  const ageMs = now.getTime() - since.getTime();
  if (mender.held) {
    // Its time does not run. Twice a day is enough for that, and cheap.
    if (ageMs > BASE_MS / 2) await markOpen(uploads, encode, now);
    return 0;
  }
  if (ageMs > deadlineMs(claim.size)) {
    await timeOut(mender, encode, claim);
    return 0;
  }
  await helpStalled(mender, queues, encode, since);
  return ageMs;
}

/** Has an encode go on that makes nothing new, unless its turn may still come. */
async function helpStalled(mender: Mender, queues: Queues, encode: OpenEncode, since: Date): Promise<void> {
  const { stores, sqs, uploadsQueueUrl, now } = mender;
  const { video, revision } = encode;
  const quietMs = now.getTime() - (await lastProgress(mender, encode)).getTime();
  if (quietMs < STALL_MS) return;
  if (quietMs < LONG_STALL_MS && !(await queues.idle())) return;
  log('warn', 'stalled', { video, revision, minutes: Math.round(quietMs / MINUTE) });
  await sendRequeue(sqs, uploadsQueueUrl, { video, revision });
  await markOpen(stores.uploads, encode, since);
}

/** Whether nothing more is to come of an encode: it failed, it plays with all it has, or another was asked for instead. */
async function hasEnded({ uploads, production }: Stores, encode: Encode): Promise<boolean> {
  const { video, revision } = encode;
  if (await readFailure(uploads, encode)) return true;
  // The mark comes before the request: whoever wrote it ended in between.
  const requested = await requestedRevision(uploads, video);
  if (requested === undefined) await requestRevision(uploads, video, revision);
  else if (requested !== revision) return true;
  if ((await publishedRevision(production, video)) !== revision) return false;
  const plan = await readPlan(uploads, encode);
  if (!plan) return true;
  const receipts = await readDownloadReceipts(uploads, encode, plan);
  if (!receipts) return false;
  // The publishing that follows the download may have been lost.
  const made = receipts.some(({ files }) => files.length > 0);
  if (!made) return true;
  const details = await readDetails(production, video);
  return details?.revision === revision && details.download !== undefined;
}

async function timeOut({ stores, announcer }: Mender, encode: Encode, claim: Claim): Promise<void> {
  const { video, revision } = encode;
  const hours = Math.round(deadlineMs(claim.size) / HOUR);
  if ((await publishedRevision(stores.production, video)) === revision) {
    log('error', 'download-timed-out', { video, revision, hours });
    return unmarkOpen(stores.uploads, encode);
  }
  log('error', 'timed-out', { video, revision, hours });
  const message = `${FAILURES['timed-out']} (${hours} hours)`;
  await recordFailure(stores.uploads, encode, { code: 'timed-out', message });
  announceEncode(announcer, stores.uploads, encode);
}

/** When the last object of an encode was written. */
async function lastProgress({ stores }: Mender, encode: OpenEncode): Promise<Date> {
  let last = encode.markedAt;
  for await (const { lastModified } of stores.uploads.list(jobKeys.encode(encode.video, encode.revision)))
    if (lastModified > last) last = lastModified;
  return last;
}

/** Sources that no event told of. */
async function mendUploads(mender: Mender, queues: Queues): Promise<void> {
  const { stores, sqs, uploadsQueueUrl, now } = mender;
  const { uploads } = stores;
  const { bucket } = uploads;
  for await (const object of uploads.list(UPLOADS_PREFIX)) {
    const { key, etag, lastModified } = object;
    const age = now.getTime() - lastModified.getTime();
    if (age < STALL_MS || age > UPLOADS_WINDOW_MS || key.endsWith('/')) continue;
    const video = videoIdOf({ bucket, key, etag });
    if (await uploads.exists(jobKeys.claim(video))) continue;
    if (age < LONG_STALL_MS && !(await queues.idle())) return;
    log('warn', 'upload-unclaimed', { video, key, etag, minutes: Math.round(age / MINUTE) });
    await sendUploaded(sqs, uploadsQueueUrl, bucket, object);
  }
}
