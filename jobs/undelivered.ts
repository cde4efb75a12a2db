/** What webhooks' endpoints did not get: kept, listed, and sent again when their owner asks for it. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { inBatches } from './batches.ts';
import { queueDelivery, type Undelivered, undeliveredSchema } from './deliver.ts';
import { webhookKeys } from './names.ts';
import type { ListedObject, ObjectStore } from './store.ts';
import { unlessUnreadable } from './unreadable.ts';

/** What is listed of an endpoint, or sent to it again, by one call. */
const AT_A_TIME = 100;
/** Objects read or deleted at once. */
const AT_ONCE = 10;

/** Some of what an endpoint did not get, and whether there is more. */
export interface UndeliveredPage {
  readonly undelivered: Undelivered[];
  readonly more: boolean;
}

/** The objects that tell of it. */
async function listKept(uploads: ObjectStore, endpoint: string) {
  const kept: ListedObject[] = [];
  for await (const object of uploads.list(webhookKeys.undelivered(endpoint))) {
    kept.push(object);
    if (kept.length > AT_A_TIME) break;
  }
  return { kept: kept.slice(0, AT_A_TIME), more: kept.length > AT_A_TIME };
}

/** What such an object tells; undefined where it is gone, or can not be read. */
async function readKept(uploads: ObjectStore, { key }: ListedObject): Promise<Undelivered | undefined> {
  const read = () => uploads.getJson(key, undeliveredSchema);
  const undelivered = await unlessUnreadable('undelivered-unreadable', { key }, read);
  return undelivered === 'unreadable' ? undefined : undelivered;
}

/** What an endpoint did not get. */
export async function listUndelivered(uploads: ObjectStore, endpoint: string): Promise<UndeliveredPage> {
  const { kept, more } = await listKept(uploads, endpoint);
  const reading = inBatches(kept, AT_ONCE, (object) => readKept(uploads, object));
  const undelivered = await Array.fromAsync(reading);
  return { undelivered: undelivered.filter((one) => one !== undefined), more };
}

/**
 * Sends again what an endpoint did not get. Whoever ends in between may have sent some of it that is still kept: it then
 * comes twice, under the same id.
 * @returns how many, and whether there is more
 */
export async function replayUndelivered(
  uploads: ObjectStore,
  sqs: SQSClient,
  eventsQueueUrl: string,
  endpoint: string,
): Promise<{ replayed: number; more: boolean }> {
  const { kept, more } = await listKept(uploads, endpoint);
  const send = async (object: ListedObject) => {
    const undelivered = await readKept(uploads, object);
    if (!undelivered) return false;
    await queueDelivery(sqs, eventsQueueUrl, { endpoint, event: undelivered.event });
    // It may come to nothing again, and be kept under the same key, before this.
    await uploads.deleteUnchanged(object);
    return true;
  };
  const sent = await Array.fromAsync(inBatches(kept, AT_ONCE, send));
  return { replayed: sent.filter(Boolean).length, more };
}
