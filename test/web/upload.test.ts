/** Uploading in a real browser, to a whole platform. */
import { randomBytes } from 'node:crypto';
import { readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import type { Page, Response } from 'playwright-core';
import { z } from 'zod';
import { ApiError, SpotreelClient } from '../../api/client/index.ts';
import { partsSchema } from '../../api/schemas.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { type Browser, browserTest, inChromium, startBrowser, until } from '../support/browser.ts';
import { ffmpeg } from '../support/media.ts';
import { partFaults } from '../support/parts.ts';
import { scratch } from '../support/spotreel.ts';

const MiB = 1024 ** 2;

let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;
let url: string;
let client: SpotreelClient;
/** Numbers of the parts that S3 took. */
let partsSent: number[] = [];
/** Number of the last part that S3 takes; it is too busy for those behind it, so that an upload stops there. */
let lastPart = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  folder = await scratch();
  platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder.path, 'data'),
    workers: 1,
    faults: partFaults((part) => {
      if (part > lastPart) return { refuse: 'before' };
      partsSent.push(part);
      return undefined;
    }),
  });
  url = inChromium(platform.url);
  client = new SpotreelClient({ url });
});
afterAll(async () => {
  await platform?.close();
  await folder.remove();
});
beforeEach(() => {
  partsSent = [];
  lastPart = Number.POSITIVE_INFINITY;
});

const row = (page: Page, name: string) => page.locator('#uploads > li').filter({ hasText: name });

/** Opens the page and chooses a file on it. Gives the id of the upload that comes of it. */
async function choose(page: Page, file: string): Promise<string> {
  await page.goto(url);
  const creation = page.waitForResponse(
    (response) => response.url() === `${url}/api/uploads` && response.request().method() === 'POST',
  );
  await page.locator('#files').setInputFiles(file);
  return z.object({ id: z.string() }).parse(await (await creation).json()).id;
}

/** Waits until S3 has all parts that it takes. */
const untilStopped = (id: string) =>
  until(`S3 has ${lastPart} parts`, async () => (await client.listParts(id)).parts.length === lastPart);

/** Numbers of the parts that are there, as a page is told when it goes on with an upload. */
async function toldParts(page: Page, id: string) {
  const isAnswer = (response: Response) =>
    response.url() === `${url}/api/uploads/${id}/parts` && response.request().method() === 'GET';
  const { parts, partCount } = partsSchema.parse(await (await page.waitForResponse(isAnswer)).json());
  return { there: new Set(parts.map(({ number }) => number)), partCount };
}

/**
 * Goes on with an upload that stopped, and holds it to sending all parts that are missing, each once, and no other.
 * @param resume does what a person does to go on
 */
async function goesOnWithTheRest(page: Page, name: string, id: string, resume: () => Promise<void>) {
  const stoppedAfter = lastPart;
  partsSent = [];
  lastPart = Number.POSITIVE_INFINITY;
  const told = toldParts(page, id);
  await resume();
  const { there, partCount } = await told;
  await row(page, name)
    .getByRole('link', { name: /^Watch/ })
    .waitFor();
  const all = Array.from({ length: partCount }, (_, index) => index + 1);
  expect([...there]).toEqual(all.slice(0, stoppedAfter));
  expect(partsSent.toSorted((a, b) => a - b)).toEqual(all.slice(stoppedAfter));
}

/** What a page showed of uploads, however short: each change is noted in the page itself. */
const shown = (page: Page) =>
  page.evaluate<{ shares: number[]; words: string[] }>('({ shares: window.shares, words: window.words })');

const NOTES_CHANGES = `
  window.shares = [];
  window.words = [];
  const look = () => {
    const [bar, words] = ['progress', '.words'].map((name) => document.querySelector('#uploads > li ' + name));
    if (bar) window.shares.push(bar.value);
    if (words) window.words.push(words.textContent);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
`;

