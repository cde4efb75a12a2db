/** How other sites embed a video: oEmbed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { claimVideo } from '../../jobs/claim.ts';
import { newVideoId, sourceKey } from '../../jobs/names.ts';
import { ORIGIN_HEADER } from '../../jobs/platform.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
let admin: string;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.token('admin');
});
afterAll(() => api.close());

/** A video whose source is there. */
async function newVideo(title: string): Promise<string> {
  const { uploads } = api.context.stores;
  const id = newVideoId();
  const key = sourceKey(id);
  await uploads.put(key, 'x', { contentType: 'video/mp4' });
  const { video } = await claimVideo(uploads, {
    bucket: 'uploads',
    key,
    etag: 'e',
    size: 1,
    time: '2026-01-01T00:00:00Z',
  });
  await api.ask('PATCH', `/api/videos/${video}`, admin, { title });
  return video;
}

const oembed = (url: string, more = '') =>
  api.ask('GET', `/api/oembed?url=${encodeURIComponent(url)}${more}`, undefined, undefined, {
    [ORIGIN_HEADER]: 'https://video.example.org',
  });

test.each(['/watch?v=ID', '/watch?v=ID&t=30s', '/embed/ID'])('%s is answered with a frame', async (path) => {
  const id = await newVideo('Cats & "dogs" <b>');
  const { status, body } = await oembed(`https://video.example.org${path.replace('ID', id)}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    version: '1.0',
    type: 'video',
    title: 'Cats & "dogs" <b>',
    width: 640,
    height: 360,
  });
  expect(body.html).toContain(`<iframe src="https://video.example.org/embed/${id}" width="640" height="360"`);
  expect(body.html).toContain('title="Cats &amp; &quot;dogs&quot; &lt;b&gt;"');
});

test('a frame fits what the other site has room for, in the shape of the video', async () => {
  const id = await newVideo('Small');
  const { body } = await oembed(`https://video.example.org/watch?v=${id}`, '&maxwidth=320&maxheight=90');
  expect([body.width, body.height]).toEqual([160, 90]);
});

test('a private video is as one that is not there', async () => {
  const id = await newVideo('Secret');
  await api.ask('PATCH', `/api/videos/${id}`, admin, { visibility: 'private' });
  expect((await oembed(`https://video.example.org/watch?v=${id}`)).status).toBe(404);
});

test.each(['https://evil.example', 'http://video.example.org', 'https://video.example.org:8443'])(
  'a page at %s, which is not ours, is not vouched for',
  async (origin) => {
    const id = await newVideo('Ours');
    expect((await oembed(`${origin}/watch?v=${id}`)).status).toBe(404);
  },
);

test.each([
  { url: `https://video.example.org/watch?v=${newVideoId()}`, status: 404 },
  { url: 'https://video.example.org/watch', status: 404 },
  { url: 'javascript:alert(1)', status: 400 },
  { url: 'no address', status: 400 },
])('$url is answered $status', async ({ url, status }) => {
  expect((await oembed(url)).status).toBe(status);
});
