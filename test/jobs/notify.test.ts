/** notify, call by call: whichever fails, nothing is lost; tries come by the schedule; who fails for days is given up. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { PutTraceSegmentsCommand, XRayClient } from '@aws-sdk/client-xray';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type Delivery, deliverySchema } from '../../jobs/deliver.ts';
import { Endpoints } from '../../jobs/endpoints.ts';
import { type Event, eventIdOf } from '../../jobs/events.ts';
import { deletedKey, jobKeys, newVideoId, type Revision, webhookKeys } from '../../jobs/names.ts';
import { handleEventsMessage } from '../../jobs/notify.ts';
import { QUEUES, WEBHOOK_RETRY_SECONDS } from '../../jobs/platform.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';

const DAY = 24 * 3_600_000;
/** The receive that no other follows. */
const LAST = WEBHOOK_RETRY_SECONDS.length + 1;

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const ssm = mockClient(SSMClient);
const eventBridge = mockClient(EventBridgeClient);
const xray = mockClient(XRayClient);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
const endpoints = new Endpoints(uploads, new SSMClient({}), '/spotreel/test');
const notifier = {
  stores: { uploads, production: new ObjectStore(new S3Client({}), 'production') },
  sqs: new SQSClient({}),
  eventBridge: new EventBridgeClient({}),
  xray: new XRayClient({}),
  endpoints,
  eventsQueueUrl: 'http://127.0.0.1/events',
  platform: 'test',
  reach: 'public' as const,
  retrySeconds: WEBHOOK_RETRY_SECONDS,
};
const video = newVideoId();
let logged: ReturnType<typeof captureLog>;
/** Calls that telling two endpoints of a claim takes. */
const CALLS = 10;

beforeEach(() => {
  for (const mock of [s3, sqs, ssm, eventBridge, xray]) mock.reset();
  objects.clear();
  serveS3(s3, objects);
  sqs.on(SendMessageCommand).resolves({});
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
  ssm.on(PutParameterCommand).resolves({});
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: '[{"secret":"whsec_c2VjcmV0"}]' } });
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
  xray.on(PutTraceSegmentsCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const handle = (body: object, receiveCount = 1) =>
  handleEventsMessage(notifier, {
    messageId: 'm1',
    receiptHandle: 'r1',
    receiveCount,
    body: JSON.stringify(body),
  });
const sent = (): Delivery[] =>
  sqs
    .commandCalls(SendMessageCommand)
    .map(({ args }) => deliverySchema.parse(JSON.parse(args[0].input.MessageBody ?? '')).deliver);
/** Seconds for which the message was hidden, each time. */
const hidden = () =>
  sqs.commandCalls(ChangeMessageVisibilityCommand).map(({ args }) => args[0].input.VisibilityTimeout ?? -1);

/** S3's announcement of an object. */
const announced = (key: string, eventTime: string): object => ({
  Records: [
    {
      ...{ eventName: 'ObjectCreated:Put', eventTime },
      s3: { bucket: { name: 'uploads' }, object: { key, size: 5, eTag: 'e' } },
    },
  ],
});

/** S3's announcement of a claim. */
async function claimed(): Promise<object> {
  const key = jobKeys.claim(video);
  const uploadedAt = '2030-01-02T03:04:05.000Z';
  await uploads.putJson(key, {
    ...{ video, bucket: 'uploads', key: 'uploads/x', etag: 'e', size: 5 },
    uploadedAt,
  });
  return announced(key, uploadedAt);
}

test.each(Array.from({ length: CALLS }, (_, number) => [number]))(
  'whoever tells of an event may fail in its call %i: told again, it has the same id and reaches everyone',
  async (failing) => {
    const known = [
      await endpoints.create('https://one.example/'),
      await endpoints.create('https://two.example/'),
    ];
    const announcement = await claimed();
    let calls = 0;
    for (const Client of [S3Client, SQSClient, EventBridgeClient]) {
      const send = Client.prototype.send;
      jest.spyOn(Client.prototype, 'send').mockImplementation(function (this: unknown, ...args: unknown[]) {
        if (calls++ === failing) return Promise.reject(new Error('killed'));
        return Reflect.apply(send, this, args);
      });
    }
    expect(await handle(announcement)).toBe(false);
    expect(await handle(announcement, 2)).toBe(true);
    expect(new Set(sent().map(({ event }) => event.id)).size).toBe(1);
    expect(new Set(sent().map(({ endpoint }) => endpoint))).toEqual(new Set(known.map(({ id }) => id)));
    expect(eventBridge.commandCalls(PutEventsCommand).length).toBeGreaterThan(0);
    const before = sent().length;
    expect(await handle(announcement, 3)).toBe(true);
    expect(sent()).toHaveLength(before); // it is recorded, and told no more
  },
);

test('an endpoint that can not be read keeps no other one from hearing', async () => {
  const { id } = await endpoints.create('https://one.example/');
  await uploads.put(webhookKeys.endpoint('000000000000'), '{', { contentType: 'application/json' });
  expect(await handle(await claimed())).toBe(true);
  expect(sent().map(({ endpoint }) => endpoint)).toEqual([id]);
});

test('an event that EventBridge does not take comes again', async () => {
  eventBridge
    .on(PutEventsCommand)
    .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });
  expect(await handle(await claimed())).toBe(false);
});

