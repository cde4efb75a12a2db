/** dispatch: from S3 events to claims, machines and plan tasks. */

import {
  CreateFleetCommand,
  DescribeInstancesCommand,
  DescribeSpotPriceHistoryCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { claimVideo } from '../../jobs/claim.ts';
import { jobKeys, newVideoId, revisionOf, sourceKey, videoIdOf } from '../../jobs/names.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { encodeSettingsSchema, RECIPE_VERSION } from '../../video/settings.ts';
import { valuesOf } from '../support/emitted.ts';
import { CAPACITY_SETTINGS, launched, refused, running } from '../support/fleet.ts';
import { lambdaContext } from '../support/lambda.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { askedOf, OLDER } from '../support/recipes.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

Object.assign(process.env, {
  UPLOAD_BUCKET: 'uploads-bucket',
  TASKS_QUEUE_URL: 'http://127.0.0.1/tasks',
  LIVE_TOPICS: 'spotreel/demo',
  PLATFORM: 'demo',
  LAUNCH_TEMPLATES: JSON.stringify(CAPACITY_SETTINGS.launchTemplates),
  SUBNET_IDS: 'subnet-a,subnet-b',
  ENCODE_SETTINGS: '{"preset":"fast"}',
  MAX_VCPUS: '8',
  MAX_ON_DEMAND_VCPUS: '0',
  TARGET_SECONDS: '100',
});
const { handler } = await import('../../lambda/dispatch.ts');

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const iot = mockClient(IoTDataPlaneClient);
const ec2 = mockClient(EC2Client);

const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads-bucket');
/** The name of an object of the upload bucket. */
const uploaded = (key: string) => `uploads-bucket/${key}`;
let logged: ReturnType<typeof captureLog>;

beforeEach(() => {
  for (const mock of [s3, sqs, ec2, iot]) mock.reset();
  objects.clear();
  serveS3(s3, objects);
  sqs.on(SendMessageBatchCommand).resolves({});
  sqs.on(GetQueueAttributesCommand).resolves({});
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeSpotPriceHistoryCommand).resolves({});
  ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

interface Created {
  readonly key: string;
  readonly eTag?: string;
  readonly size?: number;
  readonly bucket?: string;
}

/** An S3 event as S3 writes it. */
const s3Event = (...created: Created[]) =>
  JSON.stringify({
    Records: created.map(({ key, eTag = 'e1', size = 5, bucket = 'uploads-bucket' }) => ({
      eventName: 'ObjectCreated:Put',
      eventTime: '2026-01-02T03:04:05.000Z',
      s3: { bucket: { name: bucket }, object: { key, size, eTag } },
    })),
  });

/** Calls the handler with one message a body; ids are m1, m2, ... */
function dispatch(...bodies: string[]) {
  const Records = bodies.map((body, index) => ({
    messageId: `m${index + 1}`,
    body,
    attributes: { ApproximateReceiveCount: '1' },
  }));
  // Of an SQS record the handler reads these three members.
  return handler({ Records } as unknown as SQSEvent, lambdaContext());
}

const ALL_WELL = { batchItemFailures: [] };
const failing = (...ids: string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});
const tasks = () =>
  sqs
    .commandCalls(SendMessageBatchCommand)
    .flatMap(({ args }) => args[0].input.Entries ?? [])
    .map(({ MessageBody = '' }) => JSON.parse(MessageBody));
const askedVcpus = () =>
  ec2
    .commandCalls(CreateFleetCommand)
    .map(({ args }) => args[0].input.TargetCapacitySpecification?.TotalTargetCapacity);
const events = () => logged().map(({ event }) => event);
const id = newVideoId();
/** Of an upload of the size and ETag below, with the platform's settings. */
const revision = revisionOf(
  { etag: 'e1', size: 5 },
  { recipe: RECIPE_VERSION, settings: encodeSettingsSchema.parse({ preset: 'fast' }) },
);
const derived = (key: string) => videoIdOf({ bucket: 'uploads-bucket', key, etag: 'e1' });

describe('an uploaded source', () => {
  test('is claimed, gets one machine, and its plan task', async () => {
    expect(await dispatch(s3Event({ key: sourceKey(id) }))).toEqual(ALL_WELL);
    expect(JSON.parse(objects.get(uploaded(jobKeys.claim(id))) ?? '')).toMatchObject({
      video: id,
      key: sourceKey(id),
    });
    expect(askedVcpus()).toEqual([2]);
    expect(tasks()).toEqual([{ kind: 'plan', video: id, revision }]);
  });

  test.each([
    ['a space', 'uploads/my+movie.mp4', 'uploads/my movie.mp4'],
    ['a plus', 'uploads/1%2B1.mp4', 'uploads/1+1.mp4'],
    ['an ampersand, an umlaut and an emoji', 'uploads/K%C3%B6ln%26%F0%9F%90%88.mp4', 'uploads/Köln&🐈.mp4'],
  ])('with %s in its key is claimed under its real key', async (_, encoded, key) => {
    await dispatch(s3Event({ key: encoded }));
    expect(JSON.parse(objects.get(uploaded(jobKeys.claim(derived(key)))) ?? '')).toMatchObject({ key });
  });

  test('of no bytes is claimed and planned as any other: the plan says what is wrong', async () => {
    await dispatch(s3Event({ key: sourceKey(id), size: 0 }));
    expect(tasks()).toMatchObject([{ kind: 'plan', video: id }]);
  });

  test('whose event comes twice gets its plan task again while it has no plan: the first may be lost', async () => {
    await dispatch(s3Event({ key: sourceKey(id) }));
    const claim = objects.get(uploaded(jobKeys.claim(id)));
    await dispatch(s3Event({ key: sourceKey(id) }));
    expect(tasks()).toHaveLength(2);
    expect(objects.get(uploaded(jobKeys.claim(id)))).toBe(claim);
  });

  test.each([
    ['has a plan', jobKeys.plan(id, revision)],
    ['has failed', jobKeys.failed(id, revision)],
  ])('whose event comes again when it %s costs nothing', async (_, key) => {
    await dispatch(s3Event({ key: sourceKey(id) }));
    for (const mock of [sqs, ec2]) mock.resetHistory();
    objects.set(uploaded(key), '{}');
    expect(await dispatch(s3Event({ key: sourceKey(id) }))).toEqual(ALL_WELL);
    expect(tasks()).toEqual([]);
    expect(askedVcpus()).toEqual([]);
  });

  test('that other content came before under the same id is ignored and logged', async () => {
    await dispatch(s3Event({ key: sourceKey(id) }));
    sqs.resetHistory();
    expect(await dispatch(s3Event({ key: sourceKey(id), eTag: 'e2' }))).toEqual(ALL_WELL);
    expect(tasks()).toEqual([]);
    expect(JSON.parse(objects.get(uploaded(jobKeys.claim(id))) ?? '')).toMatchObject({ etag: 'e1' });
    expect(logged()).toContainEqual(
      expect.objectContaining({ level: 'warn', event: 'claim-taken', video: id }),
    );
  });

  test('that gets no machine queues no task: its message comes back', async () => {
    ec2.on(CreateFleetCommand).resolves(refused('InsufficientInstanceCapacity'));
    expect(await dispatch(s3Event({ key: sourceKey(id) }))).toEqual(failing('m1'));
    expect(tasks()).toEqual([]);
  });
});

describe('a plan', () => {
  const plan = (chunks: number, audio: number, secondsEach = 100) =>
    objects.set(
      uploaded(jobKeys.plan(id, revision)),
      JSON.stringify({
        chunks: Array(chunks).fill({}),
        audio: Array(audio).fill({}),
        workSeconds: (chunks + audio) * secondsEach,
        more: true,
      }),
    );

  test('asks for what its work needs to be done in time', async () => {
    plan(100, 0, 6);
    await dispatch(s3Event({ key: jobKeys.plan(id, revision) }));
    expect(askedVcpus()[0]).toBe(6);
  });

  test('asks for a vCPU a task where each takes all the time, and queues nothing', async () => {
    plan(3, 1);
    expect(await dispatch(s3Event({ key: jobKeys.plan(id, revision) }))).toEqual(ALL_WELL);
    expect(askedVcpus()[0]).toBe(4);
    expect(tasks()).toEqual([]);
  });

  test.each([
    ['of all states, where that is more', { visible: 3, inFlight: 2, delayed: 1 }, 6],
    ['not beside the plan, whose tasks are in it', { visible: 4, inFlight: 0, delayed: 0 }, 4],
  ])('counts the backlog %s', async (_, { visible, inFlight, delayed }, asked) => {
    plan(3, 1);
    sqs.on(GetQueueAttributesCommand).resolves({
      Attributes: {
        ApproximateNumberOfMessages: String(visible),
        ApproximateNumberOfMessagesNotVisible: String(inFlight),
        ApproximateNumberOfMessagesDelayed: String(delayed),
      },
    });
    await dispatch(s3Event({ key: jobKeys.plan(id, revision) }));
    expect(askedVcpus()[0]).toBe(asked);
  });

  test('of any length asks for no more than maxVcpus', async () => {
    plan(1000, 1);
    await dispatch(s3Event({ key: jobKeys.plan(id, revision) }));
    expect(askedVcpus()[0]).toBeLessThanOrEqual(8);
  });

  test('counts the machines that run', async () => {
    plan(3, 1);
    ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
    await dispatch(s3Event({ key: jobKeys.plan(id, revision) }));
    expect(askedVcpus()).toEqual([2]);
  });

  test('that is gone asks for nothing', async () => {
    expect(await dispatch(s3Event({ key: jobKeys.plan(id, revision) }))).toEqual(ALL_WELL);
    expect(askedVcpus()).toEqual([]);
    expect(events()).toEqual(['plan-gone']);
  });

  test('that does not fit is an error that names it', async () => {
    objects.set(uploaded(jobKeys.plan(id, revision)), '{"chunks":[]}');
    expect(await dispatch(s3Event({ key: jobKeys.plan(id, revision) }))).toEqual(failing('m1'));
    expect(logged()).toMatchObject([
      {
        level: 'error',
        event: 'message-failed',
        messageId: 'm1',
        error: expect.stringContaining(jobKeys.plan(id, revision)),
      },
    ]);
    expect(valuesOf(logged(), 'FunctionErrors')).toEqual([1]);
  });
});

test('an encode that older code was asked for gets its plan task anew, once', async () => {
  const { claim } = await claimVideo(uploads, {
    ...{ bucket: 'uploads-bucket', key: sourceKey(id), etag: 'e1', size: 5 },
    time: '2026-01-02T03:04:05Z',
  });
  const renew = await askedOf(OLDER, uploads, id, claim);
  for (let time = 0; time < 2; time++) expect(await dispatch(JSON.stringify({ renew }))).toEqual(ALL_WELL);
  expect(tasks()).toMatchObject([{ kind: 'plan', video: id }]);
  expect(tasks()[0].revision).not.toBe(renew.revision);
});

describe('a requeue', () => {
  const requeue = () => JSON.stringify({ requeue: { video: id, revision } });
  const store = (key: string, value: unknown) => objects.set(uploaded(key), JSON.stringify(value));
  const claim = { video: id, bucket: 'b', key: 'k', etag: 'e', size: 1, uploadedAt: '2026-01-02T03:04:05Z' };
  beforeEach(() => void store(jobKeys.claim(id), claim));

  test('of a deleted video is dropped', async () => {
    objects.delete(uploaded(jobKeys.claim(id)));
    expect(await dispatch(requeue())).toEqual(ALL_WELL);
    expect([tasks(), askedVcpus()]).toEqual([[], []]);
  });

  test('of an encode without a plan queues the plan, after there is a machine', async () => {
    expect(await dispatch(requeue())).toEqual(ALL_WELL);
    expect(askedVcpus()).toEqual([2]);
    expect(tasks()).toEqual([{ kind: 'plan', video: id, revision }]);
  });

  test('queues the media that have no receipt, and no others', async () => {
    store(jobKeys.plan(id, revision), tinyPlan(revision));
    for (const receipt of tinyReceipts().slice(0, 2))
      store(`jobs/${id}/${revision}/done/${receipt.task}.json`, receipt);
    expect(await dispatch(requeue())).toEqual(ALL_WELL);
    expect(tasks()).toEqual([{ kind: 'chunk', video: id, revision, index: 1 }]);
  });

  test('of an encode whose media are all there queues its publish', async () => {
    store(jobKeys.plan(id, revision), tinyPlan(revision));
    for (const receipt of tinyReceipts()) store(`jobs/${id}/${revision}/done/${receipt.task}.json`, receipt);
    expect(await dispatch(requeue())).toEqual(ALL_WELL);
    expect(tasks()).toEqual([{ kind: 'publish', video: id, revision }]);
  });

  test('of an encode that failed queues nothing', async () => {
    const failure = { code: 'empty', message: 'It is empty.', at: '2030-01-01T00:00:00Z' };
    store(jobKeys.failed(id, revision), failure);
    expect(await dispatch(requeue())).toEqual(ALL_WELL);
    expect(tasks()).toEqual([]);
    expect(askedVcpus()).toEqual([]);
  });

  test('that gets no machine queues nothing: it comes back', async () => {
    ec2.on(CreateFleetCommand).resolves(refused('InsufficientInstanceCapacity'));
    expect(await dispatch(requeue())).toEqual(failing('m1'));
    expect(tasks()).toEqual([]);
  });
});

test('a source that the sweeper tells of is handled as if S3 had', async () => {
  const time = '2026-01-02T03:04:05.000Z';
  const uploadedObject = { bucket: 'uploads-bucket', key: sourceKey(id), etag: 'e1', size: 5, time };
  expect(await dispatch(JSON.stringify({ uploaded: uploadedObject }))).toEqual(ALL_WELL);
  expect(tasks()).toEqual([{ kind: 'plan', video: id, revision }]);
});

describe('a video that was re-encoded', () => {
  test('is not planned by its first settings again when its upload event comes again', async () => {
    await dispatch(s3Event({ key: sourceKey(id) }));
    const later = revisionOf({ etag: 'e1', size: 5 }, { other: 'settings' });
    objects.set(
      uploaded(jobKeys.request(id, 2)),
      JSON.stringify({ revision: later, requestedAt: '2026-01-02T03:04:05.000Z' }),
    );
    sqs.resetHistory();
    await dispatch(s3Event({ key: sourceKey(id) }));
    expect(tasks()).toEqual([{ kind: 'plan', video: id, revision: later }]);
  });
});

describe('is ignored with a log line:', () => {
  test.each([
    ['a folder marker', { key: 'uploads/2026/' }],
    ["a plan's receipt", { key: `jobs/${id}/abcdef012345/done/plan.json` }],
    ['a plan of what is no video', { key: 'jobs/someone/abcdef012345/plan.json' }],
    ['a plan of no revision', { key: `jobs/${id}/plan.json` }],
    ['another key', { key: 'elsewhere/a.mp4' }],
    ["another bucket's object", { key: sourceKey(id), bucket: 'strange' }],
  ])('%s', async (_, created) => {
    expect(await dispatch(s3Event(created))).toEqual(ALL_WELL);
    expect(logged()).toMatchObject([{ level: 'info', event: 'object-ignored', key: created.key }]);
    for (const mock of [s3, sqs, ec2]) expect(mock.calls()).toHaveLength(0);
  });
});

test("S3's test event is no error", async () => {
  expect(await dispatch('{"Service":"Amazon S3","Event":"s3:TestEvent"}')).toEqual(ALL_WELL);
});

describe('in a batch', () => {
  const other = newVideoId();

  test.each([
    ['no JSON', 'hello'],
    ['no S3 event', '{"a":1}'],
    ['a key that is no URL encoding', s3Event({ key: 'uploads/%zz' })],
  ])('a message that is %s fails alone', async (_, body) => {
    expect(await dispatch(s3Event({ key: sourceKey(id) }), body, s3Event({ key: sourceKey(other) }))).toEqual(
      failing('m2'),
    );
    expect(tasks().map(({ video }) => video)).toEqual([id, other]);
  });

  test('EC2 is asked once for all, whatever they want', async () => {
    objects.set(
      uploaded(jobKeys.plan(id, revision)),
      JSON.stringify({ chunks: [1, 2, 3], audio: [], workSeconds: 300 }),
    );
    objects.set(
      uploaded(jobKeys.plan(other, revision)),
      JSON.stringify({ chunks: [1, 2], audio: [1], workSeconds: 300 }),
    );
    await dispatch(
      s3Event({ key: sourceKey(newVideoId()) }),
      s3Event({ key: jobKeys.plan(id, revision) }),
      s3Event({ key: jobKeys.plan(other, revision) }),
    );
    expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
    expect(askedVcpus()[0]).toBe(6);
    expect(tasks()).toHaveLength(1);
  });

  test('a launch that gets nothing brings back what wants a machine, and queues nothing of it', async () => {
    ec2.on(CreateFleetCommand).resolves(refused('RequestLimitExceeded'));
    const [source, ignored] = [s3Event({ key: sourceKey(id) }), s3Event({ key: 'jobs/other.json' })];
    expect(await dispatch(source, ignored, s3Event({ key: sourceKey(other) }))).toEqual(failing('m1', 'm3'));
    expect(ec2.commandCalls(CreateFleetCommand)).toHaveLength(1);
    expect(tasks()).toEqual([]);
  });

  test('many uploads share one machine', async () => {
    const keys = Array.from({ length: 10 }, () => sourceKey(newVideoId()));
    expect(await dispatch(...keys.map((key) => s3Event({ key })))).toEqual(ALL_WELL);
    expect(askedVcpus()).toEqual([2]);
    expect(tasks()).toHaveLength(10);
  });

  test('a message of several records is one request for all of them', async () => {
    objects.set(
      uploaded(jobKeys.plan(id, revision)),
      JSON.stringify({ chunks: [1, 2, 3], audio: [], workSeconds: 300 }),
    );
    objects.set(
      uploaded(jobKeys.plan(other, revision)),
      JSON.stringify({ chunks: [1, 2], audio: [1], workSeconds: 300 }),
    );
    await dispatch(s3Event({ key: jobKeys.plan(id, revision) }, { key: jobKeys.plan(other, revision) }));
    expect(askedVcpus()[0]).toBe(6);
  });

  test('a task that SQS does not take brings its message back', async () => {
    sqs.on(SendMessageBatchCommand).rejects(new Error('no queue'));
    expect(await dispatch(s3Event({ key: sourceKey(id) }))).toEqual(failing('m1'));
  });
});

test('an environment without a variable is refused when the function starts', async () => {
  const { dispatchEnvironmentSchema, parseEnvironment } = await import('../../jobs/environment.ts');
  const { MAX_VCPUS: _, ...rest } = process.env;
  expect(() => parseEnvironment(dispatchEnvironmentSchema, rest)).toThrow('MAX_VCPUS');
});
