/** Revisions that were replaced: kept for who may want them back, deleted whole when nobody can. */
import { S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { claimVideo } from '../../jobs/claim.ts';
import { jobKeys, newVideoId, oldKey, type Revision, sourceKey, videoKeys } from '../../jobs/names.ts';
import { markOld } from '../../jobs/old-marks.ts';
import { mendRevisions } from '../../jobs/old-revisions.ts';
import { markOpen, unmarkOpen } from '../../jobs/open.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { publish, publishedRevision } from '../../jobs/publish.ts';
import { reencode, rollback } from '../../jobs/redrive.ts';
import { requestedRevision, requestFirst } from '../../jobs/requests.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { captureLog } from '../support/log-lines.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const objects: Objects = new Map();
const stores = memoryStores();
const { uploads, production } = stores;
const settings = encodeSettingsSchema.parse({});
const redriver = {
  stores,
  sqs: new SQSClient({ region: 'us-east-1' }),
  uploadsQueueUrl: 'http://127.0.0.1/uploads',
  settings,
};
const video = newVideoId();
const DAY = 24 * 3_600_000;
const KEPT_DAYS = 30;
const REAL = [
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
] as const;

const START = Date.parse('2026-01-02T03:04:05Z');

/** Lets it be so many days later than at the beginning. */
const itIsDay = (days: number): void => {
  jest.setSystemTime(START + days * DAY);
};

/** A run of mend so many days after the beginning. */
async function mendOnDay(days: number): Promise<void> {
  itIsDay(days);
  await mendRevisions({ stores, keptDays: KEPT_DAYS, now: new Date(), deadline: Number.POSITIVE_INFINITY });
}

/** The runs of an hour, so many days after the beginning. */
async function mendFor(days: number): Promise<void> {
  for (let quarter = 0; quarter < 4; quarter++) await mendOnDay(days + quarter / 96);
}

/** Makes all of a revision and publishes it. */
async function make(revision: Revision): Promise<void> {
  const plan = tinyPlan(revision);
  await uploads.putOnceJson(jobKeys.plan(video, revision), plan);
  for (const receipt of tinyReceipts()) {
    const task = receipt.task.startsWith('chunk')
      ? ({ kind: 'chunk', index: Number(receipt.task.slice(6)) } as const)
      : ({ kind: 'audio', index: 0 } as const);
    await writeReceipt(uploads, { ...task, video, revision }, receipt);
    for (const { rendition, file, bytes } of receipt.objects)
      objects.set(
        `production/${videoKeys.media(video, revision, `${rendition}/${file}`)}`,
        'x'.repeat(bytes),
      );
  }
  await publish(stores, { video, revision });
}

/** Everything of a revision, but what `mend` deletes when it has told of it. */
const left = (revision: Revision) =>
  [...objects.keys()].filter((key) => key.includes(revision) && !key.includes('/untold/'));

let first: Revision;
let second: Revision;
beforeEach(async () => {
  // The date alone: what waits, waits as ever.
  jest.useFakeTimers({ now: START, doNotFake: [...REAL] });
  s3.reset();
  sqs.reset();
  objects.clear();
  serveS3(s3, objects);
  sqs.on(SendMessageCommand).resolves({});
  captureLog();
  const object = {
    bucket: 'uploads',
    key: sourceKey(video),
    etag: 'e1',
    size: 5,
    time: '2026-01-02T03:04:05Z',
  };
  const { claim } = await claimVideo(uploads, object);
  first = await requestFirst(uploads, video, claim, settings);
  await make(first);
  ({ revision: second } = await reencode(redriver, video, { preset: 'superfast' }));
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('a revision that was replaced', () => {
  beforeEach(() => make(second));

  test('is deleted whole when its days are over, and nothing of the one that plays', async () => {
    const playing = left(second);
    await mendFor(KEPT_DAYS);
    expect(left(first)).toEqual([]);
    expect(left(second)).toEqual(playing);
    expect(await publishedRevision(production, video)).toBe(second);
  });

  test('is there until then, and plays again by a rollback', async () => {
    await mendFor(KEPT_DAYS - 1);
    expect(await rollback(redriver, video)).toEqual({ revision: first });
    expect(await publishedRevision(production, video)).toBe(first);
  });

  test('stays for good once it plays again; then the other has its days', async () => {
    await rollback(redriver, video);
    await mendFor(KEPT_DAYS);
    expect(await publishedRevision(production, video)).toBe(first);
    expect(left(first)).not.toEqual([]);
    expect(left(second)).toEqual([]);
  });

  test('costs no request of its own until its days are over', async () => {
    s3.resetHistory();
    await mendFor(KEPT_DAYS - 1);
    expect(s3.calls().map(({ args }) => args[0].constructor.name)).toEqual(
      Array.from({ length: 4 }, () => 'ListObjectsV2Command'),
    );
  });

  test('has all its days where it is replaced anew while mend looks', async () => {
    await rollback(redriver, video);
    itIsDay(KEPT_DAYS);
    const deleteUnchanged = uploads.deleteUnchanged.bind(uploads);
    jest.spyOn(uploads, 'deleteUnchanged').mockImplementation(async (mark) => {
      await markOld(uploads, { video, revision: first });
      await deleteUnchanged(mark);
    });
    await mendOnDay(KEPT_DAYS);
    expect(objects.has(`uploads/${oldKey(video, first)}`)).toBe(true);
  });

  test('can not be asked for between the word that it leaves and its end, by nobody', async () => {
    await mendOnDay(KEPT_DAYS);
    await expect(rollback(redriver, video)).rejects.toMatchObject({ code: 'nothing-to-roll-back-to' });
    await expect(rollback(redriver, video, first)).rejects.toMatchObject({ code: 'no-such-revision' });
    await expect(reencode(redriver, video, {})).rejects.toMatchObject({ code: 'revision-leaving' });
    expect(await requestedRevision(uploads, video)).toBe(second);
  });

  test('is not deleted by the run that says that it leaves, nor by one that soon follows', async () => {
    await mendOnDay(KEPT_DAYS);
    await mendOnDay(KEPT_DAYS + 5 / (24 * 60));
    expect(left(first).filter((key) => key.startsWith('production/v/'))).not.toEqual([]);
  });

  test('is encoded anew where somebody wants it after its end', async () => {
    await mendFor(KEPT_DAYS);
    expect(await reencode(redriver, video, {})).toEqual({ revision: first, requeued: true });
  });
});

describe('a revision that is replaced, but not yet', () => {
  test('stays while it plays, however long the other takes, and has all its days afterwards', async () => {
    await mendFor(KEPT_DAYS);
    expect(await publishedRevision(production, video)).toBe(first);
    expect(left(first)).not.toEqual([]);
    await make(second);
    await mendFor(2 * KEPT_DAYS - 1);
    expect(await rollback(redriver, video)).toEqual({ revision: first });
  });

  test('stays while it is being encoded', async () => {
    await make(second);
    await markOpen(uploads, { video, revision: first });
    await mendFor(KEPT_DAYS);
    expect(left(first)).toContainEqual(expect.stringMatching(/360p\/chunk-00000/));
    await unmarkOpen(uploads, { video, revision: first });
    await mendFor(3 * KEPT_DAYS);
    expect(left(first)).toEqual([]);
  });
});
