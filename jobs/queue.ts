/** Sending to the tasks and uploads queues, and reading a backlog. Receiving is Lambda's and the worker's. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BatchResultErrorEntry,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { z } from 'zod';
import { batchesOf } from './batches.ts';
import type { Encode, renewSchema, requeueSchema, Task, uploadedSchema } from './messages.ts';
import type { ListedObject } from './store.ts';

/** SQS takes at most ten messages in one SendMessageBatch. */
const BATCH_SIZE = 10;
/** Tries of the messages that SQS refused for a reason of its own (`SenderFault` false). */
const SEND_TRIES = 4;
/** Milliseconds before the second try; doubled for each further one. */
const SEND_WAIT_MS = 50;

/**
 * Sends every task, in order, or throws. Tasks before the one that failed may have been sent: sending them
 * again is harmless, since the second worker to take a task finds its receipt.
 *
 * The message group is the video: on a standard queue this makes a fair queue, in which a long video does not
 * keep a short one waiting.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export async function sendTasks(sqs: SQSClient, queueUrl: string, tasks: readonly Task[]): Promise<void> {
  for (const batch of batchesOf(tasks, BATCH_SIZE)) await sendBatch(sqs, queueUrl, batch);
}

async function sendBatch(sqs: SQSClient, queueUrl: string, tasks: readonly Task[]): Promise<void> {
  let left = tasks.map((task, index) => ({
    Id: String(index),
    MessageBody: JSON.stringify(task),
    MessageGroupId: task.video,
  }));
  for (let attempt = 1; ; attempt++) {
    const { Failed = [] } = await sqs.send(
      new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }),
    );
    if (Failed.length === 0) return;
    if (attempt === SEND_TRIES || Failed.some(({ SenderFault }) => SenderFault))
      throw refusal(queueUrl, Failed);
    const failedIds = new Set(Failed.map(({ Id }) => Id));
    left = left.filter(({ Id }) => failedIds.has(Id));
    await sleep(SEND_WAIT_MS * 2 ** (attempt - 1));
  }
}

function refusal(queueUrl: string, failed: readonly BatchResultErrorEntry[]): Error {
  const reasons = new Set(failed.map(({ Code, Message }) => `${Code}: ${Message ?? 'no message'}`));
  return new Error(`${queueUrl} refused ${failed.length} task(s): ${[...reasons].join('; ')}`);
}

/** What queues of S3's events are sent besides. */
type Message = z.infer<typeof requeueSchema | typeof renewSchema | typeof uploadedSchema>;

async function sendMessage(sqs: SQSClient, queueUrl: string, message: Message): Promise<void> {
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
}

/** Asks dispatch to queue what an encode misses. */
export const sendRequeue = (
  sqs: SQSClient,
  uploadsQueueUrl: string,
  { video, revision }: Encode,
): Promise<void> => sendMessage(sqs, uploadsQueueUrl, { requeue: { video, revision } });

/** Tells dispatch of an encode that was asked of another version of the code. */
export const sendRenew = (
  sqs: SQSClient,
  uploadsQueueUrl: string,
  { video, revision }: Encode,
): Promise<void> => sendMessage(sqs, uploadsQueueUrl, { renew: { video, revision } });

/** Tells a queue of an object, in the place of an event of S3's that was lost. */
export const sendUploaded = (
  sqs: SQSClient,
  queueUrl: string,
  bucket: string,
  { key, size, etag, lastModified }: ListedObject,
): Promise<void> =>
  sendMessage(sqs, queueUrl, {
    uploaded: { bucket, key, size, etag, time: lastModified.toISOString() },
  });

/** Messages in a queue, as SQS approximates them. */
export interface Backlog {
  /** Waiting for a worker. */
  readonly visible: number;
  /** Taken by a worker and not yet deleted. */
  readonly inFlight: number;
  /** Sent with a delay that still runs. */
  readonly delayed: number;
}

/** How much is in the queue. Approximate: SQS's counts settle within about a minute after sends cease. */
export async function backlog(sqs: SQSClient, queueUrl: string): Promise<Backlog> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  return {
    visible: Number(Attributes['ApproximateNumberOfMessages'] ?? 0),
    inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
    delayed: Number(Attributes['ApproximateNumberOfMessagesDelayed'] ?? 0),
  };
}
