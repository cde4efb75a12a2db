/** Private videos over the API: what the edge is told, and which addresses play. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { claimVideo } from '../../jobs/claim.ts';
import { mayBeClaimed, mendDeletions } from '../../jobs/deletion.ts';
import { readEdits } from '../../jobs/edits.ts';
import { KeyValueStoreError } from '../../jobs/key-value-store.ts';
import {
  deletedKey,
  newVideoId,
  sourceKey,
  unsettledKey,
  type VideoId,
  videoIdOf,
} from '../../jobs/names.ts';
import { publish } from '../../jobs/publish.ts';
import { markUnsettled, mendVisibility, recordChanges } from '../../jobs/visibility.ts';
import { guardFunction } from '../../local/edge/guard.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { makeTiny } from '../support/tiny-video.ts';

const VIEWER = '203.0.113.7';
const DAY = 24 * 3_600_000;
const TEXT = { contentType: 'text/plain' };

let api: TestApi;
let admin: string;
let reader: string;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.token('admin');
  reader = await api.token('read');
});
afterAll(() => api.close());

/** A video that plays. @param key of its source; one that names it, where there is none */
async function playing(key?: string): Promise<VideoId> {
  const { stores } = api.context;
  const object = { bucket: 'uploads', key: key ?? sourceKey(newVideoId()), size: 1, etag: 'e' };
  await stores.uploads.put(object.key, 'x', TEXT);
  const { video } = await claimVideo(stores.uploads, { ...object, time: '2026-01-01T00:00:00Z' });
  const { body } = await api.ask('POST', `/api/videos/${video}/retry`, admin);
  const encode = { video, revision: body.revision };
  await makeTiny(stores, encode);
  await publish(stores, encode);
  return video;
}

const change = (id: VideoId, visibility: string) =>
  api.ask('PATCH', `/api/videos/${id}`, admin, { visibility });
const show = async (id: VideoId, token?: string) => (await api.ask('GET', `/api/videos/${id}`, token)).body;

/** Marks of a video's changes that the edge may not know. */
async function unsettled(id: VideoId): Promise<number> {
  let marks = 0;
  for await (const _ of api.context.stores.uploads.list(unsettledKey(id, ''))) marks += 1;
  return marks;
}

/** What the edge makes of a path: the object's own path, or a status. */
async function atEdge(uri: string, ip = VIEWER, referer?: string) {
  const headers = referer === undefined ? {} : { referer: { value: referer } };
  const answer = await guardFunction(api.edgeStore)({ viewer: { ip }, request: { uri, headers } });
  return 'uri' in answer ? answer.uri : answer.statusCode;
}

