/** `/api/webhooks`: who is told what happens to videos. */
import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { queueDelivery } from '../jobs/deliver.ts';
import { type Endpoint, TooManyEndpointsError } from '../jobs/endpoints.ts';
import { type Event, eventIdOf, eventSchema } from '../jobs/events.ts';
import { listUndelivered, replayUndelivered } from '../jobs/undelivered.ts';
import { endpointProblem } from '../jobs/webhook-request.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { ProblemError } from './problems.ts';
import { answer, body, newApp, refusals } from './routes.ts';
import {
  createdWebhookSchema,
  createWebhookSchema,
  replayedSchema,
  testedWebhookSchema,
  undeliveredPageSchema,
  webhookIdSchema,
  webhookSecretSchema,
  webhooksSchema,
} from './schemas.ts';

const tags = ['Webhooks'];
const path = '/api/webhooks/{id}';
const request = { params: z.object({ id: webhookIdSchema }) };

const create = createRoute({
  method: 'post',
  path: '/api/webhooks',
  summary: 'Add an endpoint',
  description: 'From now on it is told what happens to videos, by the Standard Webhooks spec.',
  tags,
  request: body(createWebhookSchema),
  responses: {
    201: answer('The endpoint, with its secret, told this once.', createdWebhookSchema),
    ...refusals('conflict', 'unsupported-media-type'),
  },
});

const list = createRoute({
  method: 'get',
  path: '/api/webhooks',
  summary: 'List the endpoints',
  tags,
  responses: { 200: answer('Oldest first.', webhooksSchema), ...refusals() },
});

const remove = createRoute({
  method: 'delete',
  path,
  summary: 'Remove an endpoint',
  description: 'What was not delivered to it goes, too.',
  tags,
  request,
  responses: { 204: { description: 'It is removed.' }, ...refusals('not-found') },
});

const rotate = createRoute({
  method: 'post',
  path: `${path}/secret`,
  summary: 'Give an endpoint a new secret',
  description: 'For a day, deliveries are signed with the one before, too.',
  tags,
  request,
  responses: { 200: answer('The secret, told this once.', webhookSecretSchema), ...refusals('not-found') },
});

const test = createRoute({
  method: 'post',
  path: `${path}/test`,
  summary: 'Send an endpoint a `webhook.test`',
  description: 'One that was disabled is used again from now on.',
  tags,
  request,
  responses: { 202: answer('It is on its way.', testedWebhookSchema), ...refusals('not-found') },
});

const undelivered = createRoute({
  method: 'get',
  path: `${path}/undelivered`,
  summary: 'List what an endpoint did not get',
  description: 'Kept for 30 days after the last try.',
  tags,
  request,
  responses: { 200: answer('At most a hundred.', undeliveredPageSchema), ...refusals('not-found') },
});

const replay = createRoute({
  method: 'post',
  path: `${path}/replay`,
  summary: 'Send an endpoint again what it did not get',
  description: 'At most a hundred events a call. An endpoint that was disabled is used again from now on.',
  tags,
  request,
  responses: { 202: answer('They are on their way.', replayedSchema), ...refusals('not-found') },
});

/** Milliseconds that a request deletes what was not delivered; the rest expires. */
const REMOVE_MS = 15_000;

/** Lets an app's document say what endpoints are sent. Not by the routes: what is mounted gets a path of the API. */
export function describeEvents({ openAPIRegistry }: ReturnType<typeof newApp>): void {
  for (const schema of eventSchema.options)
    openAPIRegistry.registerWebhook({
      method: 'post',
      path: schema.shape.type.value,
      summary: 'What an endpoint is sent, by the Standard Webhooks spec',
      tags,
      request: body(schema),
      responses: { '2XX': { description: 'The endpoint has it.' } },
    });
}

/** Adds the routes. */
export function webhookRoutes({ stores, sqs, webhooks }: ApiContext) {
  const { endpoints, eventsQueueUrl, reach } = webhooks;
  const required = async (id: string): Promise<Endpoint> => {
    const endpoint = await endpoints.read(id);
    if (!endpoint) throw new ProblemError('not-found', `There is no endpoint ${id}`);
    return endpoint;
  };
  return newApp()
    .openapi(create, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { url } = c.req.valid('json');
      const message = endpointProblem(new URL(url), reach);
      if (message !== undefined)
        throw new ProblemError('invalid-request', `/url: ${message}`, {
          errors: [{ field: '/url', message }],
        });
      const created = await endpoints.create(url).catch((error: unknown) => {
        if (error instanceof TooManyEndpointsError) throw new ProblemError('conflict', error.message);
        throw error;
      });
      return c.json(created, 201);
    })
    .openapi(list, async (c) => {
      requireScope(c.get('who'), 'admin');
      return c.json({ webhooks: await endpoints.list() }, 200);
    })
    .openapi(remove, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = await required(c.req.valid('param').id);
      await endpoints.remove(id, Date.now() + REMOVE_MS);
      return c.body(null, 204);
    })
    .openapi(rotate, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = await required(c.req.valid('param').id);
      return c.json({ secret: await endpoints.rotate(id) }, 200);
    })
    .openapi(test, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = await required(c.req.valid('param').id);
      await endpoints.enable(id);
      const event: Event = {
        id: eventIdOf('webhook.test', randomUUID()),
        type: 'webhook.test',
        timestamp: new Date().toISOString(),
        data: { endpoint: id },
      };
      await queueDelivery(sqs, eventsQueueUrl, { endpoint: id, event });
      return c.json({ event: event.id }, 202);
    })
    .openapi(undelivered, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = await required(c.req.valid('param').id);
      return c.json(await listUndelivered(stores.uploads, id), 200);
    })
    .openapi(replay, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = await required(c.req.valid('param').id);
      await endpoints.enable(id);
      return c.json(await replayUndelivered(stores.uploads, sqs, eventsQueueUrl, id), 202);
    });
}
