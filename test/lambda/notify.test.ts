/** notify: what happens to a video reaches webhooks and EventBridge, signed, at least once, and by a schedule of tries. */
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { webhookKeys } from '../../jobs/names.ts';
import { eventually } from '../local/support/processes.ts';
import { startReceiver, startWebhookWorld, verified, type WebhookWorld } from '../support/webhooks.ts';

/** Tries of a delivery are one more. */
const RETRIES = [0, 0, 1];

let world: WebhookWorld;
const receivers: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  world = await startWebhookWorld(RETRIES);
});
afterEach(async () => {
  for (const { id } of await world.endpoints.list()) await world.endpoints.remove(id, Date.now() + 10_000);
  for (const receiver of receivers.splice(0)) await receiver.close();
});
afterAll(() => world.close());

/** A receiver, and its endpoint. */
async function listening(answer?: (count: number) => number) {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return { ...receiver, ...(await world.endpoints.create(receiver.url)) };
}

const requests = (receiver: { received: readonly unknown[] }, count: number) =>
  eventually(() => (receiver.received.length >= count ? true : undefined));
const undelivered = (endpoint: string) =>
  Array.fromAsync(world.stores.uploads.list(webhookKeys.undelivered(endpoint)));
const waiting = () => world.sqs.messages('events').length;

test('an event reaches every endpoint, each signed with its own secret', async () => {
  const [one, other] = [await listening(), await listening()];
  const video = await world.upload();
  for (const receiver of [one, other]) {
    await requests(receiver, 1);
    const [request] = receiver.received;
    if (!request) throw new Error('It was counted');
    const event = verified(request, receiver.secret);
    expect(event).toMatchObject({ type: 'video.created', data: { id: video, sourceBytes: 5 } });
    expect(request.headers).toMatchObject({ 'webhook-id': event.id, 'content-type': 'application/json' });
  }
  expect(() => verified(one.received[0] ?? never(), other.secret)).toThrow('signature');
});

test('for a day after a new secret both sign, and the one before it no more', async () => {
  const receiver = await listening();
  const second = await world.endpoints.rotate(receiver.id);
  const third = await world.endpoints.rotate(receiver.id);
  await world.upload();
  await requests(receiver, 1);
  const request = receiver.received[0] ?? never();
  for (const secret of [second, third])
    expect(verified(request, secret)).toMatchObject({ type: 'video.created' });
  expect(() => verified(request, receiver.secret)).toThrow('signature');
});

describe('a delivery', () => {
  test('is tried again, the same under the same id, until it succeeds', async () => {
    const receiver = await listening((count) => (count < 2 ? 503 : 200));
    await world.upload();
    await requests(receiver, 3);
    await eventually(() => (waiting() === 0 ? true : undefined));
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(await undelivered(receiver.id)).toEqual([]);
    expect(await world.endpoints.read(receiver.id)).not.toHaveProperty('failing');
  });

  test.each([[302], [400], [500]])('that is answered %i every time is given up and kept', async (status) => {
    const receiver = await listening(() => status);
    await world.upload();
    const [key] = await eventually(async () => {
      const kept = await undelivered(receiver.id);
      return kept.length > 0 ? kept : undefined;
    });
    expect(receiver.received).toHaveLength(RETRIES.length + 1);
    expect(JSON.parse((await world.stores.uploads.getText(key?.key ?? '')) ?? '')).toMatchObject({
      event: { type: 'video.created' },
      problem: `It answered ${status}`,
    });
    expect(await world.endpoints.read(receiver.id)).toMatchObject({
      failing: { problem: `It answered ${status}` },
    });
    expect(world.sqs.messages('events-dead-letters')).toEqual([]);
  });

  test('that is answered 410 is kept, and nothing more is sent there', async () => {
    const receiver = await listening(() => 410);
    await world.upload();
    await eventually(async () => ((await undelivered(receiver.id)).length === 1 ? true : undefined));
    expect(await world.endpoints.read(receiver.id)).toMatchObject({ disabled: expect.anything() });
    const healthy = await listening();
    await world.upload();
    await requests(healthy, 1);
    expect(receiver.received).toHaveLength(1);
  });

  test('to an endpoint that is removed meanwhile is dropped', async () => {
    const receiver = await listening(() => 500);
    await world.upload();
    await requests(receiver, 1);
    await world.endpoints.remove(receiver.id, Date.now() + 10_000);
    await eventually(() => (waiting() === 0 ? true : undefined));
    expect(await undelivered(receiver.id)).toEqual([]);
    expect(await world.endpoints.list()).toEqual([]);
  });
});

test('an event that S3 tells twice is told once', async () => {
  const receiver = await listening();
  const video = await world.upload();
  await requests(receiver, 1);
  await eventually(() => (waiting() === 0 ? true : undefined));
  const created = {
    eventName: 'ObjectCreated:Put',
    eventTime: new Date().toISOString(),
    s3: { bucket: { name: 'uploads' }, object: { key: `jobs/${video}/claim.json`, size: 5, eTag: 'e' } },
  };
  await world.sqs.send('events', JSON.stringify({ Records: [created] }));
  await world.upload();
  await requests(receiver, 2);
  await eventually(() => (waiting() === 0 ? true : undefined));
  expect(receiver.received.map(({ body }) => JSON.parse(body).data.id === video)).toEqual([true, false]);
});

test('a message that no code of ours wrote becomes a dead letter after every try', async () => {
  await world.sqs.send('events', '{"hello":"world"}');
  await eventually(() => (world.sqs.messages('events-dead-letters').length === 1 ? true : undefined));
});

test('EventBridge has the same event, and its rules send it on', async () => {
  const pattern = { source: ['spotreel'], 'detail-type': ['video.created'] };
  await world.eventBridge.send(
    new PutRuleCommand({ Name: 'created', EventPattern: JSON.stringify(pattern) }),
  );
  const Targets = [{ Id: 'queue', Arn: 'arn:aws:sqs:us-east-1:000000000000:heard' }];
  await world.eventBridge.send(new PutTargetsCommand({ Rule: 'created', Targets }));
  const receiver = await listening();
  const video = await world.upload();
  const QueueUrl = world.sqs.queueUrl('heard');
  const { Messages } = await world.client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  await requests(receiver, 1);
  expect(JSON.parse(Messages?.[0]?.Body ?? '')).toMatchObject({
    version: '0',
    source: 'spotreel',
    'detail-type': 'video.created',
    resources: ['test'],
    detail: { type: 'video.created', data: { id: video } },
  });
  expect(JSON.parse(Messages?.[0]?.Body ?? '').detail).toEqual(JSON.parse(receiver.received[0]?.body ?? ''));
});

function never(): never {
  throw new Error('It was waited for');
}
