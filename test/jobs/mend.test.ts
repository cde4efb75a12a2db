/** The mender: everything that can stall goes on or ends, and nothing else is touched. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { claimVideo } from '../../jobs/claim.ts';
import { readFailure, recordFailure } from '../../jobs/failed.ts';
import { deadlineMs, mendUnfinished } from '../../jobs/mend.ts';
import type { Encode } from '../../jobs/messages.ts';
import { jobKeys, newVideoId, openKey, type Revision, sourceKey, videoKeys } from '../../jobs/names.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { requestedRevision, requestFirst, requestRevision } from '../../jobs/requests.ts';
import { videoDetails } from '../../video/details.ts';
import { DOWNLOAD_PATH } from '../../video/download.ts';
import type { StoredFile } from '../../video/receipt.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { valuesOf } from '../support/emitted.ts';
import { silentAnnouncer } from '../support/live.ts';
import { captureLog } from '../support/log-lines.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const objects: Objects = new Map();
const times = new Map<string, Date>();
const { uploads, production } = memoryStores();
const video = newVideoId();
const settings = encodeSettingsSchema.parse({});
const GIGABYTE = 1e9;

/** Runs the mender so many minutes from now. */
const mendIn = (minutes: number, held = false) =>
  mendUnfinished({
    announcer: silentAnnouncer,
    held,
    stores: { uploads, production },
    sqs: new SQSClient({ region: 'us-east-1' }),
    uploadsQueueUrl: 'http://127.0.0.1/uploads',
    tasksQueueUrl: 'http://127.0.0.1/tasks',
    now: new Date(Date.now() + minutes * 60_000),
  });

const sent = () =>
  sqs.commandCalls(SendMessageCommand).map(({ args }) => JSON.parse(args[0].input.MessageBody ?? ''));
const isOpen = ({ revision }: Encode) => objects.has(`uploads/${openKey(video, revision)}`);
const queued = (queue: 'uploads' | 'tasks', messages: number) =>
  sqs
    .on(GetQueueAttributesCommand, { QueueUrl: `http://127.0.0.1/${queue}` })
    .resolves({ Attributes: { ApproximateNumberOfMessages: String(messages) } });

/** An upload that was dispatched. */
async function upload(size = 5): Promise<Encode> {
  const object = { bucket: 'uploads', key: sourceKey(video), etag: 'e1', size };
  const { claim } = await claimVideo(uploads, { ...object, time: '2026-01-02T03:04:05.000Z' });
  return { video, revision: await requestFirst(uploads, video, claim, settings) };
}

/** Writes an object of an encode as if so many minutes later. */
async function writeLater(minutes: number, key: string, value: unknown): Promise<void> {
  await uploads.putOnceJson(key, value);
  times.set(`uploads/${key}`, new Date(Date.now() + minutes * 60_000));
}

