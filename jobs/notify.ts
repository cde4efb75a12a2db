/**
 * What becomes of a message on the events queue. An object that S3 tells of is an event: it is put on EventBridge, and
 * becomes one message more for each endpoint, which is then its delivery. Whatever fails comes back by one schedule,
 * counted by SQS itself: so nothing but the message has to be kept of a try.
 */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { XRayClient } from '@aws-sdk/client-xray';
import { aboutMessage } from './about.ts';
import { type Courier, deliver, deliverySchema, queueDelivery, UndeliveredError } from './deliver.ts';
import { describedBy, type Event, eventOf } from './events.ts';
import { log, withLogFields } from './log.ts';
import { parseS3Event, uploadedSchema } from './messages.ts';
import { jobKeys, type Revision, type VideoId, webhookKeys } from './names.ts';
import type { Stores } from './publish.ts';
import { readTrace } from './trace.ts';
import { sendTrace } from './xray.ts';

/** What EventBridge's rules know our events by. */
export const EVENT_SOURCE = 'spotreel';

/** By how much of itself a wait may grow, at random: what failed together does not come back together. */
const JITTER = 0.1;

export interface Notifier extends Courier {
  readonly stores: Stores;
  readonly sqs: SQSClient;
  readonly eventBridge: EventBridgeClient;
  readonly xray: XRayClient;
  readonly eventsQueueUrl: string;
  /** Names this deployment among others of the account. */
  readonly platform: string;
  /** Seconds between tries. */
  readonly retrySeconds: readonly number[];
}

export interface EventsMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  /** SQS's count of receives, this one included. */
  readonly receiveCount: number;
  /** An S3 event or a delivery, as JSON. */
  readonly body: string;
}

/** Handles a message, and any repetition of it, to the same effect. Says whether it is done; if not, it comes back. */
export const handleEventsMessage = (notifier: Notifier, message: EventsMessage): Promise<boolean> =>
  withLogFields(aboutMessage(message.body), () => isDone(notifier, message));

async function isDone(notifier: Notifier, message: EventsMessage): Promise<boolean> {
  const { messageId, receiveCount } = message;
  const wait = notifier.retrySeconds[receiveCount - 1];
  try {
    await handle(notifier, JSON.parse(message.body), wait === undefined);
    return true;
  } catch (error) {
    if (!(error instanceof UndeliveredError))
      log('error', 'notify-failed', { messageId, receiveCount, error: String(error) });
    // After the last try it becomes a dead letter, and need not wait for that.
    await hide(notifier, message, wait ?? 0);
    return false;
  }
}

/** A message that can not be hidden comes back earlier, by its queue's own timeout. */
async function hide(notifier: Notifier, { receiptHandle }: EventsMessage, seconds: number): Promise<void> {
  const { sqs, eventsQueueUrl: QueueUrl } = notifier;
  const VisibilityTimeout = Math.round(seconds * (1 + JITTER * Math.random()));
  const command = { QueueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout };
  await sqs.send(new ChangeMessageVisibilityCommand(command)).catch((error: unknown) => {
    log('warn', 'not-hidden', { error: String(error) });
  });
}

async function handle(notifier: Notifier, body: unknown, last: boolean): Promise<void> {
  const delivery = deliverySchema.safeParse(body).data?.deliver;
  if (delivery) return deliver(notifier, delivery, last);
  const uploaded = uploadedSchema.safeParse(body).data?.uploaded;
  for (const object of uploaded ? [uploaded] : parseS3Event(body)) {
    const event = await eventOf(notifier.stores, object);
    if (event) await tell(notifier, event);
  }
}

/** Where an event is recorded once it is told: with its video, or apart where nothing of that is to stay. */
function recordOf(event: Event): string {
  const video = describedBy(event);
  return video === undefined ? webhookKeys.told(event.id) : jobKeys.event(video, event.id);
}

/**
 * Tells all who listen of an event. It is recorded afterwards: whoever ends before that leaves it to be told again, under
 * the same id.
 */
async function tell(notifier: Notifier, event: Event): Promise<void> {
  const { uploads } = notifier.stores;
  const record = recordOf(event);
  if (await uploads.exists(record)) return;
  await putOnEventBridge(notifier, event);
  for (const endpoint of await notifier.endpoints.list())
    if (!endpoint.disabled)
      await queueDelivery(notifier.sqs, notifier.eventsQueueUrl, { endpoint: endpoint.id, event });
  await uploads.putOnceJson(record, event);
  log('info', 'event-told', { id: event.id, type: event.type });
  if (event.type === 'video.ready' || event.type === 'video.failed') await sendTraceOf(notifier, event.data);
}

/** Sends the trace of an encode that has ended. Where X-Ray does not take it, that is all: it can be computed any time. */
async function sendTraceOf(
  { stores, xray, platform }: Notifier,
  { id, revision }: { readonly id: VideoId; readonly revision: Revision },
): Promise<void> {
  try {
    const trace = await readTrace(stores.uploads, id, revision);
    if (trace) await sendTrace(xray, platform, trace);
  } catch (error) {
    log('warn', 'trace-not-sent', { revision, error: String(error) });
  }
}

async function putOnEventBridge({ eventBridge, platform }: Notifier, event: Event): Promise<void> {
  const { Entries = [] } = await eventBridge.send(
    new PutEventsCommand({
      Entries: [
        {
          Source: EVENT_SOURCE,
          DetailType: event.type,
          Detail: JSON.stringify(event),
          Time: new Date(event.timestamp),
          Resources: [platform],
        },
      ],
    }),
  );
  const refused = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
  if (refused) throw new Error(`EventBridge did not take ${event.id}: ${refused.ErrorCode}`);
}
