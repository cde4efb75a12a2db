/** The worker's loop: what becomes of a task and its message, however the try ends. */
import { tmpdir, totalmem } from 'node:os';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { listAttempts } from '../../jobs/attempts.ts';
import type { Task } from '../../jobs/messages.ts';
import { jobKeys, newVideoId, revisionOf } from '../../jobs/names.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { encodeSettingsSchema, RECIPE_VERSION } from '../../video/settings.ts';
import { Memory } from '../../worker-scripts/memory.ts';
import { SourceProxy } from '../../worker-scripts/source-proxy.ts';
import { TaskLoop } from '../../worker-scripts/task-loop.ts';
import { SILENT } from '../support/live.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { NEWER, OLDER } from '../support/recipes.ts';
import { s3Error } from '../support/s3-objects.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
const video = newVideoId();
const revision = revisionOf({ etag: 'e', size: 5 }, {});
const TASK: Task = { kind: 'plan', video, revision };

let proxy: SourceProxy;
let logged: ReturnType<typeof captureLog>;

beforeEach(async () => {
  for (const mock of [s3, sqs]) mock.reset();
  objects.clear();
  serveS3(s3, objects);
  claim(5);
  sqs.on(DeleteMessageCommand).resolves({});
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
  sqs.on(SendMessageCommand).resolves({});
  sqs.on(SendMessageBatchCommand).resolves({});
  proxy = await SourceProxy.start(new S3Client({}));
  logged = captureLog();
  hanging = Promise.withResolvers();
  hanging.promise.catch(() => {});
});
afterEach(() => {
  proxy.close();
  jest.restoreAllMocks();
});

/** A loop whose queue holds one message, received for the so-manieth time. */
function loopWith(task: Task, receiveCount = 1, idleSeconds = 0.05): TaskLoop {
  let left = [
    {
      Body: JSON.stringify(task),
      ReceiptHandle: 'receipt',
      Attributes: { ApproximateReceiveCount: String(receiveCount) },
    },
  ];
  sqs.on(ReceiveMessageCommand).callsFake(async () => {
    const Messages = left;
    left = [];
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { Messages };
  });
  const context = {
    ...SILENT,
    uploads,
    production: new ObjectStore(new S3Client({}), 'production'),
    sqs: new SQSClient({}),
    uploadsQueueUrl: 'http://127.0.0.1/uploads',
    tasksQueueUrl: 'http://127.0.0.1/tasks',
    proxy,
    scratchDir: tmpdir(),
    memory: new Memory(totalmem()),
    worker: 'i-1',
    price: { usdPerVcpuHour: 0.02, from: 'spot' as const },
  };
  return new TaskLoop(context, { slots: 1, idleSeconds });
}

/** A source of so many bytes, and the settings of its revision. @param recipe of the code that was asked */
function claim(size: number, recipe = RECIPE_VERSION): void {
  const put = (key: string, value: object) => objects.set(`uploads/${key}`, JSON.stringify(value));
  put(jobKeys.claim(video), { video, bucket: 'uploads', key: 'k', etag: 'e', size, uploadedAt: 'now' });
  put(jobKeys.settings(video, revision), {
    recipe,
    settings: encodeSettingsSchema.parse({}),
  });
}
const failure = () => JSON.parse(objects.get(`uploads/${jobKeys.failed(video, revision)}`) ?? '{}');
const visibilities = () =>
  sqs.commandCalls(ChangeMessageVisibilityCommand).map(({ args }) => args[0].input.VisibilityTimeout);
const deletions = () => sqs.commandCalls(DeleteMessageCommand).length;
const events = () => logged().map(({ event }) => event);
/** Answers that do not come before the test is over, and then are refusals. */
let hanging: PromiseWithResolvers<never>;
const s3Hangs = () => s3.on(GetObjectCommand, { Key: jobKeys.claim(video) }).callsFake(() => hanging.promise);
async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a try that fails for a reason that may pass', () => {
  beforeEach(() => {
    s3.on(GetObjectCommand).rejects(s3Error(503, 'SlowDown'));
  });

  test.each([
    [1, 2],
    [2, 15],
    [3, 0],
  ])(
    'for time %i is recorded with its error, and its message comes back after %i s',
    async (count, seconds) => {
      await loopWith(TASK, count).run();
      serveS3(s3, objects);
      expect(await listAttempts(uploads, TASK)).toMatchObject([
        {
          startedAt: expect.stringMatching(/Z$/),
          instance: 'i-1',
          receiveCount: count,
          outcome: 'failed',
          error: expect.stringContaining('SlowDown'),
        },
      ]);
      expect(visibilities()).toEqual([seconds]);
      expect(deletions()).toBe(0);
      expect(failure()).toEqual({});
    },
  );

  test('comes back even where S3 does not take the record', async () => {
    s3.on(PutObjectCommand).rejects(s3Error(503, 'SlowDown'));
    await loopWith(TASK).run();
    expect(visibilities()).toEqual([2]);
    expect(events()).toContain('attempt-not-recorded');
  });
});

test('a try that fails for what the source is ends the video at once, without another try', async () => {
  claim(0);
  await loopWith(TASK).run();
  expect(failure()).toMatchObject({
    code: 'empty',
    ran: { task: 'plan', worker: 'i-1', attempt: 1, ...SILENT.born },
  });
  expect(deletions()).toBe(1);
  expect(visibilities()).toEqual([]);
  expect(await listAttempts(uploads, TASK)).toEqual([]);
});

