/** Events are born of objects: which of them, what they say, and when one is the same as before. */
import { DeleteObjectsCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { deleteVideo } from '../../jobs/deletion.ts';
import { recordEdits } from '../../jobs/edits.ts';
import { type Event, eventOf } from '../../jobs/events.ts';
import { recordFailure } from '../../jobs/failed.ts';
import { deletedKey, jobKeys, newVideoId, pendingKey, revisionOf, videoKeys } from '../../jobs/names.ts';
import { requestRevision } from '../../jobs/requests.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { silentEdge } from '../support/silent-edge.ts';
import { tinyPlan } from '../support/tiny-video.ts';

const objects: Objects = new Map();
const stores = {
  uploads: new ObjectStore(new S3Client({}), 'uploads'),
  production: new ObjectStore(new S3Client({}), 'production'),
};
const { uploads, production } = stores;
const s3 = mockClient(S3Client);

const video = newVideoId();
const first = revisionOf({ etag: 'e1', size: 5 }, 1);
const second = revisionOf({ etag: 'e1', size: 5 }, 2);
const UPLOADED = '2030-01-02T03:04:05.000Z';
const DESCRIBED = { id: video, title: 'Our summer', metadata: { album: '2030' }, uploadedAt: UPLOADED };
const TEXT = { contentType: 'text/plain' };

async function claim(uploadedAt = UPLOADED): Promise<void> {
  await uploads.putJson(jobKeys.claim(video), {
    ...{ video, bucket: 'uploads', key: `uploads/${video}/source`, etag: 'e1', size: 5 },
    ...{ uploadedAt, title: 'Our summer', metadata: { album: '2030' } },
  });
}
/** Lets a revision play, as publishing does, where it was asked for. */
async function play(revision: typeof first): Promise<void> {
  await requestRevision(uploads, video, revision);
  await uploads.putJson(jobKeys.plan(video, revision), tinyPlan(revision));
  await production.put(videoKeys.master(video), `${revision}/360p/index.m3u8\n`, TEXT);
}
const fail = (revision = first) =>
  recordFailure(uploads, { video, revision }, { code: 'not-a-video', message: 'It is no video.' });
const created = (key: string, time = '2030-01-02T04:00:00.000Z'): Promise<Event | undefined> =>
  eventOf(stores, { bucket: 'any', key, size: 1, etag: 'e', time });
const readyId = async () => (await created(videoKeys.master(video)))?.id;
const failedId = async () => (await created(jobKeys.failed(video, first)))?.id;

beforeEach(async () => {
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  s3.on(ListMultipartUploadsCommand).resolves({});
  s3.on(DeleteObjectsCommand).resolves({});
  captureLog();
  await claim();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('an object', () => {
  test('that claims a video is video.created', async () => {
    expect(await created(jobKeys.claim(video))).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      type: 'video.created',
      timestamp: UPLOADED,
      data: { ...DESCRIBED, sourceBytes: 5 },
    });
  });

  test('that lets a revision play is video.ready', async () => {
    await play(first);
    expect(await created(videoKeys.master(video))).toEqual({
      id: expect.any(String),
      type: 'video.ready',
      timestamp: '2030-01-02T04:00:00.000Z',
      data: {
        ...DESCRIBED,
        ...{ revision: first, playbackUrl: `/v/${video}/master.m3u8` },
        ...{ durationSeconds: 8, width: 640, height: 360 },
      },
    });
  });

  test('that lets a private video play says not where, for it plays by tokens alone', async () => {
    await play(first);
    await uploads.putJson(jobKeys.edits(video), { visibility: 'private' });
    const event = await created(videoKeys.master(video));
    expect(event).toMatchObject({ type: 'video.ready', data: { revision: first } });
    expect(event?.data).not.toHaveProperty('playbackUrl');
  });

  test('that says why an encode failed is video.failed', async () => {
    await fail();
    const event = await created(jobKeys.failed(video, first));
    expect(event).toMatchObject({
      type: 'video.failed',
      data: { ...DESCRIBED, revision: first, failure: { code: 'not-a-video', message: 'It is no video.' } },
    });
  });

  test('that marks a video as deleted is video.deleted', async () => {
    await deleteVideo({ stores, edge: silentEdge }, video, Date.now() + 1000);
    expect(await created(deletedKey(video))).toMatchObject({ type: 'video.deleted', data: { id: video } });
  });

  test('tells of its video as its owner calls it by now', async () => {
    await recordEdits(uploads, video, { title: 'Our winter' });
    expect(await created(jobKeys.claim(video))).toMatchObject({ data: { title: 'Our winter' } });
  });
});

describe('no event is', () => {
  test.each([
    ['a plan', jobKeys.plan(video, first)],
    ['a source', `uploads/${video}/source`],
    ['another’s claim', jobKeys.claim(newVideoId())],
    ['a file that is called like a claim', `jobs/${video}/x/claim.json`],
    ['the claim of nothing', 'jobs/claim.json'],
    ['a master of nothing', 'v/master.m3u8'],
    ['the mark of nothing', 'deleted/nothing'],
  ])('%s', async (_, key) => {
    expect(await created(key)).toBeUndefined();
  });

  test('the failure of an encode whose place another took', async () => {
    await recordFailure(uploads, { video, revision: first }, { code: 'superseded', message: '' });
    expect(await failedId()).toBeUndefined();
  });

  test('a failure that was taken back by a retry', async () => {
    await fail();
    await uploads.delete(jobKeys.failed(video, first));
    expect(await failedId()).toBeUndefined();
  });

  test('what happened to a video that was deleted since', async () => {
    await play(first);
    await uploads.delete(jobKeys.claim(video));
    expect(await readyId()).toBeUndefined();
  });

  test('the end of an upload that never became a video', async () => {
    await uploads.delete(jobKeys.claim(video));
    await uploads.putJson(pendingKey(video), {});
    await deleteVideo({ stores, edge: silentEdge }, video, Date.now() + 1000);
    expect(await created(deletedKey(video))).toBeUndefined();
  });
});

describe('the id of an event', () => {
  test('is the same where the same revision is published once more, or with more subtitles', async () => {
    await play(first);
    const before = await readyId();
    await production.put(videoKeys.master(video), `#with more\n${first}/360p/index.m3u8\n`, TEXT);
    expect(await created(videoKeys.master(video), '2031-01-01T00:00:00.000Z')).toMatchObject({ id: before });
  });

  test('is another for a re-encode, and for the rollback to what played before it', async () => {
    const ids = new Set<string | undefined>();
    for (const revision of [first, second, first]) {
      await play(revision);
      ids.add(await readyId());
    }
    expect(ids.size).toBe(3);
  });

  test('is another where a video fails once more', async () => {
    await fail();
    const before = await failedId();
    const past = new Date(Date.now() - 1000).toISOString();
    await uploads.delete(jobKeys.failed(video, first));
    await uploads.putJson(jobKeys.failed(video, first), { code: 'not-a-video', message: '', at: past });
    expect([typeof before, (await failedId()) === before]).toEqual(['string', false]);
  });

  test('is another where a deleted file is dropped once more', async () => {
    await play(first);
    const before = [(await created(jobKeys.claim(video)))?.id, await readyId()];
    await claim('2031-01-02T03:04:05.000Z');
    const after = [(await created(jobKeys.claim(video)))?.id, await readyId()];
    expect(new Set([...before, ...after]).size).toBe(4);
  });
});
