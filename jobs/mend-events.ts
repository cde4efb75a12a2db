/**
 * Events that S3 never told of. Every encode leaves a mark `untold/<id>/<revision>` when it is asked for; once it has ended,
 * its objects are announced again and the mark goes. What was told already is recorded, and not told again.
 */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { z } from 'zod';
import { log } from './log.ts';
import type { uploadedSchema } from './messages.ts';
import { DELETED_PREFIX, isRevision, isVideoId, jobKeys, UNTOLD_PREFIX, videoKeys } from './names.ts';
import { openSince } from './open.ts';
import type { Stores } from './publish.ts';
import type { ListedObject, ObjectStore } from './store.ts';

const MINUTE = 60_000;
/** Milliseconds after which what is not told is taken for lost; S3 may take a minute or longer. */
const LOST_MS = 15 * MINUTE;
/** Milliseconds for which the mark of a deletion is announced again in every run. */
const DELETIONS_MS = 120 * MINUTE;

export interface EventsMender {
  readonly stores: Stores;
  readonly sqs: SQSClient;
  readonly eventsQueueUrl: string;
  readonly now: Date;
}

/** Announces again whatever may not have been told. */
export async function mendEvents(mender: EventsMender): Promise<void> {
  const { uploads, production } = mender.stores;
  const ageOf = ({ lastModified }: ListedObject) => mender.now.getTime() - lastModified.getTime();
  for await (const mark of uploads.list(UNTOLD_PREFIX)) {
    const [video = '', revision = ''] = mark.key.slice(UNTOLD_PREFIX.length).split('/');
    if (!isVideoId(video) || !isRevision(revision) || ageOf(mark) < LOST_MS) continue;
    if (await openSince(uploads, { video, revision })) continue; // it will end, and then be told
    await announce(mender, uploads, jobKeys.claim(video));
    await announce(mender, uploads, jobKeys.failed(video, revision));
    await announce(mender, production, videoKeys.master(video));
    await uploads.delete(mark.key);
    log('info', 'announced-again', { video, revision });
  }
  for await (const mark of uploads.list(DELETED_PREFIX))
    if (ageOf(mark) >= LOST_MS && ageOf(mark) < DELETIONS_MS) await announce(mender, uploads, mark.key);
}

/** Tells the events queue of an object as S3 does; of one that is not there, nothing. */
async function announce(
  { sqs, eventsQueueUrl }: EventsMender,
  store: ObjectStore,
  key: string,
): Promise<void> {
  const { value: found } = await store.list(key).next();
  if (found?.key !== key) return;
  const { bucket } = store;
  const { size, etag, lastModified } = found;
  const body: z.infer<typeof uploadedSchema> = {
    uploaded: { bucket, key, size, etag, time: lastModified.toISOString() },
  };
  await sqs.send(new SendMessageCommand({ QueueUrl: eventsQueueUrl, MessageBody: JSON.stringify(body) }));
}
