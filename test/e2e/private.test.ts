/** A private video in players: ffmpeg, which knows plain addresses, and hls.js in Chromium, on pages of ours and of others. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { SpotreelClient } from '../../api/client/index.ts';
import { EXIT } from '../../cli/endings.ts';
import { newVideoId } from '../../jobs/names.ts';
import { type Browser, browserTest, startBrowser, until } from '../support/browser.ts';
import { jsonOfCli, runCli } from '../support/cli.ts';
import { countFrames, makeClip } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const SECONDS = 8;
const RATE = 25;

const id = newVideoId();
const spotreel = useSpotreel();
let client: SpotreelClient;
let browser: Browser;

beforeAll(async () => {
  client = new SpotreelClient({ url: spotreel.url });
  browser = await startBrowser();
  const clip = spotreel.path('clip.mp4');
  await makeClip(clip, SECONDS, RATE);
  await spotreel.uploadAs(id, clip);
  expect(await spotreel.ended(id)).toBe('ready');
});
afterAll(() => browser?.close());
beforeEach(() => client.updateVideo(id, { visibility: 'private' }));
// Every stream that plays is checked in the end, by its plain address.
afterEach(() => client.updateVideo(id, { visibility: 'unlisted' }));

const playedFrames = (path: string) => countFrames(`${spotreel.url}${path}`);

test('ffmpeg plays it whole at an address with a token, and not without', async () => {
  const { playbackUrl = '' } = await client.createPlaybackToken(id, { expiresIn: 600 });
  expect(await playedFrames(playbackUrl)).toBe(SECONDS * RATE);
  await expect(playedFrames(`/v/${id}/master.m3u8`)).rejects.toThrow('404');
});

test('what playlists name is open to the token, and to nobody else', async () => {
  const { playbackUrl = '', token } = await client.createPlaybackToken(id);
  const master = await (await fetch(`${spotreel.url}${playbackUrl}`)).text();
  const [media = ''] = /^[^#].*\.m3u8$/m.exec(master) ?? [];
  const playlist = new URL(media, `${spotreel.url}${playbackUrl}`);
  const [, init = ''] = /URI="([^"]+)"/.exec(await (await fetch(playlist)).text()) ?? [];
  const segment = new URL(init, playlist);
  expect(segment.pathname).toMatch(`/t/${token}/v/${id}/`);
  expect((await fetch(segment)).status).toBe(200);
  expect((await fetch(segment.href.replace(`/t/${token}`, ''))).status).toBe(404);
  expect((await fetch(segment.href.replace(token, `${token.slice(0, -2)}__`))).status).toBe(403);
});

test('`spotreel share` prints such an address, also for one viewer alone', async () => {
  const share = async (...args: string[]) => {
    const [made] = await jsonOfCli(['share', id, '--url', spotreel.url, ...args]);
    return fetch((made as { playbackUrl: string }).playbackUrl); // what the command prints
  };
  expect((await share('--expires-in', '600')).status).toBe(200);
  expect((await share('--ip', '127.0.0.1')).status).toBe(200);
  expect((await share('--ip', '203.0.113.7')).status).toBe(403);
  expect((await share('--referrer', 'shop.example')).status).toBe(403);
});

test('`spotreel share` of a video that does not play is an error, and prints no address', async () => {
  const upload = await client.createUpload({ fileName: 'a.mp4', size: 10, type: 'video/mp4' });
  const { code, stdout, stderr } = await runCli(['share', upload.id, '--url', spotreel.url]);
  expect([code, stdout]).toEqual([EXIT.failed, '']);
  expect(stderr).toContain('does not play yet');
});

browserTest(
  'the watch page plays it for who may see it, and nothing that it loads has the plain address',
  async () => {
    const { page, problems } = await browser.newTab();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${spotreel.url.replace('localhost', '127.0.0.1')}/watch?v=${id}`);
    await until('it plays', async () => {
      return page.evaluate(`(document.querySelector('video')?.currentTime ?? 0) > 0.5`);
    });
    expect(asked.filter((path) => /^\/t\/.*\.(mp4|m4a)$/.test(path)).length).toBeGreaterThan(1);
    expect(asked.filter((path) => path.startsWith('/v/'))).toEqual([]);
    expect(problems).toEqual([]);
  },
);