/** Kills a browser as a crash does. Its profile names its process. */
async function kill(browser: Browser, profile: string): Promise<void> {
  const [, pid = ''] = /-(\d+)$/.exec(await readlink(join(profile, 'SingletonLock'))) ?? [];
  process.kill(Number(pid), 'SIGKILL');
  // Playwright may have noticed already.
  await browser.close().catch((error: unknown) => {
    if (!String(error).includes('Target page, context or browser has been closed')) throw error;
  });
}

describe('the upload panel', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  browserTest('names a file that is empty, and sends nothing', async () => {
    const file = join(folder.path, 'empty.mp4');
    await writeFile(file, '');
    const { page, problems } = await browser.newTab();
    await page.goto(url);
    await page.locator('#files').setInputFiles(file);
    await page.getByRole('status').getByText('empty.mp4 is empty').waitFor();
    expect(await row(page, 'empty.mp4').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  browserTest('follows a file until its video plays, in one bar and in words', async () => {
    const file = join(folder.path, 'clip.mp4');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4', file);
    const { page, problems } = await browser.newTab();
    await page.addInitScript(NOTES_CHANGES);
    await choose(page, file);
    await row(page, 'clip.mp4').locator('.words').getByText('Ready', { exact: true }).waitFor();
    const { shares, words } = await shown(page);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    const firsts = words.map((text) => text.split(/[ ,.]/)[0]);
    expect(firsts).toEqual(expect.arrayContaining(['Uploaded', 'Ready']));
    await page.locator('#videos').getByRole('link', { name: 'clip.mp4' }).waitFor();
    await row(page, 'clip.mp4')
      .getByRole('link', { name: /^Watch/ })
      .click();
    await page.getByRole('heading', { name: 'clip.mp4' }).waitFor();
    expect(problems).toEqual([]);
  });

  browserTest('pauses, and goes on with what is missing', async () => {
    const file = join(folder.path, 'paused.mov');
    await writeFile(file, randomBytes(100 * MiB));
    lastPart = 3;
    const { page } = await browser.newTab();
    const id = await choose(page, file);
    await untilStopped(id);
    await row(page, 'paused.mov')
      .getByRole('button', { name: /^Pause/ })
      .click();
    await row(page, 'paused.mov').locator('.words').getByText('Paused').waitFor();
    await goesOnWithTheRest(page, 'paused.mov', id, () =>
      row(page, 'paused.mov')
        .getByRole('button', { name: /^Resume/ })
        .click(),
    );
    expect((await client.showVideo(id)).sourceBytes).toBe(100 * MiB);
    await page.close();
  });

  browserTest('cancelled, leaves nothing', async () => {
    const file = join(folder.path, 'cancelled.mov');
    await writeFile(file, randomBytes(70 * MiB));
    lastPart = 2;
    const { page } = await browser.newTab();
    const id = await choose(page, file);
    await untilStopped(id);
    await row(page, 'cancelled.mov')
      .getByRole('button', { name: /^Cancel/ })
      .click();
    await row(page, 'cancelled.mov').waitFor({ state: 'detached' });
    const isGone = (error: unknown) => error instanceof ApiError && error.status === 404;
    await until('it is gone', () => client.showUpload(id).then(() => false, isGone));
    await page.close();
  });
});

browserTest(
  'an upload of 300 MB whose Chromium is killed goes on with the parts that are missing alone',
  async () => {
    const file = join(folder.path, 'large.mov');
    await writeFile(file, randomBytes(300 * MiB));
    const profile = join(folder.path, 'profile');
    lastPart = 9;
    const killed = await startBrowser({ profile });
    const { page } = await killed.newTab();
    const id = await choose(page, file);
    await untilStopped(id);
    await kill(killed, profile);

    const browser = await startBrowser({ profile });
    try {
      const { page: again } = await browser.newTab();
      await again.goto(url);
      await row(again, 'large.mov').getByText('Choose the same file again to go on').waitFor();
      await goesOnWithTheRest(again, 'large.mov', id, () => again.locator('#files').setInputFiles(file));
      expect((await client.showVideo(id)).sourceBytes).toBe(300 * MiB);
    } finally {
      await browser.close();
    }
  },
);