describe('the trace of an encode that has ended', () => {
  const revision = '000000000000' as Revision; // of its form
  const at = '2030-01-02T03:05:05.000Z';

  /** S3's announcement that an encode failed. */
  async function failed(): Promise<object> {
    await claimed();
    await uploads.putJson(jobKeys.request(video, 1), { revision, requestedAt: '2030-01-02T03:04:06.000Z' });
    await uploads.putJson(jobKeys.failed(video, revision), { code: 'gave-up', message: 'No luck.', at });
    return announced(jobKeys.failed(video, revision), at);
  }
  const sentToXray = () =>
    xray.commandCalls(PutTraceSegmentsCommand).map(({ args }) => args[0].input.TraceSegmentDocuments);

  test('goes to X-Ray after everyone was told, the same when it is told again', async () => {
    await endpoints.create('https://one.example/');
    const announcement = await failed();
    expect(await handle(announcement)).toBe(true);
    for (const key of [...objects.keys()]) if (key.includes('/events/')) objects.delete(key);
    expect(await handle(announcement)).toBe(true);
    const [first, second] = sentToXray();
    expect(first).toHaveLength(3); // the whole, the wait for dispatch, and that for a machine
    expect(second).toEqual(first);
  });

  test('is nobody’s harm where X-Ray does not take it', async () => {
    await endpoints.create('https://one.example/');
    xray.on(PutTraceSegmentsCommand).rejects(new Error('ThrottledException'));
    const announcement = await failed();
    expect(await handle(announcement)).toBe(true);
    expect(await handle(announcement, 2)).toBe(true);
    expect(sent()).toHaveLength(1);
    expect(logged()).toContainEqual(expect.objectContaining({ event: 'trace-not-sent', level: 'warn' }));
  });

  test('is not sent when a video is only created', async () => {
    expect(await handle(await claimed())).toBe(true);
    expect(sentToXray()).toEqual([]);
  });
});

