/** An encode's trace, read from what its way left behind. */
import { type Ran, type Receipt, ranSchema, receiptSchema } from '../video/receipt.ts';
import type { DoneTask, FailedTry, TraceFacts } from '../video/trace/facts.ts';
import type { Trace } from '../video/trace/span.ts';
import { traceOf } from '../video/trace/trace.ts';
import { attemptSchema } from './attempts.ts';
import { inBatches } from './batches.ts';
import { readClaim } from './claim.ts';
import { readWatchable } from './early.ts';
import { eventSchema } from './events.ts';
import { readFailure } from './failed.ts';
import type { Encode } from './messages.ts';
import { jobKeys, type Revision, type VideoId } from './names.ts';
import { readPlan } from './progress.ts';
import { readRequests } from './requests.ts';
import { readSpent } from './spent.ts';
import type { ObjectStore } from './store.ts';
import { unlessUnreadable } from './unreadable.ts';

/** Objects of a listing that are read at once. */
const READ_AT_ONCE = 50;

/** What the objects below a prefix hold; what can not be read is left out, and the log tells. */
async function readAll<T>(
  uploads: ObjectStore,
  prefix: string,
  read: (key: string) => Promise<T | undefined>,
): Promise<T[]> {
  const keys: string[] = [];
  for await (const { key } of uploads.list(prefix)) keys.push(key);
  const found: T[] = [];
  const reading = inBatches(keys, READ_AT_ONCE, (key) =>
    unlessUnreadable('trace-unreadable', { key }, () => read(key)),
  );
  for await (const one of reading) if (one !== undefined && one !== 'unreadable') found.push(one);
  return found;
}

function readPlanned(uploads: ObjectStore, { video, revision }: Encode): Promise<Ran | undefined> {
  return uploads.getJson(jobKeys.planned(video, revision), ranSchema);
}

/** Of a receipt, no more than that: a long video has more than a thousand, each with all its fragments. */
const doneTaskOf = ({ objects, files, findings, seen, ...rest }: Receipt): DoneTask => ({
  ...rest,
  renditions: [...new Set(objects.map(({ rendition }) => rendition))],
});

const readDone = (uploads: ObjectStore, { video, revision }: Encode): Promise<DoneTask[]> =>
  readAll(uploads, jobKeys.receipts(video, revision), async (key) => {
    const receipt = await uploads.getJson(key, receiptSchema);
    return receipt && doneTaskOf(receipt);
  });

async function readTries(uploads: ObjectStore, { video, revision }: Encode): Promise<FailedTry[]> {
  const prefix = jobKeys.allAttempts(video, revision);
  return readAll(uploads, prefix, async (key) => {
    const attempt = await uploads.getJson(key, attemptSchema);
    if (!attempt) return undefined;
    const [task = ''] = key.slice(prefix.length).split('/');
    // Its error may name accounts and addresses, and stays where it is.
    const { outcome, startedAt, at, instance: worker, receiveCount } = attempt;
    return { task, outcome, startedAt, at, worker, attempt: receiveCount };
  });
}

/** When an encode played for the first time, ISO 8601, as others were told. */
async function readReadyAt(uploads: ObjectStore, { video, revision }: Encode): Promise<string | undefined> {
  const events = await readAll(uploads, jobKeys.events(video), (key) => uploads.getJson(key, eventSchema));
  const times = events.flatMap(({ type, data, timestamp }) =>
    type === 'video.ready' && data.revision === revision ? [timestamp] : [],
  );
  return times.toSorted().at(0);
}

/** All that is recorded of an encode; undefined where there is none. */
async function readFacts(
  uploads: ObjectStore,
  video: VideoId,
  wanted: Revision | undefined,
): Promise<TraceFacts | undefined> {
  const [claim, requests] = await Promise.all([readClaim(uploads, video), readRequests(uploads, video)]);
  const revision = wanted ?? requests.at(-1)?.revision;
  const first = requests.findIndex((request) => request.revision === revision);
  const request = requests[first];
  if (!claim || !request || !revision) return undefined;
  const encode = { video, revision };
  const [plan, planned, done, tries, watchableAt, spent, readyAt, failure] = await Promise.all([
    readPlan(uploads, encode),
    readPlanned(uploads, encode),
    readDone(uploads, encode),
    readTries(uploads, encode),
    readWatchable(uploads, encode),
    readSpent(uploads, encode),
    readReadyAt(uploads, encode),
    readFailure(uploads, encode),
  ]);
  const upload = { announcedAt: claim.announcedAt, receivedAt: claim.uploadedAt };
  return {
    ...{ video, revision, plan, planned, done, tries, watchableAt, readyAt, failure },
    ...(first === 0 && { upload }),
    requestedAt: request.requestedAt,
    publishingAt: spent?.publishingAt,
  };
}

/**
 * The trace of an encode; undefined where there is none.
 * @param revision without it, the one that was asked for last
 */
export async function readTrace(
  uploads: ObjectStore,
  video: VideoId,
  revision?: Revision,
): Promise<Trace | undefined> {
  const facts = await readFacts(uploads, video, revision);
  return facts && traceOf(facts, Date.now());
}
