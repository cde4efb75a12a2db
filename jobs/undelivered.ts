/** What webhooks' endpoints did not get: kept, listed, and sent again when their owner asks for it. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { inBatches } from './batches.ts';
import { queueDelivery, type Undelivered, undeliveredSchema } from './deliver.ts';
import { webhookKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

/** What is listed of an endpoint, or sent to it again, by one call. */
const AT_A_TIME = 100;
/** Objects read or deleted at once. */
const AT_ONCE = 10;

/** Some of what an endpoint did not get, and whether there is more. */
export interface UndeliveredPage {
  readonly undelivered: Undelivered[];
  readonly more: boolean;
}

/** What an endpoint did not get. */
export async function listUndelivered(uploads: ObjectStore, endpoint: string): Promise<UndeliveredPage> {
  const keys: string[] = [];
  for await (const { key } of uploads.list(webhookKeys.undelivered(endpoint))) {
    keys.push(key);
    if (keys.length > AT_A_TIME) break;
  }
  const read = (key: string) => uploads.getJson(key, undeliveredSchema);
  const kept = await Array.fromAsync(inBatches(keys.slice(0, AT_A_TIME), AT_ONCE, read));
  return { undelivered: kept.filter((one) => one !== undefined), more: keys.length > AT_A_TIME };
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
  const { undelivered, more } = await listUndelivered(uploads, endpoint);
  const send = async ({ event }: Undelivered) => {
    await queueDelivery(sqs, eventsQueueUrl, { endpoint, event });
    await uploads.delete(webhookKeys.undeliveredEvent(endpoint, event.id));
  };
  const sent = await Array.fromAsync(inBatches(undelivered, AT_ONCE, send));
  return { replayed: sent.length, more };
}
