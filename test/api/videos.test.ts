/** Videos over the API: listed by time, renamed, hidden, deleted. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { claimVideo } from '../../jobs/claim.ts';
import { mendDeletions } from '../../jobs/deletion.ts';
import type { Live } from '../../jobs/live-message.ts';
import {
  deletedKey,
  jobKeys,
  newVideoId,
  type Revision,
  sourceKey,
  type VideoId,
  videoIdOf,
  videoKeys,
} from '../../jobs/names.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { publish } from '../../jobs/publish.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

let api: TestApi;
let admin: string;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.token('admin');
});
afterAll(() => api.close());

const TEXT = { contentType: 'text/plain' };

/** A video whose source was put under a key, as dispatch claims it. */
async function claimed(minute: number, key?: string): Promise<VideoId> {
  const { uploads } = api.context.stores;
  const id = newVideoId();
  const object = { bucket: 'uploads', key: key ?? sourceKey(id), size: 1, etag: 'e' };
  await uploads.put(object.key, 'x', TEXT);
  const time = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  return (await claimVideo(uploads, { ...object, time })).video;
}

const list = async (query = '') => (await api.ask('GET', `/api/videos${query}`, admin)).body;
const idsOf = (page: { videos: readonly { id: string }[] }) => page.videos.map(({ id }) => id);

test('pages are newest first, and those that come meanwhile neither repeat nor hide any', async () => {
  const old: string[] = [];
  for (let minute = 0; minute < 7; minute++) old.unshift(await claimed(minute));
  const first = await list('?limit=3');
  expect(idsOf(first)).toEqual(old.slice(0, 3));
  const newer = await claimed(100);
  const second = await list(`?limit=3&cursor=${first.nextCursor}`);
  const third = await list(`?limit=3&cursor=${second.nextCursor}`);
  expect([...idsOf(second), ...idsOf(third)]).toEqual(old.slice(3));
  expect(third.nextCursor).toBeUndefined();
  expect(idsOf(await list('?limit=1'))).toEqual([newer]);
  expect(idsOf(await list('?state=queued&limit=100'))).toHaveLength(8);
  expect(idsOf(await list('?state=ready'))).toEqual([]);
  expect((await list('?state=uploading')).status).toBe(400); // they are in no list
});

describe('a list', () => {
  const OTHER = '["written by another version"]';
  const shown = async (id: string) => {
    const { videos } = await list('?limit=100');
    return { video: videos.find((video: { id: string }) => video.id === id), count: videos.length };
  };

  test.each(['edits.json', 'requests/000001.json'])(
    'has a video whose %s can not be read, by what its claim says, and all others',
    async (name) => {
      const { uploads } = api.context.stores;
      const id = await claimed(200);
      const { count } = await shown(id);
      await uploads.put(`jobs/${id}/${name}`, OTHER, TEXT);
      const after = await shown(id);
      expect(after.count).toBe(count);
      expect(after.video).toMatchObject({
        ...{ title: id, uploadedAt: '2026-01-01T03:20:00.000Z', sourceBytes: 1 },
        ...{ state: 'failed', failure: { code: 'unreadable' } },
      });
    },
  );

  test('says of a video that plays that it does, though nothing else of it can be read', async () => {
    const { uploads, production } = api.context.stores;
    const id = await claimed(200);
    await uploads.put(`jobs/${id}/edits.json`, 'no JSON', TEXT);
    await production.put(`v/${id}/master.m3u8`, '#EXTM3U\n0123456789ab/720p/index.m3u8\n', TEXT);
    const playbackUrl = `/v/${id}/master.m3u8`;
    expect((await shown(id)).video).toMatchObject({ state: 'ready', revision: '0123456789ab', playbackUrl });
  });

  test('goes without a video whose claim can not be read', async () => {
    const { uploads } = api.context.stores;
    const id = await claimed(200);
    const { count } = await shown(id);
    await uploads.put(`jobs/${id}/claim.json`, OTHER, TEXT);
    expect(await shown(id)).toEqual({ video: undefined, count: count - 1 });
  });
});