let logged: ReturnType<typeof captureLog>;
beforeEach(() => {
  s3.reset();
  sqs.reset();
  objects.clear();
  times.clear();
  serveS3(s3, objects, times);
  sqs.on(SendMessageCommand).resolves({});
  sqs.on(GetQueueAttributesCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('the age of the oldest encode', () => {
  const oldest = () => valuesOf(logged(), 'OldestEncode');

  test('is told at each run, also where there is none', async () => {
    await mendIn(0);
    expect(oldest()).toEqual([0]);
  });

  test.each([
    ['of a young one, which is not looked at', 10],
    ['of one that stalls', 7 * 60],
  ])('%s counts', async (_, minutes) => {
    await upload();
    await mendIn(minutes);
    expect(Math.round((oldest()[0] ?? 0) / 60)).toBe(minutes);
  });

  test('counts from its request on, however often it was helped', async () => {
    const { revision } = await upload();
    await mendIn(7 * 60);
    times.set(`uploads/${openKey(video, revision)}`, new Date(Date.now() + 7 * 60 * 60_000));
    await mendIn(8 * 60);
    expect(oldest().map((seconds) => Math.round(seconds / 3600))).toEqual([7, 8]);
  });

  test('does not count what ended, or ends by the bound', async () => {
    const encode = await upload();
    await mendIn(25 * 60 + 1);
    await mendIn(25 * 60 + 1);
    expect(await readFailure(uploads, encode)).toMatchObject({ code: 'timed-out' });
    expect(oldest()).toEqual([0, 0]);
  });
});

describe('an encode without progress', () => {
  test('is queued again once nothing else is queued', async () => {
    const encode = await upload();
    await mendIn(20);
    expect(sent()).toEqual([{ requeue: encode }]);
  });

  test('is left alone while it is young, and costs no request', async () => {
    await upload();
    s3.resetHistory();
    await mendIn(10);
    expect(sent()).toEqual([]);
    expect(s3.commandCalls(GetObjectCommand)).toEqual([]);
  });

  test.each(['uploads', 'tasks'] as const)(
    'is left alone while the %s queue holds messages, for its own are likely among them',
    async (queue) => {
      await upload();
      queued(queue, 1);
      await mendIn(20);
      expect(sent()).toEqual([]);
    },
  );

  test('is queued again in the end, however full the queues are', async () => {
    const encode = await upload();
    queued('tasks', 1000);
    await mendIn(7 * 60);
    expect(sent()).toEqual([{ requeue: encode }]);
  });

  test('is not queued again the next time', async () => {
    const encode = await upload();
    s3.resetHistory();
    await mendIn(20);
    const marks = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key);
    expect(marks).toContain(openKey(video, encode.revision));
    times.set(`uploads/${openKey(video, encode.revision)}`, new Date(Date.now() + 20 * 60_000));
    await mendIn(34);
    expect(sent()).toHaveLength(1);
    await mendIn(36);
    expect(sent()).toHaveLength(2);
  });

  test('is one whose last object is old: a plan or a receipt is progress', async () => {
    const { revision } = await upload();
    await writeLater(18, jobKeys.plan(video, revision), tinyPlan(revision));
    await mendIn(20);
    expect(sent()).toEqual([]);
    for (const receipt of tinyReceipts().slice(0, 1))
      await writeLater(30, `${jobKeys.receipts(video, revision)}${receipt.task}.json`, receipt);
    await mendIn(40);
    expect(sent()).toEqual([]);
    await mendIn(46);
    expect(sent()).toHaveLength(1);
  });

  test('whose request was never written, because its writer ended, gets it', async () => {
    const { revision } = await upload();
    objects.delete(`uploads/${jobKeys.request(video, 1)}`);
    await mendIn(20);
    expect(await requestedRevision(uploads, video)).toBe(revision);
    expect(sent()).toEqual([{ requeue: { video, revision } }]);
  });

  test('that can not be looked after does not keep the others waiting', async () => {
    const encode = await upload();
    const broken = newVideoId();
    const revision = 'abcdef012345' as Revision; // of the form
    await uploads.put(openKey(broken, revision), '{}', { contentType: 'application/json' });
    objects.set(`uploads/${jobKeys.claim(broken)}`, 'no JSON');
    await mendIn(20);
    expect(sent()).toEqual([{ requeue: encode }]);
  });
});

describe('every encode ends', () => {
  test('with "timed-out" a day after it was asked for, and an hour more a gigabyte', async () => {
    const encode = await upload(2 * GIGABYTE);
    expect(deadlineMs(2 * GIGABYTE)).toBe(26 * 3600 * 1000);
    await mendIn(26 * 60 - 1);
    expect(await readFailure(uploads, encode)).toBeUndefined();
    await mendIn(26 * 60 + 1);
    expect(await readFailure(uploads, encode)).toMatchObject({
      code: 'timed-out',
      message: expect.stringContaining('26 hours'),
    });
    expect(isOpen(encode)).toBe(false);
  });

  test('also when the mender has helped it again and again', async () => {
    const encode = await upload();
    for (let hour = 1; hour <= 25; hour += 8) {
      await mendIn(hour * 60);
      times.set(`uploads/${openKey(video, encode.revision)}`, new Date(Date.now() + hour * 60 * 60_000));
    }
    expect(await readFailure(uploads, encode)).toMatchObject({ code: 'timed-out' });
  });
});

describe('while a spending ceiling holds launches back', () => {
  test('an encode without progress is not queued again', async () => {
    await upload();
    await mendIn(20, true);
    expect(sent()).toEqual([]);
  });

  test('its time does not run: it goes on when the ceiling is lifted, days later', async () => {
    const encode = await upload();
    for (let minutes = 15; minutes < 5 * 24 * 60; minutes += 120) {
      await mendIn(minutes, true);
      // S3 keeps the time of a write; the mender's clock runs ahead of it here.
      const key = `uploads/${openKey(video, encode.revision)}`;
      const { since } = JSON.parse(objects.get(key) ?? '');
      times.set(key, new Date(since));
    }
    await mendIn(5 * 24 * 60);
    expect(await readFailure(uploads, encode)).toBeUndefined();
  });

  test('marks are written anew twice a day, not each time', async () => {
    const encode = await upload();
    s3.resetHistory();
    for (const minutes of [15, 30, 700]) await mendIn(minutes, true);
    expect(s3.commandCalls(PutObjectCommand)).toEqual([]);
    await mendIn(725, true);
    const marks = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key);
    expect(marks).toContain(openKey(video, encode.revision));
  });
});

describe('a video that plays while its download is still to be made', () => {
  async function playing(): Promise<Encode> {
    const encode = await upload();
    const { revision } = encode;
    await uploads.putOnceJson(jobKeys.plan(video, revision), { ...tinyPlan(revision), download: '360p' });
    for (const receipt of tinyReceipts()) await writeReceipt(uploads, encode, receipt);
    const master = `#EXTM3U\n${revision}/360p/index.m3u8\n`;
    await production.put(videoKeys.master(video), master, { contentType: 'application/vnd.apple.mpegurl' });
    return encode;
  }

  test('has it queued again where it was lost', async () => {
    const encode = await playing();
    await mendIn(20);
    expect(sent()).toEqual([{ requeue: encode }]);
    expect(isOpen(encode)).toBe(true);
  });

  test('is no failed video after the bound: it plays without', async () => {
    const encode = await playing();
    await mendIn(25 * 60);
    expect(await readFailure(uploads, encode)).toBeUndefined();
    expect(isOpen(encode)).toBe(false);
  });

  async function finish(encode: Encode, files: StoredFile[]): Promise<void> {
    const [some] = tinyReceipts();
    if (some) await writeReceipt(uploads, encode, { ...some, task: 'download', objects: [], files });
  }

  test('has ended when it was found that it can not be made', async () => {
    const encode = await playing();
    await finish(encode, []);
    await mendIn(20);
    expect(sent()).toEqual([]);
    expect(isOpen(encode)).toBe(false);
  });

  test('has not ended while the details do not name it: the publishing after it was lost', async () => {
    const encode = await playing();
    const files = [{ path: DOWNLOAD_PATH, bytes: 10 }];
    await finish(encode, files);
    await mendIn(20);
    expect(sent()).toEqual([{ requeue: encode }]);

    const receipts = [...tinyReceipts(), { files, findings: [] }];
    const details = videoDetails(video, { title: '', metadata: {} }, tinyPlan(encode.revision), receipts);
    const json = { contentType: 'application/json' };
    await production.put(videoKeys.details(video), JSON.stringify(details), json);
    await mendIn(40);
    expect(isOpen(encode)).toBe(false);
  });
});

describe('the mark of an encode', () => {
  test.each<[string, (encode: Encode) => Promise<unknown>]>([
    ['failed', async (encode) => recordFailure(uploads, encode, { code: 'gave-up', message: 'no luck' })],
    [
      'plays',
      async ({ revision }) =>
        production.put(videoKeys.master(video), `#EXTM3U\n${revision}/360p/index.m3u8\n`, {
          contentType: 'application/vnd.apple.mpegurl',
        }),
    ],
    [
      'was superseded',
      async () => requestRevision(uploads, video, '0123456789ab' as Revision), // of the form
    ],
    ['belongs to a deleted video', async () => uploads.delete(jobKeys.claim(video))],
  ])('that %s is deleted, and nothing is queued', async (_, end) => {
    const encode = await upload();
    await end(encode);
    await uploads.put(openKey(video, encode.revision), '{"since":"2026-01-01T00:00:00.000Z"}', {
      contentType: 'application/json',
    });
    await mendIn(20);
    expect(isOpen(encode)).toBe(false);
    expect(sent()).toEqual([]);
  });
});

describe('a source that no event told of', () => {
  const key = 'uploads/lost/movie.mp4';
  const arrive = () => uploads.put(key, 'movie', { contentType: 'video/mp4' });

  test('is told to dispatch', async () => {
    await arrive();
    await mendIn(20);
    expect(sent()).toEqual([{ uploaded: expect.objectContaining({ bucket: 'uploads', key, size: 5 }) }]);
  });

  test.each([
    ['young', 10],
    ['older than a day, so that it was told of many times', 25 * 60],
  ])('is left alone while it is %s', async (_, minutes) => {
    await arrive();
    await mendIn(minutes);
    expect(sent()).toEqual([]);
  });

  test('is left alone while events wait to be handled', async () => {
    await arrive();
    queued('uploads', 3);
    await mendIn(20);
    expect(sent()).toEqual([]);
  });

  test('is none where it is claimed, or a folder', async () => {
    const object = { bucket: 'uploads', key: 'uploads/a.mp4', size: 5, time: '2026-01-02T03:04:05.000Z' };
    await uploads.put(object.key, 'movie', { contentType: 'video/mp4' });
    for await (const { key: listed, etag } of uploads.list('uploads/'))
      await claimVideo(uploads, { ...object, key: listed, etag });
    await uploads.put('uploads/folder/', '', { contentType: 'application/octet-stream' });
    await mendIn(20);
    expect(sent()).toEqual([]);
  });
});
