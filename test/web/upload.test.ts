/** Uploading in a real browser, to a whole platform. */
import { randomBytes } from 'node:crypto';
import { readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { ApiError, SpotreelClient } from '../../api/client/index.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { type Browser, browserTest, startBrowser, until } from '../support/browser.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';

const MiB = 1024 ** 2;

let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;
let url: string;
let client: SpotreelClient;
/** Numbers of the parts that S3 was sent. */
let partsSent: number[] = [];
/** Milliseconds that S3 takes to answer a part. */
let partMs = 0;

beforeAll(async () => {
  folder = await scratch();
  platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder.path, 'data'),
    workers: 1,
    faults: {
      s3Request(method, path) {
        const [, part] = /[?&]partNumber=(\d+)/.exec(path) ?? [];
        if (method !== 'PUT' || part === undefined) return undefined;
        partsSent.push(Number(part));
        return { slowMs: partMs };
      },
      messageSent: () => 0,
      fleetRequested: () => undefined,
    },
  });
  url = platform.url.replace('localhost', '127.0.0.1');
  client = new SpotreelClient({ url });
});
afterAll(async () => {
  await platform?.close();
  await folder.remove();
});
beforeEach(() => {
  partsSent = [];
  partMs = 0;
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

const share = async (page: Page, name: string): Promise<number> =>
  Number(await row(page, name).getByRole('progressbar').getAttribute('value'));

/** Kills a browser as a crash does. Its profile names its process. */
async function kill(profile: string): Promise<void> {
  const [, pid = ''] = /-(\d+)$/.exec(await readlink(join(profile, 'SingletonLock'))) ?? [];
  process.kill(Number(pid), 'SIGKILL');
}

describe('the upload panel', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  browserTest('follows a file until its video plays, in one bar and in words', async () => {
    const file = join(folder.path, 'clip.mp4');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4', file);
    const { page, problems } = await browser.newTab();
    const seen: number[] = [];
    const words = new Set<string>();
    await choose(page, file);
    await row(page, 'clip.mp4').waitFor();
    await until('it is ready', async () => {
      seen.push(await share(page, 'clip.mp4'));
      words.add(
        ((await row(page, 'clip.mp4').locator('.words').textContent()) ?? '').split(/[ ,.]/)[0] ?? '',
      );
      return words.has('Ready');
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect([...words]).toEqual(expect.arrayContaining(['Uploaded', 'Ready']));
    await page.locator('#videos').getByRole('link', { name: 'clip.mp4' }).waitFor();
    await row(page, 'clip.mp4')
      .getByRole('link', { name: /^Watch/ })
      .click();
    await page.getByRole('heading', { name: 'clip.mp4' }).waitFor();
    expect(problems).toEqual([]);
  });

  browserTest('pauses, goes on with what is missing, and sends parts in parallel', async () => {
    const file = join(folder.path, 'paused.mov');
    await writeFile(file, randomBytes(100 * MiB));
    partMs = 500;
    const { page } = await browser.newTab();
    const id = await choose(page, file);
    await until('some parts are sent', async () => partsSent.length >= 4);
    await row(page, 'paused.mov')
      .getByRole('button', { name: /^Pause/ })
      .click();
    await row(page, 'paused.mov').locator('.words').getByText('Paused').waitFor();
    await sleep(2 * partMs); // what S3 has whole it may still be storing
    const there = (await client.listParts(id)).parts.map(({ number }) => number);
    partsSent = [];
    partMs = 0;
    await row(page, 'paused.mov')
      .getByRole('button', { name: /^Resume/ })
      .click();
    await row(page, 'paused.mov')
      .getByRole('link', { name: /^Watch/ })
      .waitFor();
    expect(partsSent.filter((number) => there.includes(number))).toEqual([]);
    expect((await client.showVideo(id)).sourceBytes).toBe(100 * MiB);
    await page.close();
  });

  browserTest('cancelled, leaves nothing', async () => {
    const file = join(folder.path, 'cancelled.mov');
    await writeFile(file, randomBytes(70 * MiB));
    partMs = 500;
    const { page } = await browser.newTab();
    const id = await choose(page, file);
    await until('a part is sent', async () => partsSent.length > 0);
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
    partMs = 400;
    const killed = await startBrowser({ profile });
    const { page } = await killed.newTab();
    const id = await choose(page, file);
    await until('half is sent', async () => partsSent.length >= 9);
    await kill(profile);
    await killed.close();

    await sleep(2 * partMs); // what S3 has whole it may still be storing
    const { parts, partCount } = await client.listParts(id);
    const there = parts.map(({ number }) => number);
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(partCount);

    partMs = 0;
    partsSent = [];
    const browser = await startBrowser({ profile });
    try {
      const { page: again } = await browser.newTab();
      await again.goto(url);
      await row(again, 'large.mov').getByText('Choose the same file again to go on').waitFor();
      await again.locator('#files').setInputFiles(file);
      await row(again, 'large.mov')
        .getByRole('link', { name: /^Watch/ })
        .waitFor();
      expect(partsSent.filter((number) => there.includes(number))).toEqual([]);
      expect(partsSent.length).toBe(partCount - there.length);
      expect((await client.showVideo(id)).sourceBytes).toBe(300 * MiB);
    } finally {
      await browser.close();
    }
  },
);
