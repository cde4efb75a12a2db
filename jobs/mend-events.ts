/**
 * Events that S3 never told of. Every encode leaves a mark `untold/<id>/<revision>` when it is asked for; once it has ended,
 * its objects are announced again and the mark goes. What was told already is recorded, and not told again.
 * So this is also where every encode comes by that has ended, and can be marked for its history to go.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { aboutKey } from './about.ts';
import { untilDeadline } from './batches.ts';
import { markEnded } from './history.ts';
import { log, withLogFields } from './log.ts';
import { DELETED_PREFIX, encodeBelow, jobKeys, UNTOLD_PREFIX, videoKeys } from './names.ts';
import { openSince } from './open.ts';
import type { Stores } from './publish.ts';
import { sendUploaded } from './queue.ts';
import type { ListedObject, ObjectStore } from './store.ts';

const MINUTE = 60_000;
/** Milliseconds after which what is not told is taken for lost; S3 may take a minute or longer. */
const LOST_MS = 15 * MINUTE;
/** Milliseconds for which the mark of a deletion is announced again in every run. */
const DELETIONS_MS = 120 * MINUTE;

/** Marks that are looked after at once. Each takes up to eight requests. */
const AT_ONCE = 20;

export interface EventsMender {
  readonly stores: Stores;
  readonly sqs: SQSClient;
  readonly eventsQueueUrl: string;
  readonly now: Date;
  /** Milliseconds since 1970 after which the rest is left to the next run. */
  readonly deadline: number;
  /** Whether it is marked that an encode has ended: where its history is deleted some day. */
  readonly marksEnded: boolean;
}

/** Announces again whatever may not have been told. */
export async function mendEvents(mender: EventsMender): Promise<void> {
  const { uploads } = mender.stores;
  const ageOf = ({ lastModified }: ListedObject) => mender.now.getTime() - lastModified.getTime();
  const deleted: string[] = [];
  for await (const mark of uploads.list(DELETED_PREFIX))
    if (ageOf(mark) >= LOST_MS && ageOf(mark) < DELETIONS_MS) deleted.push(mark.key);
  await lookAfter(mender, deleted, (key) => announce(mender, uploads, key));

  const untold: string[] = [];
  for await (const mark of uploads.list(UNTOLD_PREFIX)) if (ageOf(mark) >= LOST_MS) untold.push(mark.key);
  await lookAfter(mender, untold, (key) => announceEncode(mender, key));
}

/** Does what fits into the time. One that can not be looked after keeps its mark, and no other waiting. */
async function lookAfter(
  { deadline }: EventsMender,
  keys: readonly string[],
  work: (key: string) => Promise<void>,
): Promise<void> {
  const logged = (key: string) =>
    withLogFields(aboutKey(key), () =>
      work(key).catch((error: unknown) => log('error', 'announce-failed', { key, error: String(error) })),
    );
  await untilDeadline(keys, AT_ONCE, deadline, logged);
}

/** Announces what an encode came to, if it has ended. @param key its mark */
async function announceEncode(mender: EventsMender, key: string): Promise<void> {
  const { uploads, production } = mender.stores;
  const encode = encodeBelow(UNTOLD_PREFIX, key);
  if (!encode || (await openSince(uploads, encode))) return; // an open one will end, and then be told
  const { video, revision } = encode;
  await announce(mender, uploads, jobKeys.claim(video));
  await announce(mender, uploads, jobKeys.failed(video, revision));
  await announce(mender, production, videoKeys.master(video));
  if (mender.marksEnded) await markEnded(uploads, encode, mender.now);
  await uploads.delete(key);
  log('info', 'announced-again', { video, revision });
}

/** Tells the events queue of an object as S3 does; of one that is not there, nothing. */
async function announce(
  { sqs, eventsQueueUrl }: EventsMender,
  store: ObjectStore,
  key: string,
): Promise<void> {
  const { value: found } = await store.list(key).next();
  if (found?.key === key) await sendUploaded(sqs, eventsQueueUrl, store.bucket, found);
}
