/** A private video whose segments are encrypted: who has a token has the key, and the file as it was. */
import { openAsBlob } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SpotreelClient } from '../../api/client/index.ts';
import { type Browser, browserTest, startBrowser, until } from '../support/browser.ts';
import { countFrames, makeClip } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const SECONDS = 10;
const RATE = 25;

// Before the platform's own end, which checks the streams that play: this one has no playlists of key frames, and can not be read.
afterAll(async () => {
  await client.deleteVideo(id);
  await browser?.close();
});
const spotreel = useSpotreel();
let client: SpotreelClient;
let browser: Browser;
let id: string;
let base: string;

beforeAll(async () => {
  client = new SpotreelClient({ url: spotreel.url });
  browser = await startBrowser();
  const clip = spotreel.path('clip.mp4');
  await makeClip(clip, SECONDS, RATE);
  const options = { encryption: 'aes-128', download: 'highest' } as const;
  ({ id } = await client.upload(await openAsBlob(clip), {
    fileName: 'clip.mp4',
    type: 'video/mp4',
    options,
  }));
  expect(await spotreel.ended(id)).toBe('ready');
  await client.updateVideo(id, { visibility: 'private' });
  const { playbackUrl = '' } = await client.createPlaybackToken(id);
  base = `${spotreel.url}${playbackUrl}`;
});

const textAt = async (url: string | URL) => (await fetch(url)).text();

/** Of the first rung: its playlist's address and text. */
async function rung() {
  const [path = ''] = /^[^#].*\.m3u8$/m.exec(await textAt(base)) ?? [];
  const url = new URL(path, base);
  return { url, text: await textAt(url) };
}

test('the key is behind the token, with everything else', async () => {
  const { url, text } = await rung();
  const [, path = ''] = /#EXT-X-KEY:METHOD=AES-128,URI="([^"]+)"/.exec(text) ?? [];
  const key = new URL(path, url);
  const answer = await fetch(key);
  expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 16]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect((await fetch(key.href.replace(/\/t\/[^/]+/, ''))).status).toBe(404);
});

test('no segment can be read without it', async () => {
  const { url, text } = await rung();
  const [, length, offset, file = ''] = /BYTERANGE:(\d+)@(\d+)\n(.*)/.exec(text) ?? [];
  const range = `bytes=${offset}-${Number(offset) + Number(length) - 1}`;
  const bytes = Buffer.from(await (await fetch(new URL(file, url), { headers: { range } })).arrayBuffer());
  expect(bytes).toHaveLength(Number(length));
  expect(bytes.includes('moof') || bytes.includes('mdat')).toBe(false);
});

test('its pictures and its download are made of it all the same', async () => {
  const details = (await (await fetch(new URL('video.json', base))).json()) as { thumbnails: object[] };
  expect(details.thumbnails.length).toBeGreaterThan(0);
  const { url } = await rung();
  expect(await countFrames(new URL('../download.mp4', url).href)).toBe(SECONDS * RATE);
});

browserTest('hls.js plays it', async () => {
  const { page, problems } = await browser.newTab();
  await page.goto(`${spotreel.url.replace('localhost', '127.0.0.1')}/watch?v=${id}`);
  await until('it plays', async () => {
    return page.evaluate(`(document.querySelector('video')?.currentTime ?? 0) > 0.5`);
  });
  expect(problems).toEqual([]);
});
