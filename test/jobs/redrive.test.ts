/** Retry, re-encode and rollback: what they leave in S3, and what they ask dispatch for. */
import { S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { calibrated, readCalibration, UNCALIBRATED } from '../../jobs/calibration.ts';
import { claimVideo } from '../../jobs/claim.ts';
import { recordFailure } from '../../jobs/failed.ts';
import type { Encode } from '../../jobs/messages.ts';
import { jobKeys, newVideoId, openKey, sourceKey, videoKeys } from '../../jobs/names.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { publish, publishedRevision } from '../../jobs/publish.ts';
import { type Redriver, reencode, retry, rollback } from '../../jobs/redrive.ts';
import { readRequests, requestedRevision, requestFirst } from '../../jobs/requests.ts';
import { videoStatus } from '../../jobs/status.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { captureLog } from '../support/log-lines.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const sqs = mockClient(SQSClient);
const settings = encodeSettingsSchema.parse({});
const slower = encodeSettingsSchema.parse({ preset: 'slow' });
const fastest = encodeSettingsSchema.parse({ preset: 'superfast' });

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
let redriver: Redriver;
const video = newVideoId();

const requeued = () =>
  sqs
    .commandCalls(SendMessageCommand)
    .map(({ args }) => JSON.parse(args[0].input.MessageBody ?? '').requeue.revision);
const status = () => videoStatus(redriver.stores, video);

/** An upload whose first encode was asked for. */
async function upload(): Promise<Encode> {
  const { uploads } = redriver.stores;
  const { claim } = await claimVideo(uploads, {
    bucket: 'uploads',
    key: sourceKey(video),
    etag: 'e1',
    size: 5,
    time: '2026-01-02T03:04:05.000Z',
  });
  return { video, revision: await requestFirst(uploads, video, claim, settings) };
}

/** Does a worker's part: plan, media, receipts. */
async function make(encode: Encode): Promise<void> {
  const { uploads, production } = redriver.stores;
  const { revision } = encode;
  await uploads.putOnceJson(jobKeys.plan(video, revision), tinyPlan(revision));
  for (const receipt of tinyReceipts()) {
    for (const { rendition, file, bytes } of receipt.objects) {
      const key = videoKeys.media(video, revision, `${rendition}/${file}`);
      await production.putOnce(key, 'x'.repeat(bytes), { contentType: 'video/mp4' });
    }
    await writeReceipt(uploads, encode, receipt);
  }
}

async function makeAndPublish(encode: Encode) {
  await make(encode);
  return publish(redriver.stores, encode);
}

afterEach(() => {
  jest.restoreAllMocks();
});
beforeEach(() => {
  captureLog();
  sqs.reset();
  sqs.on(SendMessageCommand).resolves({});
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  redriver = {
    stores: memoryStores(),
    sqs: new SQSClient({ region: 'us-east-1' }),
    uploadsQueueUrl: 'http://127.0.0.1/uploads',
    settings,
  };
});

test('a video that is published is learnt from', async () => {
  const encode = await upload();
  await makeAndPublish(encode);
  const { workSeconds } = tinyPlan(encode.revision);
  const spentSeconds = tinyReceipts().reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const learnt = calibrated(UNCALIBRATED, {
    tasks: tinyReceipts().length,
    plannedSeconds: workSeconds,
    spentSeconds,
  });
  expect(await readCalibration(redriver.stores.uploads)).toEqual(learnt);
});

test('a revision that plays again is not learnt from again', async () => {
  const first = await upload();
  await makeAndPublish(first);
  const { revision } = await reencode(redriver, video, slower);
  await makeAndPublish({ video, revision });
  const learnt = await readCalibration(redriver.stores.uploads);
  await rollback(redriver, video, first.revision);
  expect(await readCalibration(redriver.stores.uploads)).toEqual(learnt);
});

describe('retry', () => {
  test('lets a video that failed go on: its failure is gone and what it misses is asked for', async () => {
    const encode = await upload();
    await recordFailure(redriver.stores.uploads, encode, { code: 'gave-up', message: 'no luck' });
    expect(await status()).toMatchObject({ state: 'failed', failure: { code: 'gave-up' } });
    expect(await retry(redriver, video)).toEqual({ revision: encode.revision, requeued: true });
    expect(await status()).toMatchObject({ state: 'queued' });
    expect(requeued()).toEqual([encode.revision]);
  });

  test('leaves a video alone that is ready', async () => {
    const encode = await upload();
    await makeAndPublish(encode);
    expect(await retry(redriver, video)).toEqual({ revision: encode.revision, requeued: false });
    expect(requeued()).toEqual([]);
  });

  test('asks for the revision that is to play, not for the one that plays', async () => {
    await makeAndPublish(await upload());
    const { revision } = await reencode(redriver, video, slower);
    await recordFailure(
      redriver.stores.uploads,
      { video, revision },
      { code: 'gave-up', message: 'no luck' },
    );
    expect((await status())?.next).toMatchObject({ state: 'failed', revision });
    expect(await retry(redriver, video)).toEqual({ revision, requeued: true });
  });

  test('helps an upload whose dispatch ended between its claim and its request', async () => {
    const encode = await upload();
    objects.delete(`uploads/${jobKeys.request(video, 1)}`);
    expect(await retry(redriver, video)).toEqual({ revision: encode.revision, requeued: true });
    expect(await requestedRevision(redriver.stores.uploads, video)).toBe(encode.revision);
  });

  test('of a video that never was names it', async () => {
    await expect(retry(redriver, video)).rejects.toThrow(`There is no video ${video}`);
  });
});

describe('re-encode', () => {
  test('leaves what plays as it is until the new revision is whole, then switches', async () => {
    const first = await upload();
    await makeAndPublish(first);
    const { revision } = await reencode(redriver, video, slower);
    expect(revision).not.toBe(first.revision);
    expect(requeued()).toEqual([revision]);
    expect(await status()).toMatchObject({
      state: 'ready',
      revision: first.revision,
      next: { state: 'queued', revision },
    });
    expect(await makeAndPublish({ video, revision })).toBe('published');
    expect(await publishedRevision(redriver.stores.production, video)).toBe(revision);
    expect(await status()).not.toHaveProperty('next');
    // What is whole can play again: it has not failed.
    expect(objects.has(`uploads/${jobKeys.failed(video, first.revision)}`)).toBe(false);
  });

  test('with the settings that play changes nothing', async () => {
    await makeAndPublish(await upload());
    expect(await reencode(redriver, video, settings)).toMatchObject({ requeued: false });
    expect(await readRequests(redriver.stores.uploads, video)).toHaveLength(1);
  });

  test('can do without the encryption that the platform sets, as if it set none', async () => {
    const first = await upload();
    redriver = { ...redriver, settings: encodeSettingsSchema.parse({ encryption: 'aes-128' }) };
    const { revision } = await reencode(redriver, video, {});
    expect(revision).not.toBe(first.revision);
    expect((await reencode(redriver, video, { encryption: 'off' })).revision).toBe(first.revision);
  });

  test('ends an unfinished encode that it takes the place of, so that its tasks are dropped', async () => {
    await upload();
    const { revision: second } = await reencode(redriver, video, slower);
    await reencode(redriver, video, fastest);
    expect(objects.get(`uploads/${jobKeys.failed(video, second)}`)).toContain('superseded');
  });

  test('back to settings of before goes on with what they had made', async () => {
    const first = await upload();
    await reencode(redriver, video, slower);
    expect(await reencode(redriver, video, settings)).toEqual({ revision: first.revision, requeued: true });
    expect(objects.has(`uploads/${jobKeys.failed(video, first.revision)}`)).toBe(false);
  });
});

describe('publish', () => {
  test('of a revision that is not asked for any more switches nothing', async () => {
    const first = await upload();
    const { revision } = await reencode(redriver, video, slower);
    await makeAndPublish({ video, revision });
    expect(await makeAndPublish(first)).toBe('superseded');
    expect(await publishedRevision(redriver.stores.production, video)).toBe(revision);
  });

  test('that meets a newer one between its look and its write gives way', async () => {
    const first = await upload();
    await make(first);
    const newer = await reencode(redriver, video, slower);
    await make({ video, revision: newer.revision });
    // The first publisher saw the request of before: then everything happened that the second one does.
    const { uploads } = redriver.stores;
    const late = new ObjectStore(new S3Client({ region: 'us-east-1' }), 'uploads');
    let looks = 0;
    late.list = async function* (prefix) {
      const keys = [];
      for await (const object of uploads.list(prefix)) keys.push(object);
      if (prefix !== jobKeys.requests(video) || looks++ > 0) return yield* keys;
      await publish(redriver.stores, { video, revision: newer.revision });
      yield* keys.slice(0, 1);
    };
    expect(await publish({ ...redriver.stores, uploads: late }, first)).toBe('superseded');
    expect(objects.has(`uploads/${openKey(video, first.revision)}`)).toBe(false);
    expect(await publishedRevision(redriver.stores.production, video)).toBe(newer.revision);
    expect(objects.get(`production/${videoKeys.details(video)}`)).toContain(newer.revision);
  });

  test('twice leaves the same bytes', async () => {
    const encode = await upload();
    await makeAndPublish(encode);
    const before = new Map(objects);
    await publish(redriver.stores, encode);
    expect(objects).toEqual(before);
  });
});

describe('rollback', () => {
  test('lets the revision of before play at once, and the other one by a second rollback', async () => {
    const first = await upload();
    await makeAndPublish(first);
    const { revision: second } = await reencode(redriver, video, slower);
    await makeAndPublish({ video, revision: second });
    const newMaster = objects.get(`production/${videoKeys.master(video)}`);
    expect(await rollback(redriver, video)).toEqual({ revision: first.revision });
    expect(await publishedRevision(redriver.stores.production, video)).toBe(first.revision);
    expect(await rollback(redriver, video)).toEqual({ revision: second });
    expect(objects.get(`production/${videoKeys.master(video)}`)).toBe(newMaster);
  });

  test('ends a re-encode that is not finished', async () => {
    const first = await upload();
    await makeAndPublish(first);
    const { revision: second } = await reencode(redriver, video, slower);
    await rollback(redriver, video);
    expect(await requestedRevision(redriver.stores.uploads, video)).toBe(first.revision);
    expect(objects.get(`uploads/${jobKeys.failed(video, second)}`)).toContain('superseded');
    expect(await status()).not.toHaveProperty('next');
  });

  test('goes to a revision by its name', async () => {
    const first = await upload();
    await makeAndPublish(first);
    for (const other of [slower, fastest]) {
      const { revision } = await reencode(redriver, video, other);
      await makeAndPublish({ video, revision });
    }
    expect(await rollback(redriver, video, first.revision)).toEqual({ revision: first.revision });
  });

  test('without an earlier revision, or to one that is not whole, says so and changes nothing', async () => {
    const first = await upload();
    await makeAndPublish(first);
    await expect(rollback(redriver, video)).rejects.toThrow('has no earlier revision that is complete');
    const { revision: second } = await reencode(redriver, video, slower);
    await expect(rollback(redriver, video, second)).rejects.toThrow(`no complete revision ${second}`);
    expect(await requestedRevision(redriver.stores.uploads, video)).toBe(second);
  });
});