describe('a delivery', () => {
  /** To an endpoint that can not be reached: its address is none of the public Internet. */
  async function delivery() {
    const endpoint = await endpoints.create('https://127.0.0.1/');
    const event: Event = {
      id: eventIdOf('webhook.test'),
      type: 'webhook.test',
      timestamp: '2030-01-01T00:00:00Z',
      data: { endpoint: endpoint.id },
    };
    return { ...endpoint, message: { deliver: { endpoint: endpoint.id, event } }, event };
  }

  test('comes back by the schedule, each wait up to a tenth longer, and is kept after the last', async () => {
    const { id, message, event } = await delivery();
    for (const [index, seconds] of WEBHOOK_RETRY_SECONDS.entries()) {
      expect(await handle(message, index + 1)).toBe(false);
      expect(hidden().at(-1)).toBeGreaterThanOrEqual(seconds);
      expect(hidden().at(-1)).toBeLessThanOrEqual(Math.ceil(seconds * 1.1));
    }
    expect(objects.has(`uploads/${webhookKeys.undeliveredEvent(id, event.id)}`)).toBe(false);
    expect(await handle(message, LAST)).toBe(true);
    expect(objects.has(`uploads/${webhookKeys.undeliveredEvent(id, event.id)}`)).toBe(true);
  });

  test('is kept after the last try, whatever was in the way', async () => {
    const { id, message, event } = await delivery();
    ssm.on(GetParameterCommand).rejects(new Error('Rate exceeded'));
    expect(await handle(message)).toBe(false);
    expect(await handle(message, LAST)).toBe(true);
    const kept = objects.get(`uploads/${webhookKeys.undeliveredEvent(id, event.id)}`);
    expect(kept).toContain('The platform failed');
    expect(kept).not.toContain('Rate exceeded');
  });

  /** What a video's events say of it, given up at once. */
  async function gaveUp(event: Event) {
    const { id } = await endpoints.create('https://127.0.0.1/');
    expect(await handle({ deliver: { endpoint: id, event } }, LAST)).toBe(true);
    return [...objects.keys()].filter((key) => key.startsWith(`uploads/${webhookKeys.undelivered(id)}`));
  }
  const at = '2030-01-01T00:00:00.000Z';
  const created: Event = {
    id: eventIdOf('video.created', video),
    type: 'video.created',
    timestamp: at,
    data: { id: video, title: 'Ours', metadata: {}, uploadedAt: at, sourceBytes: 5 },
  };
  const deleted: Event = {
    id: eventIdOf('video.deleted', video),
    type: 'video.deleted',
    timestamp: at,
    data: { id: video },
  };

  test('of what describes a video is kept where the deletion of that finds it', async () => {
    const [kept] = await gaveUp(created);
    expect(kept).toMatch(new RegExp(`^uploads/webhooks/undelivered/[0-9a-f]{12}/${video}/`));
  });

  test('of what describes a video that is deleted is given up and not kept; of its deletion it is', async () => {
    await uploads.putJson(deletedKey(video), { at, busy: false, uploadedAt: at });
    expect(await gaveUp(created)).toEqual([]);
    expect(logged()).toContainEqual(expect.objectContaining({ event: 'webhook-dropped' }));
    const [kept] = await gaveUp(deleted);
    expect(kept).toContain(deleted.id);
    expect(kept).not.toContain(video);
  });

  test('of many reads the secrets of its endpoint once a minute', async () => {
    const { id } = await delivery();
    const reads = () => ssm.commandCalls(GetParameterCommand).length;
    await Promise.all(Array.from({ length: 50 }, () => endpoints.secrets(id)));
    expect(reads()).toBe(1);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
    await endpoints.secrets(id);
    expect(reads()).toBe(2);
  });

  test('waits about a day in all, never longer than SQS can hide it, and is no dead letter before its last try', () => {
    const total = WEBHOOK_RETRY_SECONDS.reduce((sum, seconds) => sum + seconds, 0);
    expect(total * 1000).toBeGreaterThan(DAY);
    expect(total * 1000).toBeLessThan(1.5 * DAY);
    expect(Math.max(...WEBHOOK_RETRY_SECONDS) * 1.1).toBeLessThan(12 * 3600);
    expect(QUEUES.events.maxReceiveCount).toBe(WEBHOOK_RETRY_SECONDS.length + 1);
  });

  test.each([
    [4, false],
    [6, true],
  ])('that is given up after %i days of failures disables its endpoint: %p', async (days, disabled) => {
    const { id, message } = await delivery();
    await handle(message);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + days * DAY);
    await handle(message, LAST);
    expect((await endpoints.read(id))?.disabled !== undefined).toBe(disabled);
  });

  test('to a disabled endpoint is kept at once', async () => {
    const { id, message, event } = await delivery();
    await endpoints.disable(id, 'It answered 410');
    expect(await handle(message)).toBe(true);
    expect(objects.has(`uploads/${webhookKeys.undeliveredEvent(id, event.id)}`)).toBe(true);
    expect(await handle(await claimed())).toBe(true);
    expect(sent()).toEqual([]);
  });
});

test('a secret that was replaced signs for another day', async () => {
  const { id } = await endpoints.create('https://one.example/');
  const kept = () => String(ssm.commandCalls(PutParameterCommand).at(-1)?.args[0].input.Value);
  const fresh = await endpoints.rotate(id);
  ssm.on(GetParameterCommand).callsFake(() => ({ Parameter: { Value: kept() } }));
  expect(await endpoints.secrets(id)).toEqual([fresh, 'whsec_c2VjcmV0']);
  jest.useFakeTimers({ now: Date.now() + DAY + 1000 });
  expect(await endpoints.secrets(id)).toEqual([fresh]);
  jest.useRealTimers();
});