describe('a video that is made private', () => {
  test('plays no more where it played, and does at the address that its readers are shown', async () => {
    const id = await playing();
    const master = `/v/${id}/master.m3u8`;
    expect([await atEdge(master), (await show(id)).playbackUrl]).toEqual([master, master]);
    expect((await change(id, 'private')).status).toBe(200);
    expect(await atEdge(master)).toBe(404);
    expect((await api.ask('GET', `/api/videos/${id}`)).status).toBe(404);
    const { playbackUrl } = await show(id, reader);
    expect(playbackUrl).toMatch(/^\/t\/[^/]+\/v\//);
    expect(await atEdge(playbackUrl)).toBe(master);
    // The same look gives the same address, so that browsers need not load anew what they keep.
    expect((await show(id, reader)).playbackUrl).toBe(playbackUrl);
    const { videos } = (await api.ask('GET', '/api/videos?limit=100', reader)).body;
    expect(videos.find((video: { id: string }) => video.id === id).playbackUrl).toBe(playbackUrl);
  });

  test('may be so before its source is there', async () => {
    const upload = { fileName: 'a.mp4', size: 10, type: 'video/mp4' };
    const { id } = (await api.ask('POST', '/api/uploads', admin, upload)).body;
    expect((await change(id, 'private')).body).toMatchObject({ state: 'uploading', visibility: 'private' });
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(404);
  });

  test('plays for all again when it is private no more', async () => {
    const id = await playing();
    await change(id, 'private');
    expect((await change(id, 'public')).body.playbackUrl).toBe(`/v/${id}/master.m3u8`);
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(`/v/${id}/master.m3u8`);
  });

  test('stays private through other changes', async () => {
    const id = await playing();
    await change(id, 'private');
    await api.ask('PATCH', `/api/videos/${id}`, admin, { title: 'Ours' });
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(404);
  });

  test('of two changes at once one holds, at the edge as in the API', async () => {
    const id = await playing();
    for (let round = 0; round < 5; round++) {
      await Promise.all([change(id, 'private'), change(id, 'unlisted'), change(id, 'private')]);
      const { visibility } = await show(id, admin);
      expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(
        visibility === 'private' ? 404 : `/v/${id}/master.m3u8`,
      );
    }
  });

  test('stays closed where it is made private while it is being opened', async () => {
    const id = await playing();
    await change(id, 'private');
    const { edge, stores } = api.context;
    const update = edge.update.bind(edge);
    const spy = jest.spyOn(edge, 'update').mockImplementationOnce(async (changes) => {
      await recordChanges(stores.uploads, edge, id, { visibility: 'private' });
      await update(changes);
    });
    await recordChanges(stores.uploads, edge, id, { visibility: 'public' });
    spy.mockRestore();
    expect((await show(id, admin)).visibility).toBe('private');
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(404);
  });

  test('is closed at the edge where recording it fails, and open nowhere', async () => {
    const id = await playing();
    const { uploads } = api.context.stores;
    await uploads.put(`jobs/${id}/edits.json`, 'broken', TEXT);
    await expect(recordChanges(uploads, api.context.edge, id, { visibility: 'private' })).rejects.toThrow();
    const then = new Date(Date.now() + 6 * 60_000);
    const mended = mendVisibility(uploads, api.context.edge, then, Date.now() + 60_000);
    await expect(mended).rejects.toThrow('1 changes'); // and so the alarm of mend tells
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(404);
    await uploads.putJson(`jobs/${id}/edits.json`, {});
    await mendVisibility(uploads, api.context.edge, then, Date.now() + 60_000);
  });
});

describe('the edge is told what the edits say', () => {
  const mend = (minutes = 6) => {
    const { stores, edge } = api.context;
    const now = new Date(Date.now() + minutes * 60_000);
    return mendVisibility(stores.uploads, edge, now, Date.now() + 60_000);
  };
  /** Ends a change where it tells the edge for the so many-th time. */
  async function endChange(id: VideoId, visibility: 'private' | 'public', after: number): Promise<void> {
    const { stores, edge } = api.context;
    const update = edge.update.bind(edge);
    let told = 0;
    const spy = jest.spyOn(edge, 'update').mockImplementation(async (changes) => {
      if (++told > after) throw new Error('the function ended');
      await update(changes);
    });
    const change = recordChanges(stores.uploads, edge, id, { visibility });
    await expect(change).rejects.toThrow('the function ended');
    spy.mockRestore();
  }

  test('by who changes them, who leaves nothing behind', async () => {
    const id = await playing();
    await change(id, 'private');
    expect(await unsettled(id)).toBe(0);
  });

  test.each([
    { before: 'public', to: 'private', after: 0, open: true },
    { before: 'public', to: 'private', after: 1, open: false },
    { before: 'private', to: 'public', after: 0, open: true },
  ] as const)('by mend, where a change from $before to $to ended after $after words', async (case_) => {
    const { before, to, after, open } = case_;
    const id = await playing();
    await change(id, before);
    await endChange(id, to, after);
    await mend();
    expect(await api.edgeStore.exists(id)).toBe(!open);
    expect((await readEdits(api.context.stores.uploads, id)).visibility).toBe(open ? 'public' : 'private');
    expect(await unsettled(id)).toBe(0);
  });

  test('by mend, where who opened it ended before seeing that it is private again', async () => {
    const id = await playing();
    const { stores, edge } = api.context;
    await change(id, 'private');
    const update = edge.update.bind(edge);
    const spy = jest.spyOn(edge, 'update').mockImplementationOnce(async (changes) => {
      await recordChanges(stores.uploads, edge, id, { visibility: 'private' });
      await update(changes);
      throw new Error('the function ended');
    });
    await expect(recordChanges(stores.uploads, edge, id, { visibility: 'public' })).rejects.toThrow();
    spy.mockRestore();
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(`/v/${id}/master.m3u8`);
    await mend();
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(404);
  });

  test('by mend not before who changes them has had the time', async () => {
    const id = await playing();
    await endChange(id, 'public', 0);
    await mend(4);
    expect(await unsettled(id)).toBe(1);
    await mend();
    expect(await unsettled(id)).toBe(0);
  });

  test('by whoever says it again, where the store was lost', async () => {
    const id = await playing();
    await change(id, 'private');
    await api.context.edge.update({ [id]: undefined });
    await change(id, 'private');
    expect(await atEdge(`/v/${id}/master.m3u8`)).toBe(404);
  });
});

describe('a video that is deleted', () => {
  const SEGMENT = '0123456789ab/360p/chunk-00000.mp4';
  const remove = (id: VideoId) => api.ask('DELETE', `/api/videos/${id}`, admin);
  const mendIn = async (days: number) => {
    const { stores, edge } = api.context;
    const then = new Date(Date.now() + days * DAY);
    await mendDeletions(stores, then, Date.now() + 60_000);
    await mendVisibility(stores.uploads, edge, then, Date.now() + 60_000);
  };

  test.each(['public', 'unlisted', 'private'] as const)(
    'and was %s is closed to all while caches may hold it, and leaves nothing in the end',
    async (visibility) => {
      const id = await playing();
      await change(id, visibility);
      const { token } = (await api.ask('POST', `/api/videos/${id}/playback-tokens`, reader, {})).body;
      const withToken = `/t/${token}/v/${id}/${SEGMENT}`;
      expect(await atEdge(withToken)).toBe(`/v/${id}/${SEGMENT}`);
      await remove(id);
      expect([await atEdge(`/v/${id}/${SEGMENT}`), await atEdge(withToken)]).toEqual([404, 404]);
      const { stores } = api.context;
      expect(await unsettled(id)).toBe(0);
      await mendIn(365); // Cache-Control lets media be kept for so long
      expect(await api.edgeStore.exists(id)).toBe(true);
      await mendIn(367);
      expect(await stores.uploads.exists(deletedKey(id))).toBe(false);
      expect(await api.edgeStore.exists(id)).toBe(false);
      expect(await unsettled(id)).toBe(0);
    },
  );

  test('stays closed though a change of who may see it broke off', async () => {
    const id = await playing();
    const { uploads } = api.context.stores;
    await change(id, 'private');
    await markUnsettled(uploads, id);
    await remove(id);
    await mendIn(1);
    expect(await atEdge(`/v/${id}/${SEGMENT}`)).toBe(404);
    expect(await unsettled(id)).toBe(0);
  });

  test('while it is being opened stays closed', async () => {
    const id = await playing();
    await change(id, 'private');
    const { edge, stores } = api.context;
    const update = edge.update.bind(edge);
    const spy = jest.spyOn(edge, 'update').mockImplementationOnce(async (changes) => {
      await remove(id);
      await update(changes);
    });
    await recordChanges(stores.uploads, edge, id, { visibility: 'public' });
    spy.mockRestore();
    expect(await atEdge(`/v/${id}/${SEGMENT}`)).toBe(404);
  });

  test('is not said to be gone before the edge refuses it, which mend has it do where it was full or failed', async () => {
    const id = await playing();
    const { edge } = api.context;
    const spy = jest.spyOn(edge, 'update').mockRejectedValue(new KeyValueStoreError('full'));
    expect(await remove(id)).toMatchObject({ status: 202, body: { state: 'deleting', left: 0 } });
    await expect(mendIn(1)).rejects.toThrow('1 changes'); // and so the alarm of mend tells
    spy.mockRestore();
    await mendIn(1);
    expect(await atEdge(`/v/${id}/${SEGMENT}`)).toBe(404);
    expect((await remove(id)).status).toBe(200);
  });

  test('is closed by another deletion, where the store was lost', async () => {
    const id = await playing();
    await remove(id);
    await api.context.edge.update({ [id]: undefined });
    await remove(id);
    expect(await atEdge(`/v/${id}/${SEGMENT}`)).toBe(404);
  });

  test('before its source came costs the edge nothing', async () => {
    const upload = { fileName: 'a.mp4', size: 10, type: 'video/mp4' };
    const { id } = (await api.ask('POST', '/api/uploads', admin, upload)).body;
    await api.ask('DELETE', `/api/uploads/${id}`, admin);
    expect([await api.edgeStore.exists(id), await unsettled(id)]).toEqual([false, 0]);
  });

  test.each(['public', 'private'] as const)(
    'and was %s is as private as it was when the same file is dropped again, once mend has seen it',
    async (visibility) => {
      const { uploads } = api.context.stores;
      const object = { bucket: 'uploads', key: `uploads/${visibility}.mp4`, size: 1, etag: 'e' };
      const id = await playing(object.key);
      expect(id).toBe(videoIdOf(object));
      await change(id, visibility);
      await remove(id);
      const time = new Date(Date.now() + 60_000).toISOString();
      expect(await mayBeClaimed(uploads, id, { ...object, time })).toBe(true);
      const isPrivate = visibility === 'private';
      expect(await readEdits(uploads, id)).toEqual(isPrivate ? { visibility } : {});
      expect(await atEdge(`/v/${id}/${SEGMENT}`)).toBe(404);
      await mendIn(1);
      expect(await atEdge(`/v/${id}/${SEGMENT}`)).toBe(isPrivate ? 404 : `/v/${id}/${SEGMENT}`);
      expect(await api.edgeStore.exists(id)).toBe(isPrivate);
    },
  );
});

describe('a playback token', () => {
  const create = (id: VideoId, limits: object, token = reader) =>
    api.ask('POST', `/api/videos/${id}/playback-tokens`, token, limits);

  test('plays its video for as long as was asked', async () => {
    const id = await playing();
    await change(id, 'private');
    const before = Date.now();
    const { status, body } = await create(id, { expiresIn: 600 });
    expect(status).toBe(201);
    expect(Math.round((Date.parse(body.expiresAt) - before) / 60_000)).toBe(10);
    expect(body.playbackUrl).toBe(`/t/${body.token}/v/${id}/master.m3u8`);
    expect(await atEdge(body.playbackUrl)).toBe(`/v/${id}/master.m3u8`);
    const other = await playing();
    await change(other, 'private');
    expect(await atEdge(`/t/${body.token}/v/${other}/master.m3u8`)).toBe(403);
  });

  test('plays for the address and the site that it is bound to, and for no other', async () => {
    const id = await playing();
    await change(id, 'private');
    const { body } = await create(id, { ip: '2001:DB8:0::1', referrer: 'Shop.Example' });
    const master = `/v/${id}/master.m3u8`;
    const page = 'https://shop.example/film';
    expect(await atEdge(body.playbackUrl, '2001:db8::1', page)).toBe(master);
    expect(await atEdge(body.playbackUrl, '2001:db8::2', page)).toBe(403);
    expect(await atEdge(body.playbackUrl, '2001:db8::1', 'https://other.example/')).toBe(403);
  });

  test.each([
    { limits: { expiresIn: 59 } },
    { limits: { expiresIn: 8 * 24 * 3600 } },
    { limits: { ip: '203.0.113.0/24' } },
    { limits: { ip: 'localhost' } },
    { limits: { referrer: 'https://shop.example/' } },
    { limits: { referer: 'shop.example' } },
  ])('is not made of $limits', async ({ limits }) => {
    expect((await create(newVideoId(), limits)).status).toBe(400);
  });

  test('is made for who may see the video', async () => {
    const id = await playing();
    await change(id, 'private');
    expect((await api.ask('POST', `/api/videos/${id}/playback-tokens`, undefined, {})).status).toBe(401);
    expect((await create(id, {}, await api.token('upload'))).status).toBe(403);
    expect((await create(newVideoId(), {})).status).toBe(404);
  });

  /** Makes a new key so many minutes from now. */
  async function rotateIn(minutes: number) {
    const then = Date.now() + minutes * 60_000;
    const spy = jest.spyOn(Date, 'now').mockReturnValue(then);
    const reply = await api.ask('POST', '/api/playback-keys', admin);
    spy.mockRestore();
    return reply;
  }

  test('outlives a new key, and ends with the next but one', async () => {
    const id = await playing();
    await change(id, 'private');
    const { playbackUrl } = (await create(id, {})).body;
    expect((await rotateIn(6)).status).toBe(201);
    expect(await atEdge(playbackUrl)).toBe(`/v/${id}/master.m3u8`);
    expect((await rotateIn(12)).status).toBe(201);
    expect(await atEdge(playbackUrl)).toBe(403);
    expect(await atEdge((await create(id, {})).body.playbackUrl)).toBe(`/v/${id}/master.m3u8`);
    expect((await api.ask('POST', '/api/playback-keys', reader)).status).toBe(403);
  });

  test('ends by no key that is made while the last is not known everywhere', async () => {
    const id = await playing();
    await change(id, 'private');
    await rotateIn(20);
    const { playbackUrl } = (await create(id, {})).body;
    expect(await rotateIn(24)).toMatchObject({ status: 409, body: { type: '/api/problems#conflict' } });
    expect(await atEdge(playbackUrl)).toBe(`/v/${id}/master.m3u8`);
  });

  test('ends by a new key that could not end it before', async () => {
    const id = await playing();
    await change(id, 'private');
    const { playbackUrl } = (await create(id, {})).body;
    await rotateIn(30);
    const { edge } = api.context;
    const update = edge.update.bind(edge);
    const spy = jest.spyOn(edge, 'update').mockImplementation((changes) => {
      if (Object.values(changes).includes(undefined)) throw new KeyValueStoreError('away');
      return update(changes);
    });
    expect(await rotateIn(36)).toMatchObject({ status: 503, body: { type: '/api/problems#unavailable' } });
    spy.mockRestore();
    expect(await atEdge(playbackUrl)).toBe(`/v/${id}/master.m3u8`);
    expect((await rotateIn(37)).status).toBe(409);
    expect(await atEdge(playbackUrl)).toBe(403);
  });

  test('is by a key that is good, also where two are made at once', async () => {
    const spy = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 50 * 60_000);
    const rotate = () => api.ask('POST', '/api/playback-keys', admin);
    const [one, other] = await Promise.all([rotate(), rotate()]);
    spy.mockRestore();
    expect([one.status, other.status]).toContain(201);
    const id = await playing();
    await change(id, 'private');
    const { playbackUrl } = (await create(id, {})).body;
    expect(await atEdge(playbackUrl)).toBe(`/v/${id}/master.m3u8`);
  });

  test('is an answer that may come later where the edge is away', async () => {
    const { edge } = api.context;
    const id = await playing();
    const spy = jest.spyOn(edge, 'update').mockRejectedValue(new KeyValueStoreError('arn:aws:secret'));
    const { status, headers, body } = await change(id, 'private');
    spy.mockRestore();
    expect([status, headers.get('retry-after')]).toEqual([503, '30']);
    expect(JSON.stringify(body)).not.toContain('arn:');
  });
});
