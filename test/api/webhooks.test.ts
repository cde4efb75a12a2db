/** `/api/webhooks`: endpoints, their secrets, and what they did not get. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { documentOf } from '../../api/app.ts';
import { claimVideo } from '../../jobs/claim.ts';
import { deliverySchema } from '../../jobs/deliver.ts';
import { eventIdOf } from '../../jobs/events.ts';
import { newVideoId, sourceKey, webhookKeys } from '../../jobs/names.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

const URL_GIVEN = 'https://example.org/spotreel';

let api: TestApi;
let admin: string;
beforeAll(async () => {
  api = await startTestApi();
  admin = await api.token('admin');
});
afterEach(async () => {
  for (const { id } of (await ask('GET', '/api/webhooks')).body.webhooks)
    await ask('DELETE', `/api/webhooks/${id}`);
});
afterAll(() => api.close());

const ask = (method: string, path: string, body?: unknown) => api.ask(method, path, admin, body);
const create = async () => (await ask('POST', '/api/webhooks', { url: URL_GIVEN })).body;
/** Deliveries that were queued, the newest last. */
const queued = () =>
  api.sqs.messages('events').map(({ body }) => deliverySchema.parse(JSON.parse(body)).deliver);

/** Keeps events as what an endpoint did not get. */
async function miss(endpoint: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const id = eventIdOf('webhook.test', number);
    const event = { id, type: 'webhook.test', timestamp: '2030-01-01T00:00:00Z', data: { endpoint } };
    await api.context.stores.uploads.putJson(webhookKeys.undeliveredEvent(endpoint, id), {
      ...{ event, at: '2030-01-02T00:00:00Z', problem: 'It answered 500' },
    });
  }
}

describe('an endpoint', () => {
  test('is made with a secret of the spec, which nothing tells again', async () => {
    const { status, body } = await ask('POST', '/api/webhooks', { url: URL_GIVEN });
    expect(status).toBe(201);
    expect(body).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{12}$/), url: URL_GIVEN, createdAt: expect.any(String) },
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    const { secret, ...told } = body;
    expect((await ask('GET', '/api/webhooks')).body).toEqual({ webhooks: [told] });
    const kept = await api.context.stores.uploads.getText(webhookKeys.endpoint(body.id));
    expect(kept).not.toContain(secret);
  });

  test.each([
    ['http://example.org/', /begin with https/],
    ['https://169.254.169.254/latest/meta-data', /no public address/],
    ['https://user:password@example.org/', /a name or a password/],
    ['example.org', /URL/],
    ['', /URL/],
  ])('may not be at %j', async (url, message) => {
    const { status, body } = await ask('POST', '/api/webhooks', { url });
    expect([status, body.errors]).toEqual([
      400,
      [{ field: '/url', message: expect.stringMatching(message) }],
    ]);
  });

  test('is one of twenty at most', async () => {
    for (let number = 0; number < 20; number++) await create();
    expect((await ask('POST', '/api/webhooks', { url: URL_GIVEN })).status).toBe(409);
  });

  test('gets a new secret beside the one before', async () => {
    const { id, secret } = await create();
    const { status, body } = await ask('POST', `/api/webhooks/${id}/secret`);
    expect([status, await api.context.webhooks.endpoints.secrets(id)]).toEqual([200, [body.secret, secret]]);
  });

  test('is removed with its secret and with what it did not get', async () => {
    const { id } = await create();
    await miss(id, 2);
    expect((await ask('DELETE', `/api/webhooks/${id}`)).status).toBe(204);
    expect((await ask('GET', '/api/webhooks')).body).toEqual({ webhooks: [] });
    expect(await api.keysOf(id)).toEqual([]);
    await expect(api.context.webhooks.endpoints.secrets(id)).rejects.toThrow('not found');
    expect((await ask('DELETE', `/api/webhooks/${id}`)).status).toBe(404);
  });

  test('is sent a test that it can tell from events', async () => {
    const { id } = await create();
    const { status, body } = await ask('POST', `/api/webhooks/${id}/test`);
    expect(status).toBe(202);
    expect(queued().at(-1)).toMatchObject({
      endpoint: id,
      event: { id: body.event, type: 'webhook.test', data: { endpoint: id } },
    });
  });
});

