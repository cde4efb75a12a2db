/** The player's controls in a real browser: where it starts, its keys, its preview on the timeline, and in a frame. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { browserTest, until } from '../support/browser.ts';
import { PLAYABLE, READY } from '../support/site.ts';
import { useSite } from '../support/use-site.ts';

const site = useSite();

beforeAll(() => site.show(READY));

const time = (page: Page) => page.evaluate<number>("document.querySelector('video')?.currentTime ?? 0");
/** Where it is once it has arrived there: Chromium pauses what is told to play before a seek to the end is over. */
const arrival = (page: Page) =>
  page.evaluate<number | undefined>(
    "(({ seeking, currentTime }) => (seeking ? undefined : currentTime))(document.querySelector('video'))",
  );
const isPaused = (page: Page) => page.evaluate<boolean>("document.querySelector('video').paused");

const seek = (page: Page, seconds: number) =>
  page.evaluate(`void (document.querySelector('video').currentTime = ${seconds})`);

/** Opens a page of the video and waits until it plays. */
async function play(path: string) {
  const { page, problems } = await site.newTab();
  await page.goto(`${site.url}${path}`);
  await until('it plays', async () => (await time(page)) > 0.2);
  return { page, problems };
}

browserTest.each([
  { t: '5', seconds: 5 },
  { t: '5s', seconds: 5 },
  { t: '0m6s', seconds: 6 },
  { t: '0:04', seconds: 4 },
])('a link with t=$t starts at $seconds s', async ({ t, seconds }) => {
  const { page, problems } = await play(`/watch?v=${PLAYABLE}&t=${t}`);
  const now = await time(page);
  expect(now).toBeGreaterThanOrEqual(seconds);
  expect(now).toBeLessThanOrEqual(8.1);
  expect(problems).toEqual([]);
  await page.close();
});

browserTest('has keys: space, arrows, mute, without the focus being on the player', async () => {
  const { page } = await play(`/watch?v=${PLAYABLE}`);
  await page.keyboard.press(' ');
  await until('it is paused', () => isPaused(page));
  await seek(page, 0);
  await page.keyboard.press('ArrowRight');
  await until('it went forward', async () => ((await arrival(page)) ?? 0) > 7);
  await page.keyboard.press('ArrowLeft'); // from its very end it would play on only by starting anew
  await until('it went back', async () => ((await arrival(page)) ?? 9) < 1);
  await page.keyboard.press('m');
  await until('it is muted', () => page.evaluate<boolean>("document.querySelector('video').muted"));
  await page.keyboard.press('k');
  await until('it goes on', async () => !(await isPaused(page)));
  await page.close();
});

browserTest('shows pictures of the storyboard over the timeline', async () => {
  const { page } = await play(`/watch?v=${PLAYABLE}`);
  const preview = page.locator('media-time-range media-preview-thumbnail');
  const timeline = page.locator('media-time-range');
  const width = (await timeline.boundingBox())?.width ?? 0;
  for (const { at, x } of [
    { at: 0.25, x: 0 },
    { at: 0.75, x: 160 },
  ]) {
    await timeline.hover({ position: { x: width * at, y: 10 } });
    await until(`the picture at ${at} is seen`, async () =>
      (await preview.getAttribute('mediapreviewcoords'))?.startsWith(`${x} `),
    );
    expect(await preview.getAttribute('mediapreviewimage')).toContain('/sprite.jpg');
  }
  await page.close();
});

browserTest('the link that is shared leads to the moment, where that is wanted', async () => {
  const { page } = await play(`/watch?v=${PLAYABLE}`);
  await page.keyboard.press(' ');
  await until('it is paused', () => isPaused(page));
  await seek(page, 6.5);
  await page.getByRole('button', { name: 'Share' }).click();
  const link = page.getByRole('textbox', { name: 'Link' });
  expect(await link.inputValue()).toBe(`${site.url}/watch?v=${PLAYABLE}`);
  await page.getByRole('checkbox').check();
  expect(await link.inputValue()).toMatch(new RegExp(`/watch\\?v=${PLAYABLE}&t=6s$`));
  expect(await page.getByRole('textbox', { name: 'Embed' }).inputValue()).toContain(`/embed/${PLAYABLE}"`);
  await page.close();
});

browserTest(
  'plays in the frame of another site, when it is asked to, and follows nothing: it is whole',
  async () => {
    const { page, problems } = await site.newTab();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const other = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(
        `<link rel="icon" href="data:,"><iframe src="${site.url}/embed/${PLAYABLE}" width="480" height="270"></iframe>`,
      );
    });
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`); // it listens on a port
    const frame = page.frameLocator('iframe');
    await frame.getByRole('button', { name: 'play' }).click();
    const playing = page.frames().at(-1);
    await until(
      'it plays',
      async () =>
        ((await playing?.evaluate<number>("document.querySelector('video').currentTime")) ?? 0) > 0.2,
    );
    expect(problems).toEqual([]);
    expect(asked).toContain(`/api/videos/${PLAYABLE}`);
    expect(asked).not.toContain('/api/live');
    await page.close();
    other.close();
  },
);
