/** A poster of the owner's own: checked by what it is, shown at once, kept through what is published afterwards. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { claimVideo } from '../../jobs/claim.ts';
import { newVideoId, sourceKey, type VideoId } from '../../jobs/names.ts';
import { MAX_POSTER_BYTES } from '../../jobs/posters.ts';
import { publish } from '../../jobs/publish.ts';
import { requestFirst } from '../../jobs/requests.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { makeTiny } from '../support/tiny-video.ts';

let api: TestApi;
let admin: string;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.token('admin');
});
afterAll(() => api.close());

/** A PNG's signature and header, which is all that is looked at. */
function png(width: number, height: number): Buffer {
  const file = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0', 'latin1');
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  return file;
}

async function send(method: 'PUT' | 'DELETE', id: string, file?: Buffer, token = admin) {
  const response = await api.app.request(`/api/videos/${id}/poster`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(file && { body: new Uint8Array(file) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** A video that is claimed, and what publishes it. */
async function claimed() {
  const { stores, settings } = api.context;
  const video = newVideoId();
  const object = {
    bucket: 'uploads',
    key: sourceKey(video),
    size: 1,
    etag: 'e',
    time: '2026-01-01T00:00:00Z',
  };
  const { claim } = await claimVideo(stores.uploads, object);
  const encode = { video, revision: await requestFirst(stores.uploads, video, claim, settings) };
  return {
    video,
    async publish() {
      await makeTiny(stores, encode);
      await publish(stores, encode);
    },
  };
}

const posterOf = async (id: VideoId) => (await api.ask('GET', `/api/videos/${id}`)).body.poster;
const detailsOf = async (id: VideoId) =>
  JSON.parse((await api.context.stores.production.getText(`v/${id}/video.json`)) ?? '');

test('is there before the video is, and stays when it is published', async () => {
  const { video, publish } = await claimed();
  expect((await send('PUT', video, png(640, 360))).status).toBe(204);
  const path = await posterOf(video);
  expect(path).toMatch(new RegExp(`^/v/${video}/poster/[0-9a-f]{16}\\.png$`));
  await publish();
  expect(await posterOf(video)).toBe(path);
  const { poster } = await detailsOf(video);
  expect(poster).toEqual({ path: path.slice(`/v/${video}/`.length), width: 640, height: 360 });
  const stored = await api.context.stores.production.getRange(path.slice(1), 0, 24);
  expect(stored.equals(png(640, 360))).toBe(true);
});

test('takes the place of the chosen one at once, and gives it back', async () => {
  const { video, publish } = await claimed();
  await publish();
  const { production } = api.context.stores;
  const chosen = { path: 'r/stills/poster-1280.jpg', width: 1280, height: 720 };
  const details = { ...(await detailsOf(video)), poster: chosen, thumbnails: [chosen] };
  await production.putJson(`v/${video}/video.json`, details);
  expect(await posterOf(video)).toBe(`/v/${video}/${chosen.path}`);
  await send('PUT', video, png(1, 2));
  expect((await detailsOf(video)).poster).toMatchObject({ width: 1, height: 2 });
  expect((await send('DELETE', video)).status).toBe(204);
  expect((await send('DELETE', video)).status).toBe(204);
  expect(await detailsOf(video)).toEqual(details);
});

test('is stored no longer than it is shown', async () => {
  const { video } = await claimed();
  const stored = async () => (await api.keysOf(video)).filter((key) => key.includes('/poster/'));
  for (const width of [1, 2, 2]) {
    await send('PUT', video, png(width, 1));
    expect(await stored()).toEqual([`production${await posterOf(video)}`]);
  }
  await send('DELETE', video);
  expect(await stored()).toEqual([]);
});

test('goes with its video', async () => {
  const { video } = await claimed();
  await send('PUT', video, png(1, 2));
  await api.ask('DELETE', `/api/videos/${video}`, admin);
  expect((await api.keysOf(video)).filter((key) => !key.startsWith('uploads/deleted/'))).toEqual([]);
});

describe('is refused', () => {
  test.each<[name: string, file: Buffer, status: number, detail: string]>([
    ['that is no picture', Buffer.from('<svg/>'), 422, 'no JPEG, PNG or WebP'],
    ['that is empty', Buffer.alloc(0), 422, 'no JPEG, PNG or WebP'],
    ['of too many bytes', Buffer.alloc(MAX_POSTER_BYTES + 1), 413, String(MAX_POSTER_BYTES)],
    ['of too many pixels', png(8193, 1), 413, '8193 x 1 pixels'],
  ])('%s', async (_, file, status, detail) => {
    const { video } = await claimed();
    const reply = await send('PUT', video, file);
    expect(reply).toMatchObject({ status, body: { detail: expect.stringContaining(detail) } });
    expect(await posterOf(video)).toBeUndefined();
  });

  test('of no video, and by who may not', async () => {
    expect((await send('PUT', newVideoId(), png(1, 1))).status).toBe(404);
    const { video } = await claimed();
    expect((await send('PUT', video, png(1, 1), await api.token('read', 'upload'))).status).toBe(403);
    expect((await send('DELETE', video, undefined, await api.token('read', 'upload'))).status).toBe(403);
  });
});