describe('what an endpoint did not get', () => {
  test('is listed with what was met, and sent again once', async () => {
    const { id } = await create();
    await miss(id, 2);
    const before = queued().length;
    expect((await ask('GET', `/api/webhooks/${id}/undelivered`)).body).toMatchObject({
      undelivered: [{ problem: 'It answered 500' }, { event: { type: 'webhook.test' } }],
      more: false,
    });
    const replayed = await ask('POST', `/api/webhooks/${id}/replay`);
    expect([replayed.status, replayed.body]).toEqual([202, { replayed: 2, more: false }]);
    expect(queued().length - before).toBe(2);
    expect((await ask('POST', `/api/webhooks/${id}/replay`)).body).toEqual({ replayed: 0, more: false });
  });

  test('is kept where it comes to nothing again while it is sent again', async () => {
    const { id } = await create();
    await miss(id, 1);
    const key = webhookKeys.undeliveredEvent(id, eventIdOf('webhook.test', 0));
    const { uploads } = api.context.stores;
    api.context.sqs.middlewareStack.add(
      (next) => async (args) => {
        await uploads.put(key, ((await uploads.getText(key)) ?? '').replace('500', '410'), {
          contentType: 'application/json',
        });
        return next(args);
      },
      { step: 'initialize', name: 'again' },
    );
    await ask('POST', `/api/webhooks/${id}/replay`);
    api.context.sqs.middlewareStack.remove('again');
    expect((await ask('GET', `/api/webhooks/${id}/undelivered`)).body.undelivered).toMatchObject([
      { problem: 'It answered 410' },
    ]);
  });

  test('is listed and sent again beside what can not be read', async () => {
    const { id } = await create();
    await miss(id, 1);
    await api.context.stores.uploads.putJson(webhookKeys.undeliveredEvent(id, 'older'), { schema: 0 });
    expect((await ask('GET', `/api/webhooks/${id}/undelivered`)).body.undelivered).toHaveLength(1);
    expect((await ask('POST', `/api/webhooks/${id}/replay`)).body).toEqual({ replayed: 1, more: false });
  });

  test('goes with the video that it describes, and with no other', async () => {
    const { uploads } = api.context.stores;
    const { id: endpoint } = await create();
    const claimed = async () => {
      const object = { bucket: 'uploads', key: sourceKey(newVideoId()), size: 1, etag: 'e' };
      const { video } = await claimVideo(uploads, { ...object, time: new Date().toISOString() });
      await uploads.put(webhookKeys.undeliveredEvent(endpoint, `evt_${video}`, video), '{}', {
        contentType: 'application/json',
      });
      return video;
    };
    const [gone, kept] = [await claimed(), await claimed()];
    await miss(endpoint, 1);
    expect(await ask('DELETE', `/api/videos/${gone}`)).toMatchObject({ status: 200, body: { left: 0 } });
    const keys = (await Array.fromAsync(uploads.list(webhookKeys.undelivered(endpoint)))).map(
      ({ key }) => key,
    );
    expect(keys).toEqual(
      [
        webhookKeys.undeliveredEvent(endpoint, `evt_${kept}`, kept),
        webhookKeys.undeliveredEvent(endpoint, eventIdOf('webhook.test', 0)),
      ].toSorted(),
    );
  });

  test('is sent again a hundred at a time', async () => {
    const { id } = await create();
    await miss(id, 101);
    expect((await ask('POST', `/api/webhooks/${id}/replay`)).body).toEqual({ replayed: 100, more: true });
    expect((await ask('POST', `/api/webhooks/${id}/replay`)).body).toEqual({ replayed: 1, more: false });
  });

  test('is sent again to an endpoint that was disabled, which is used again', async () => {
    const { id } = await create();
    await api.context.webhooks.endpoints.disable(id, 'It answered 410');
    expect((await ask('GET', '/api/webhooks')).body.webhooks).toMatchObject([
      { disabled: { reason: 'It answered 410' } },
    ]);
    await ask('POST', `/api/webhooks/${id}/replay`);
    expect((await ask('GET', '/api/webhooks')).body.webhooks[0]).not.toHaveProperty('disabled');
  });
});

test.each([
  ['GET', '/api/webhooks'],
  ['POST', '/api/webhooks'],
  ['DELETE', '/api/webhooks/000000000000'],
  ['POST', '/api/webhooks/000000000000/secret'],
  ['POST', '/api/webhooks/000000000000/test'],
  ['GET', '/api/webhooks/000000000000/undelivered'],
  ['POST', '/api/webhooks/000000000000/replay'],
])('%s %s is for administrators', async (method, path) => {
  const body = path === '/api/webhooks' && method === 'POST' ? { url: URL_GIVEN } : undefined;
  expect((await api.ask(method, path, undefined, body)).status).toBe(401);
  expect((await api.ask(method, path, await api.token('read', 'upload'), body)).status).toBe(403);
});

test('the OpenAPI document says what endpoints are sent', () => {
  const { webhooks } = JSON.parse(JSON.stringify(documentOf(api.app)));
  expect(Object.keys(webhooks)).toEqual([
    'video.created',
    'video.ready',
    'video.failed',
    'video.deleted',
    'webhook.test',
  ]);
  const { schema } = webhooks['video.failed'].post.requestBody.content['application/json'];
  expect(schema.properties.data.required).toEqual(
    expect.arrayContaining(['id', 'title', 'metadata', 'uploadedAt', 'revision', 'failure']),
  );
});
