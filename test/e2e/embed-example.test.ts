/** examples/embed: the page as it stands plays a video of the platform that it names. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { type Browser, browserTest, startBrowser, until } from '../support/browser.ts';
import { ffmpeg } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/embed/index.html');

const spotreel = useSpotreel();
let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

browserTest('shows the player of a video, which plays when it is asked to', async () => {
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=8', spotreel.path('film.mp4'));
  const id = await spotreel.upload('film.mp4', await readFile(spotreel.path('film.mp4')));
  expect(await spotreel.ended(id)).toBe('ready');
  const address = spotreel.url.replace('localhost', '127.0.0.1');
  const text = (await readFile(EXAMPLE, 'utf8')).replace(
    'https://video.example.org/embed/ID',
    `${address}/embed/${id}`,
  );
  const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end(text));
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));

  const { page, problems } = await browser.newTab();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`); // it listens on a port
  await page.frameLocator('iframe').getByRole('button', { name: 'play' }).click();
  const player = page.frames().at(-1);
  await until(
    'it plays',
    async () => ((await player?.evaluate<number>("document.querySelector('video').currentTime")) ?? 0) > 0,
  );
  expect(problems).toEqual([]);
  await page.close();
  site.close();
});