describe('a video', () => {
  test('is renamed, and keeps what is not named', async () => {
    const id = await claimed(1);
    await api.ask('PATCH', `/api/videos/${id}`, admin, { title: 'One', metadata: { a: 'b' } });
    await api.ask('PATCH', `/api/videos/${id}`, admin, { title: 'Two' });
    const { body } = await api.ask('GET', `/api/videos/${id}`, admin);
    expect(body).toMatchObject({ title: 'Two', metadata: { a: 'b' }, visibility: 'unlisted' });
  });

  test('shows strangers what is public of it, and nothing where it is private', async () => {
    const id = await claimed(1);
    const { body } = await api.ask('GET', `/api/videos/${id}`);
    expect(Object.keys(body).sort()).toEqual(['id', 'percent', 'state', 'title', 'uploadedAt']);
    await api.ask('PATCH', `/api/videos/${id}`, admin, { visibility: 'private' });
    expect((await api.ask('GET', `/api/videos/${id}`)).status).toBe(404);
    expect((await api.ask('GET', `/api/videos/${id}`, admin)).status).toBe(200);
  });

  test.each([
    { scope: 'read', may: undefined },
    { scope: 'admin', may: true },
  ] as const)(
    'says to a token with the scope $scope whether it may change it: $may',
    async ({ scope, may }) => {
      const id = await claimed(1);
      const token = await api.token(scope);
      const { videos } = (await api.ask('GET', '/api/videos?limit=100', token)).body;
      const { body } = await api.ask('GET', `/api/videos/${id}`, token);
      const ofList = videos.find((video: { id: string }) => video.id === id);
      expect([body.mayChange, ofList.mayChange]).toEqual([may, may]);
    },
  );

  test('is deleted whole, with what lies anywhere of it, and stays so', async () => {
    const { uploads, production } = api.context.stores;
    const id = await claimed(1);
    await api.ask('PATCH', `/api/videos/${id}`, admin, { title: 'x' });
    for (let part = 0; part < 3; part++) await production.put(`v/${id}/0123456789ab/${part}.mp4`, 'x', TEXT);
    await uploads.put(`open/${id}/0123456789ab`, '{}', TEXT);
    const deletion = await api.ask('DELETE', `/api/videos/${id}`, admin);
    // A worker may be busy with it, so that it is not over yet, though nothing is left.
    expect(deletion).toMatchObject({ status: 202, body: { id, state: 'deleting', left: 0 } });
    expect(await api.keysOf(id)).toEqual([`uploads/${deletedKey(id)}`]);
    expect((await api.ask('GET', `/api/videos/${id}`, admin)).status).toBe(404);
    expect(idsOf(await list('?limit=100'))).not.toContain(id);

    await production.put(`v/${id}/0123456789ab/late.mp4`, 'x', TEXT);
    await mendDeletions(api.context.stores, new Date(), Date.now() + 60_000);
    expect(await api.keysOf(id)).toEqual([`uploads/${deletedKey(id)}`]);
  });

  test('is swept though the mark of another one that was deleted can not be read', async () => {
    const { uploads } = api.context.stores;
    const [broken, id] = [newVideoId(), newVideoId()].sort(); // in S3's order: the broken one comes first
    if (broken === undefined || id === undefined) throw new Error('Two ids were made');
    await uploads.put(deletedKey(broken), '{', TEXT);
    await uploads.putOnceJson(deletedKey(id), { at: new Date().toISOString(), busy: false });
    await uploads.put(jobKeys.edits(id), '{}', TEXT);
    await mendDeletions(api.context.stores, new Date(), Date.now() + 60_000);
    expect(await api.keysOf(id)).toEqual([`uploads/${deletedKey(id)}`]);
    await uploads.delete(deletedKey(broken));
  });

  test('is swept though another that was deleted can not be; that mend failed is told when all are done', async () => {
    const { stores } = api.context;
    const { uploads } = stores;
    const [failing, id] = [newVideoId(), newVideoId()].sort(); // in S3's order: the failing one comes first
    if (failing === undefined || id === undefined) throw new Error('Two ids were made');
    for (const video of [failing, id]) {
      await uploads.putOnceJson(deletedKey(video), { at: new Date().toISOString(), busy: false });
      await uploads.put(jobKeys.edits(video), '{}', TEXT);
    }
    const abort = uploads.abortUploads.bind(uploads);
    const refusing = jest.spyOn(uploads, 'abortUploads').mockImplementation(async (prefix) => {
      if (prefix.includes(failing)) throw new Error('SlowDown');
      await abort(prefix);
    });
    await expect(mendDeletions(stores, new Date(), Date.now() + 60_000)).rejects.toThrow(
      '1 deleted videos could not be swept',
    );
    refusing.mockRestore();
    expect(await api.keysOf(id)).toEqual([`uploads/${deletedKey(id)}`]);
    expect(await api.keysOf(failing)).toContain(`uploads/${jobKeys.edits(failing)}`);
    await mendDeletions(stores, new Date(), Date.now() + 60_000);
    expect(await api.keysOf(failing)).toEqual([`uploads/${deletedKey(failing)}`]);
  });

  test('is left to the next run of mend where the time is over', async () => {
    const { stores } = api.context;
    const reading = jest.spyOn(stores.uploads, 'abortUploads');
    for (let n = 0; n < 30; n++)
      await stores.uploads.putOnceJson(deletedKey(newVideoId()), {
        at: new Date().toISOString(),
        busy: false,
      });
    reading.mockClear();
    await mendDeletions(stores, new Date(), Date.now() - 1);
    const begun = reading.mock.calls.length;
    reading.mockRestore();
    expect(begun).toBe(10);
  });

  test('that is rolled back is told to who follows it: no worker has a part in that', async () => {
    const { stores, announcer } = api.context;
    const id = await claimed(1);
    const make = async (revision: Revision) => {
      const encode = { video: id, revision };
      await stores.uploads.putOnceJson(jobKeys.plan(id, revision), tinyPlan(revision));
      for (const receipt of tinyReceipts()) {
        for (const { rendition, file, bytes } of receipt.objects)
          await stores.production.put(
            videoKeys.media(id, revision, `${rendition}/${file}`),
            'x'.repeat(bytes),
            TEXT,
          );
        await writeReceipt(stores.uploads, encode, receipt);
      }
      await publish(stores, encode);
      return revision;
    };
    const first = await make((await api.ask('POST', `/api/videos/${id}/retry`, admin)).body.revision);
    const reencoded = { settings: { preset: 'slow' } };
    await make((await api.ask('POST', `/api/videos/${id}/reencode`, admin, reencoded)).body.revision);

    const announce = jest.spyOn(announcer, 'announce');
    await api.ask('POST', `/api/videos/${id}/rollback`, admin, {});
    const told = announce.mock.lastCall?.[0];
    const live: Live | undefined = typeof told === 'function' ? await told() : told;
    expect(live).toMatchObject({ id, revision: first, state: 'ready', durationSeconds: 8 });
    announce.mockRestore();
  });

  test('that nobody works on is deleted at once, again and again', async () => {
    const id = await claimed(1);
    for (const _ of [1, 2])
      expect(await api.ask('DELETE', `/api/videos/${id}`, admin)).toMatchObject({
        status: 200,
        body: { left: 0 },
      });
    expect((await api.ask('DELETE', `/api/videos/${newVideoId()}`, admin)).status).toBe(404);
  });

  test('of a dropped file is deleted with the file, and with no other', async () => {
    const { uploads } = api.context.stores;
    const id = await claimed(1, 'uploads/cat.mp4');
    await uploads.put('uploads/cat.mp4.txt', 'x', TEXT);
    expect(id).toBe(videoIdOf({ bucket: 'uploads', key: 'uploads/cat.mp4', etag: 'e' }));
    await api.ask('DELETE', `/api/videos/${id}`, admin);
    expect(await uploads.exists('uploads/cat.mp4')).toBe(false);
    expect(await uploads.exists('uploads/cat.mp4.txt')).toBe(true);
  });
});