test('where a video can do without what the source does not give any more, it goes on', async () => {
  claim(5);
  const track = { stream: 2, codec: 'subrip', language: 'en', forced: false, default: false, sdh: false };
  await uploads.putOnceJson(jobKeys.plan(video, revision), { ...tinyPlan(revision), text: [track] });
  await loopWith({ kind: 'text', video, revision }).run();
  expect(failure()).toEqual({});
  const receipt = JSON.parse(objects.get(`uploads/${jobKeys.receipts(video, revision)}text.json`) ?? '');
  expect(receipt).toMatchObject({ findings: [{ code: 'broken-subtitles' }], worker: 'i-1' });
  expect(deletions()).toBe(1);
});

test('a task of a video that has failed costs one look, and its message goes', async () => {
  objects.set(`uploads/${jobKeys.failed(video, revision)}`, '{}');
  await loopWith(TASK).run();
  expect(s3.calls()).toHaveLength(1);
  expect(deletions()).toBe(1);
  expect(events()).toEqual(['task-dropped']);
});

describe('a task of a deleted video', () => {
  test('is dropped before it begins', async () => {
    objects.clear();
    await loopWith(TASK).run();
    expect([objects.size, deletions(), events()]).toEqual([0, 1, ['task-dropped']]);
  });

  test('that fails because of it leaves nothing, and its message goes', async () => {
    s3.on(GetObjectCommand, { Key: jobKeys.claim(video) }).callsFake(() => {
      objects.clear();
      throw s3Error(404, 'NoSuchKey');
    });
    await loopWith(TASK).run();
    expect([objects.size, deletions(), events()]).toEqual([0, 1, ['task-started', 'task-dropped']]);
  });
});

describe('a task of an encode that another version of the code was asked for', () => {
  const chunk: Task = { kind: 'chunk', video, revision, index: 0 };
  const download: Task = { kind: 'download', video, revision };
  const publish: Task = { kind: 'publish', video, revision };
  const stills: Task = { kind: 'stills', video, revision };
  const audio: Task = { kind: 'audio', video, revision, index: 0 };
  const text: Task = { kind: 'text', video, revision };
  const told = () => sqs.commandCalls(SendMessageCommand).map(({ args }) => args[0].input.MessageBody);
  const made = (key: string, value: unknown) => objects.set(`uploads/${key}`, JSON.stringify(value));

  const left = async (task: Task, seconds: number) => {
    expect(events()).toEqual(['task-returned']);
    expect(told()).toEqual([JSON.stringify({ renew: { video, revision } })]);
    expect(visibilities()).toEqual([seconds]);
    expect(deletions()).toBe(0);
    expect(await listAttempts(uploads, task)).toMatchObject([{ outcome: 'interrupted' }]);
  };

  test.each([TASK, chunk, audio, text, stills])(
    'is left where that is an older one, until dispatch has said what becomes of it: $kind',
    async (task) => {
      claim(5, OLDER);
      await loopWith(task).run();
      await left(task, 15);
    },
  );

  test.each([publish, download])(
    'is done where that is an older one and nothing is encoded: $kind',
    async (task) => {
      claim(5, OLDER);
      await loopWith(task).run();
      expect(events()[0]).toBe('task-started');
      expect(told()).toEqual([]);
    },
  );

  test.each([
    ['planned', TASK],
    ['encoded', chunk],
  ])('is ended where all was %s already', async (_, task) => {
    claim(5, OLDER);
    made(jobKeys.plan(video, revision), tinyPlan(revision));
    for (const receipt of tinyReceipts())
      made(`${jobKeys.receipts(video, revision)}${receipt.task}.json`, receipt);
    await loopWith(task).run();
    expect(events()).toEqual(['task-started', 'task-done']);
    expect(deletions()).toBe(1);
    const [next] = sqs
      .commandCalls(SendMessageBatchCommand)
      .flatMap(({ args }) => args[0].input.Entries ?? []);
    expect(next?.MessageBody).toContain('"publish"');
  });

  test.each([TASK, chunk, audio, text, stills, publish, download])(
    'is handed back at once where that is a newer one, and the worker ends: $kind',
    async (task) => {
      claim(5, NEWER);
      // It would wait for an hour.
      await loopWith(task, 1, 3600).run();
      await left(task, 0);
    },
  );
});

describe('a worker that is told to go', () => {
  test('hands its task back at once, recorded as interrupted, however its work hangs', async () => {
    s3Hangs();
    const loop = loopWith(TASK, 2);
    const run = loop.run();
    await until(() => events().includes('task-started'));
    expect(loop.tasksInHand).toBe(1);
    loop.stop('the test says so');
    await until(() => events().includes('task-returned'));
    serveS3(s3, objects);
    expect(await listAttempts(uploads, TASK)).toMatchObject([
      { instance: 'i-1', receiveCount: 2, outcome: 'interrupted' },
    ]);
    expect(visibilities()).toEqual([0]);
    expect(deletions()).toBe(0);
    hanging.reject(s3Error(503, 'SlowDown'));
    await run;
  });

  test('hands its task back even where S3 takes no record', async () => {
    s3Hangs();
    s3.on(PutObjectCommand).callsFake(() => hanging.promise);
    const loop = loopWith(TASK);
    const run = loop.run();
    await until(() => events().includes('task-started'));
    loop.stop('the test says so');
    await until(() => visibilities().length > 0);
    expect(visibilities()).toEqual([0]);
    hanging.reject(s3Error(503, 'SlowDown'));
    await run;
  });

  test('hands back what it received as it was told, untouched', async () => {
    const loop = loopWith(TASK);
    const run = loop.run();
    loop.stop('the test says so');
    await run;
    expect(visibilities()).toEqual([0]);
    expect(await listAttempts(uploads, TASK)).toMatchObject([{ outcome: 'interrupted' }]);
    expect(events()).not.toContain('task-started');
  });

  test('takes nothing new', async () => {
    const loop = loopWith(TASK);
    loop.stop('the test says so');
    await loop.run();
    expect(sqs.calls()).toHaveLength(0);
  });
});
