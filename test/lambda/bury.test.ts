/** bury: dead letters become another try where nobody was at fault, else videos that failed with a reason. */
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { type Attempt, listAttempts, recordAttempt } from '../../jobs/attempts.ts';
import type { Task } from '../../jobs/messages.ts';
import { jobKeys, newVideoId, revisionOf, sourceKey, videoKeys } from '../../jobs/names.ts';
import { markOpen } from '../../jobs/open.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { requestedRevision } from '../../jobs/requests.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { FAILURES } from '../../video/failures.ts';
import type { Receipt } from '../../video/receipt.ts';
import { valuesOf } from '../support/emitted.ts';
import { lambdaContext } from '../support/lambda.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { s3Error } from '../support/s3-objects.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

Object.assign(process.env, {
  PLATFORM: 'demo',
  UPLOAD_BUCKET: 'uploads',
  PRODUCTION_BUCKET: 'production',
  TASKS_QUEUE_URL: 'http://127.0.0.1/tasks',
  LIVE_TOPICS: 'spotreel/demo',
});
const { handler } = await import('../../lambda/bury.ts');

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const iot = mockClient(IoTDataPlaneClient);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
let logged: ReturnType<typeof captureLog>;

beforeEach(() => {
  for (const mock of [s3, sqs, iot]) mock.reset();
  objects.clear();
  objects.set(`uploads/${jobKeys.claim(video)}`, '{}'); // that it is there is all that bury asks
  serveS3(s3, objects);
  sqs.on(SendMessageBatchCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Calls the handler with one letter a body; ids are m1, m2, ... */
function bury(...bodies: unknown[]) {
  const Records = bodies.map((body, index) => ({
    messageId: `m${index + 1}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }));
  // Of an SQS record the handler reads these two members.
  return handler({ Records } as unknown as SQSEvent, lambdaContext());
}

const video = newVideoId();
const revision = revisionOf({ etag: 'e1', size: 5 }, {});
const TASK = { kind: 'chunk', video, revision, index: 3 } satisfies Task;
const ALL_WELL = { batchItemFailures: [] };
const failedKey = `uploads/${jobKeys.failed(video, revision)}`;
const failure = (key = failedKey) => JSON.parse(objects.get(key) ?? 'null');
/** What the log says of the encode that was given up. */
const gaveUp = () => logged().find(({ event }) => event === 'gave-up');
const sent = () =>
  sqs
    .commandCalls(SendMessageBatchCommand)
    .flatMap(({ args }) => args[0].input.Entries ?? [])
    .map(({ MessageBody = '' }) => JSON.parse(MessageBody));
/** Keeps attempts in the order given: each with its error, or interrupted. */
async function tried(...outcomes: string[]): Promise<void> {
  for (const [index, outcome] of outcomes.entries()) {
    const end: Pick<Attempt, 'outcome' | 'error'> =
      outcome === 'interrupted' ? { outcome } : { outcome: 'failed', error: outcome };
    const at = new Date(Date.UTC(2030, 0, 1, 0, index)).toISOString();
    await recordAttempt(uploads, TASK, { at, instance: 'i-1', receiveCount: index + 1, ...end });
  }
}

describe('a task that failed each time', () => {
  test('ends its video; the last error is logged, and not published', async () => {
    await tried('ffmpeg ended with code 1', 'S3 was slow', 'ffmpeg was ended by SIGSEGV');
    expect(await bury(TASK)).toEqual(ALL_WELL);
    expect(failure()).toEqual({
      code: 'gave-up',
      message: FAILURES['gave-up'],
      at: expect.any(String),
    });
    expect(gaveUp()).toMatchObject({ error: 'ffmpeg was ended by SIGSEGV' });
    expect(sent()).toEqual([]);
  });

  test('without a word ends its video with the likely reason', async () => {
    await bury(TASK);
    expect(failure()).toMatchObject({ code: 'gave-up', message: expect.stringContaining('memory') });
  });

  test.each([
    ['2030-01-01T00:00:00Z', { error: 'S3 was slow' }],
    ['2030-01-01T00:02:00Z', { words: expect.stringContaining('lost without a word') }],
  ])('ends it for the last error since %s, when it was asked for: %j', async (since, reason) => {
    await tried('ffmpeg ended with code 1', 'S3 was slow');
    await markOpen(uploads, TASK, new Date(since));
    await bury(TASK);
    expect(failure()).toMatchObject({ code: 'gave-up' });
    expect(gaveUp()).toMatchObject(reason);
  });

  test('is not excused by a hand-back before somebody asked for its video again', async () => {
    await tried('interrupted');
    await markOpen(uploads, TASK, new Date('2031-01-01'));
    await bury(TASK);
    expect(failure()).toMatchObject({ code: 'gave-up' });
    expect(sent()).toEqual([]);
  });

  test('is not excused by attempts of another task', async () => {
    await recordAttempt(
      uploads,
      { ...TASK, index: 4 },
      { at: '2030-01-01T00:00:00.000Z', instance: 'i-1', receiveCount: 1, outcome: 'interrupted' },
    );
    await bury(TASK);
    expect(failure()).toMatchObject({ code: 'gave-up' });
  });
});

describe('a task that a video can do without', () => {
  const plan = {
    ...tinyPlan(revision),
    thumbnailWidths: [320],
    text: [
      {
        stream: 2,
        codec: 'subrip',
        language: 'en',
        name: 'English',
        forced: false,
        default: false,
        sdh: false,
      },
    ],
  };
  const empty = (task: string): Receipt => ({ ...(tinyReceipts()[0] as Receipt), task, objects: [] }); // there are three
  const receipt = (task: string) =>
    JSON.parse(objects.get(`uploads/${jobKeys.receipts(video, revision)}${task}.json`) ?? 'null');

  test.each([
    ['stills', 'no-pictures', 'publish'],
    ['text', 'broken-subtitles', 'stills'],
  ] as const)('(%s) leaves the finding %s, and the video goes on with %s', async (kind, code, next) => {
    await uploads.putOnceJson(jobKeys.plan(video, revision), plan);
    for (const one of tinyReceipts()) await writeReceipt(uploads, TASK, one);
    if (kind === 'stills') await writeReceipt(uploads, TASK, empty('text'));
    expect(await bury({ kind, video, revision })).toEqual(ALL_WELL);
    expect(failure()).toBeNull();
    expect(receipt(kind)).toMatchObject({ files: [], findings: [{ code }] });
    // The error itself may name accounts and addresses, and findings are published.
    expect(JSON.stringify(receipt(kind))).not.toContain('memory');
    expect(sent()).toEqual([{ kind: next, video, revision }]);
  });

  test('goes on without a download though it plays, and is published once more to say so', async () => {
    await uploads.putOnceJson(jobKeys.plan(video, revision), { ...tinyPlan(revision), download: '360p' });
    for (const one of tinyReceipts()) await writeReceipt(uploads, TASK, one);
    objects.set(`production/${videoKeys.master(video)}`, `#EXTM3U\n${revision}/1080p/index.m3u8\n`);
    expect(await bury({ kind: 'download', video, revision })).toEqual(ALL_WELL);
    expect(failure()).toBeNull();
    expect(receipt('download')).toMatchObject({ files: [], findings: [{ code: 'no-download' }] });
    expect(sent()).toEqual([{ kind: 'publish', video, revision }]);
  });

  test('is tried again where it was only handed back', async () => {
    await uploads.putOnceJson(jobKeys.plan(video, revision), plan);
    const at = '2030-01-01T00:00:00.000Z';
    const task = { kind: 'stills', video, revision } as const;
    await recordAttempt(uploads, task, { at, instance: 'i-1', receiveCount: 1, outcome: 'interrupted' });
    await bury(task);
    expect(sent()).toEqual([task]);
    expect(receipt('stills')).toBeNull();
  });
});

describe('a task that was handed back', () => {
  test('is sent again, and that it was handed back is forgotten; its errors are not', async () => {
    await tried('interrupted', 'S3 was slow', 'interrupted');
    expect(await bury(TASK)).toEqual(ALL_WELL);
    expect(sent()).toEqual([TASK]);
    expect(failure()).toBeNull();
    expect(await listAttempts(uploads, TASK)).toMatchObject([{ outcome: 'failed', error: 'S3 was slow' }]);
  });

  test('and then dies again without another hand-back ends its video: three losses are three losses', async () => {
    await tried('interrupted', 'S3 was slow');
    await bury(TASK);
    await bury(TASK);
    expect(sent()).toEqual([TASK]);
    expect(gaveUp()).toMatchObject({ error: 'S3 was slow' });
  });

  test('is not forgotten to have been where it could not be sent: the letter comes back', async () => {
    await tried('interrupted');
    sqs.on(SendMessageBatchCommand).rejects(new Error('no queue'));
    expect(await bury(TASK)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(await listAttempts(uploads, TASK)).toHaveLength(1);
  });

  test('is sent again where the deletion fails: the letter comes back', async () => {
    await tried('interrupted');
    s3.on(DeleteObjectCommand).rejects(s3Error(503, 'SlowDown'));
    expect(await bury(TASK)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(sent()).toEqual([TASK]);
  });
});

describe('a task that was done, though its message was never deleted,', () => {
  const [audio, first, last] = tinyReceipts();
  const dead: Task = { ...TASK, index: 1 };
  const plan = () => uploads.putOnceJson(jobKeys.plan(video, revision), tinyPlan(revision));
  const done = async (...receipts: (Receipt | undefined)[]) => {
    for (const receipt of receipts) if (receipt) await writeReceipt(uploads, TASK, receipt);
  };

  test('is dropped: its video goes on', async () => {
    await plan();
    await done(last);
    expect(await bury(dead)).toEqual(ALL_WELL);
    expect(failure()).toBeNull();
    expect(sent()).toEqual([]);
  });

  test('has its video published where it was the last: its worker may have been lost before it said so', async () => {
    await plan();
    await done(audio, first, last);
    expect(await bury(dead)).toEqual(ALL_WELL);
    expect(failure()).toBeNull();
    expect(sent()).toEqual([{ kind: 'publish', video, revision }]);
  });

  test('has what is planned made where it was the plan: its worker may have been lost before it queued that', async () => {
    await plan();
    await done(audio, first);
    expect(await bury({ kind: 'plan', video, revision })).toEqual(ALL_WELL);
    expect(failure()).toBeNull();
    expect(sent()).toEqual([dead]);
  });

  test('ends its video nevertheless where only others are done', async () => {
    await plan();
    await done(audio, first);
    await bury(dead);
    expect(failure()).toMatchObject({ code: 'gave-up' });
  });

  test('comes back where what follows could not be queued', async () => {
    await plan();
    await done(audio, first, last);
    sqs.on(SendMessageBatchCommand).rejects(new Error('no queue'));
    expect(await bury(dead)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(failure()).toBeNull();
  });
});

test('publish that never succeeds ends its video, though all its media are there', async () => {
  await uploads.putOnceJson(jobKeys.plan(video, revision), tinyPlan(revision));
  for (const receipt of tinyReceipts()) await writeReceipt(uploads, TASK, receipt);
  await bury({ kind: 'publish', video, revision });
  expect(failure()).toMatchObject({ code: 'gave-up' });
  expect(sent()).toEqual([]);
});

describe('a task of a video', () => {
  const plays = (other: string) =>
    objects.set(`production/${videoKeys.master(video)}`, `#EXTM3U\n${other}/1080p/index.m3u8\n`);

  test.each([
    ['was handed back', ['interrupted']],
    ['was lost', []],
  ])('that plays is dropped, though it %s', async (_, outcomes) => {
    plays(revision);
    await tried(...outcomes);
    expect(await bury(TASK)).toEqual(ALL_WELL);
    expect(failure()).toBeNull();
    expect(sent()).toEqual([]);
  });

  test('that plays in another revision ends its own', async () => {
    plays(revisionOf({ etag: 'e1', size: 5 }, 'others'));
    await bury(TASK);
    expect(failure()).toMatchObject({ code: 'gave-up' });
  });

  test('that has failed is dropped, and the first reason stays', async () => {
    objects.set(failedKey, '{"code":"empty","message":"first"}');
    await tried('interrupted');
    expect(await bury(TASK)).toEqual(ALL_WELL);
    expect(failure()).toMatchObject({ code: 'empty' });
    expect(sent()).toEqual([]);
  });
});

describe('what was never dispatched', () => {
  beforeEach(() => void objects.delete(`uploads/${jobKeys.claim(video)}`));
  const event = (key: string, eTag = 'e1', bucket = 'uploads') => ({
    Records: [
      {
        eventName: 'ObjectCreated:Put',
        eventTime: '2030-01-02T03:04:05.000Z',
        s3: { bucket: { name: bucket }, object: { key, size: 5, eTag } },
      },
    ],
  });
  /** Keys of the failures that there are. */
  const failures = () => [...objects.keys()].filter((key) => key.endsWith('/failed.json'));

  test.each([
    ['no claim', undefined],
    [
      'its claim',
      {
        video,
        bucket: 'uploads',
        key: sourceKey(video),
        etag: 'e1',
        size: 5,
        uploadedAt: '2030-01-02T03:04:05Z',
      },
    ],
  ])('is a failed video where it is an upload that left %s', async (_, claim) => {
    if (claim) objects.set(`uploads/${jobKeys.claim(video)}`, JSON.stringify(claim));
    expect(await bury(event(sourceKey(video)))).toEqual(ALL_WELL);
    expect(JSON.parse(objects.get(`uploads/${jobKeys.claim(video)}`) ?? '')).toMatchObject({ etag: 'e1' });
    const asked = await requestedRevision(uploads, video);
    expect(failures()).toEqual([`uploads/${asked && jobKeys.failed(video, asked)}`]);
    expect(failure(failures()[0])).toMatchObject({
      code: 'gave-up',
      message: expect.stringContaining('dispatch'),
    });
    expect(logged()).toContainEqual(expect.objectContaining({ level: 'error', event: 'not-dispatched' }));
  });

  test('is a failed video where it is an upload that the sweeper told of', async () => {
    const uploaded = {
      bucket: 'uploads',
      key: sourceKey(video),
      etag: 'e1',
      size: 5,
      time: '2030-01-02T03:04:05Z',
    };
    expect(await bury({ uploaded })).toEqual(ALL_WELL);
    expect(failure(failures()[0])).toMatchObject({ code: 'gave-up' });
  });

  test('leaves a video alone whose plan another copy of the event brought about', async () => {
    await bury(event(sourceKey(video)));
    const [failed = ''] = failures();
    objects.set(failed.replace('failed.json', 'plan.json'), '{}');
    objects.delete(failed);
    await bury(event(sourceKey(video)));
    expect(failures()).toEqual([]);
  });

  test('leaves a video alone whose id another source holds', async () => {
    await bury(event(sourceKey(video)));
    objects.delete(failures()[0] ?? '');
    await bury(event(sourceKey(video), 'e2'));
    expect(failures()).toEqual([]);
  });

  test.each([
    ['a plan', jobKeys.plan(video, revision), 'uploads'],
    ['a folder marker', 'uploads/2030/', 'uploads'],
    ["another bucket's object", sourceKey(video), 'strange'],
  ])('of %s is logged and ends nothing', async (_, key, bucket) => {
    const body = JSON.stringify(event(key, 'e1', bucket));
    expect(await bury(body)).toEqual(ALL_WELL);
    expect(objects.size).toBe(0);
    expect(logged()).toMatchObject([{ level: 'error', event: 'not-dispatched', body }]);
  });

  test.each([
    ['somebody asked for the rest of it', { requeue: { video, revision } }],
    ['a worker left it to newer code', { renew: { video, revision } }],
  ])('is a failed encode where %s', async (_, letter) => {
    objects.set(`uploads/${jobKeys.claim(video)}`, '{}');
    expect(await bury(letter)).toEqual(ALL_WELL);
    expect(failure()).toMatchObject({ code: 'gave-up', message: expect.stringContaining('dispatch') });
  });
});

test.each(['hello', '{"a":1}', '{"kind":"chunk"}'])(
  'a letter that nobody can read (%s) is kept in the log, whole, and nowhere else',
  async (body) => {
    expect(await bury(body)).toEqual(ALL_WELL);
    expect(logged()).toMatchObject([{ level: 'error', event: 'dead-letter-unreadable', body }]);
  },
);

test('a dead task of a deleted video is dropped', async () => {
  objects.clear();
  expect(await bury(TASK)).toEqual(ALL_WELL);
  expect(objects.size).toBe(0);
});

test('one letter that cannot be handled now comes back alone', async () => {
  await tried('interrupted');
  sqs.on(SendMessageBatchCommand).rejects(new Error('no queue'));
  const other = { kind: 'plan', video: newVideoId(), revision } satisfies Task;
  objects.set(`uploads/${jobKeys.claim(other.video)}`, '{}');
  expect(await bury(TASK, 'hello', other)).toEqual({
    batchItemFailures: [{ itemIdentifier: 'm1' }],
  });
  expect(failure(`uploads/${jobKeys.failed(other.video, revision)}`)).toMatchObject({ code: 'gave-up' });
});

describe('the alarm of dead letters', () => {
  test('hears of a task that was lost for the third time, and of a letter that nobody can read', async () => {
    await bury(TASK, 'hello');
    expect(valuesOf(logged(), 'DeadLetters')).toEqual([1, 1]);
  });

  test('hears of a letter that can not be handled now', async () => {
    await tried('interrupted');
    sqs.on(SendMessageBatchCommand).rejects(new Error('no queue'));
    await bury(TASK);
    expect(valuesOf(logged(), 'DeadLetters')).toEqual([1]);
  });

  test('hears nothing of a task that is just sent again', async () => {
    await tried('interrupted');
    await bury(TASK);
    expect(valuesOf(logged(), 'DeadLetters')).toEqual([]);
  });
});
