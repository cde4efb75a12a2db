/**
 * Delivery of an event to an endpoint, by the Standard Webhooks spec: signed with the endpoint's secrets, tried again by
 * the queue's schedule, and kept where every try came to nothing: `webhooks/undelivered/<endpoint>/<video>/<event>.json`, without
 * the video where it describes none. What describes a video that was deleted is neither sent any more nor kept.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { isDeleted } from './deleted.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import { describedBy, type Event, eventSchema } from './events.ts';
import { log } from './log.ts';
import { webhookKeys } from './names.ts';
import type { Stores } from './publish.ts';
import { postWebhook, type Reach, UnreachableError } from './webhook-request.ts';

const DAY = 24 * 3_600_000;

/** Milliseconds of failing after which an endpoint is given up, when a delivery has been given up meanwhile. */
const GIVEN_UP_MS = 5 * DAY;
/** What is said of a delivery that the platform itself was in the way of. */
const NOT_TRIED = 'The platform failed before it could send; its log says why';
/** "The receiver wants no more": the spec's meaning of it. */
const GONE = 410;

/** A message on the events queue: send this event to this endpoint. */
export const deliverySchema = z.object({
  deliver: z.object({ endpoint: z.string().regex(/^[0-9a-f]{12}$/), event: eventSchema }),
});
export type Delivery = z.infer<typeof deliverySchema>['deliver'];

/** What was not delivered, as it is kept. */
export const undeliveredSchema = z.object({
  event: eventSchema,
  /** ISO 8601: when it was given up. */
  at: z.iso.datetime(),
  /** What the last try met. */
  problem: z.string(),
});
export type Undelivered = z.infer<typeof undeliveredSchema>;

export interface Courier {
  readonly stores: Pick<Stores, 'uploads'>;
  readonly endpoints: Endpoints;
  readonly reach: Reach;
}

/** A delivery that is to be tried again. */
export class UndeliveredError extends Error {
  override readonly name = 'UndeliveredError';
}

/** Queues an event for an endpoint. */
export async function queueDelivery(sqs: SQSClient, queueUrl: string, delivery: Delivery): Promise<void> {
  const body: z.infer<typeof deliverySchema> = { deliver: delivery };
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: JSON.stringify(body),
      // A fair queue: an endpoint that is slow does not keep the others waiting.
      MessageGroupId: delivery.endpoint,
    }),
  );
}

/** What the log says of a delivery. */
const fieldsOf = ({ endpoint, event }: Delivery) => ({ endpoint, eventId: event.id });

/**
 * Delivers once.
 * @param last whether no other try will follow: then what is not delivered is kept, whatever the reason
 * @throws an `UndeliveredError` where it is to be tried again
 */
export async function deliver(courier: Courier, delivery: Delivery, last: boolean): Promise<void> {
  const fields = fieldsOf(delivery);
  const video = describedBy(delivery.event);
  if (video !== undefined && (await isDeleted(courier.stores.uploads, video)))
    return log('info', 'webhook-dropped', fields);
  try {
    await attempt(courier, delivery, last);
  } catch (error) {
    if (!last) throw error;
    log('error', 'webhook-not-tried', { ...fields, error: String(error) });
    await keep(courier, delivery, NOT_TRIED);
  }
}

async function attempt(courier: Courier, delivery: Delivery, last: boolean): Promise<void> {
  const { endpoints } = courier;
  const endpoint = await endpoints.read(delivery.endpoint);
  if (!endpoint) return; // removed since
  if (endpoint.disabled) return keep(courier, delivery, 'The endpoint is disabled');
  const problem = await send(courier, endpoint, delivery.event);
  const fields = fieldsOf(delivery);
  if (problem === undefined) {
    log('info', 'webhook-delivered', fields);
    if (endpoint.failing) await endpoints.enable(endpoint.id);
    return;
  }
  log('warn', 'webhook-not-delivered', { ...fields, problem: problem.text, last });
  await endpoints.failing(endpoint.id, problem.text);
  if (problem.gone) await endpoints.disable(endpoint.id, `It answered ${GONE}: it wants no more`);
  else if (last && hasFailedLong(endpoint))
    await endpoints.disable(endpoint.id, 'No delivery has succeeded for five days');
  if (!last && !problem.gone) throw new UndeliveredError(problem.text);
  await keep(courier, delivery, problem.text);
}

const hasFailedLong = ({ failing }: Endpoint): boolean =>
  failing !== undefined && Date.now() - Date.parse(failing.since) > GIVEN_UP_MS;

interface Problem {
  readonly text: string;
  readonly gone: boolean;
}

/** What went wrong with a request; undefined where the endpoint took the event. */
async function send({ endpoints, reach }: Courier, { id, url }: Endpoint, event: Event) {
  const body = JSON.stringify(event);
  const now = new Date();
  const signatures = (await endpoints.secrets(id)).map((secret) =>
    new Webhook(secret).sign(event.id, now, body),
  );
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Spotreel-Webhooks',
    'webhook-id': event.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  };
  try {
    const status = await postWebhook(new URL(url), headers, body, reach);
    if (status >= 200 && status < 300) return undefined;
    return { text: `It answered ${status}`, gone: status === GONE } satisfies Problem;
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    return { text: error.message, gone: false } satisfies Problem;
  }
}

async function keep({ stores }: Courier, { endpoint, event }: Delivery, problem: string): Promise<void> {
  const undelivered: Undelivered = { event, at: new Date().toISOString(), problem };
  const key = webhookKeys.undeliveredEvent(endpoint, event.id, describedBy(event));
  await stores.uploads.putJson(key, undelivered);
}
