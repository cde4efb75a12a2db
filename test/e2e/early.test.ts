/** A video is watched while the rest of it is encoded: in a real browser, from the local platform. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { checkStream } from '../../check/check.ts';
import { httpReader } from '../../cli/http-reader.ts';
import { type Browser, browserTest, inChromium, startBrowser, until } from '../support/browser.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import {
  putSource,
  type Spotreel,
  scratch,
  startSpotreel,
  stopAll,
  treeOf,
  workerPids,
} from '../support/spotreel.ts';

const SECONDS = 40;
const KEY = 'uploads/numbers.mp4';
let folder: Awaited<ReturnType<typeof scratch>>;
let source: Buffer;
let browser: Browser;

beforeAll(async () => {
  folder = await scratch();
  const file = join(folder.path, 'numbers.mp4');
  const sound = ['-f', 'lavfi', '-i', `sine=d=${SECONDS}`];
  await ffmpeg('-f', 'lavfi', '-i', numberedPicture('25', SECONDS), ...sound, '-pix_fmt', 'yuv420p', file);
  source = await readFile(file);
  browser = await startBrowser();
});
/** Ends of what a test holds; a worker that is held when a test fails would keep its platform from ending. */
const held = new Set<() => void>();
afterAll(async () => {
  for (const goOn of held) goOn();
  await browser?.close();
  await stopAll();
  await folder.remove();
});

const upload = ({ s3 }: Spotreel) => putSource(s3, KEY, source);

/** Waits until a video can be watched before its end, and holds its workers there. */
async function heldEarly(spotreel: Spotreel, id: string): Promise<{ url: string; goOn: () => void }> {
  const playbackUrl = await until('something plays', async () => (await spotreel.show(id))?.playbackUrl);
  const workers = await workerPids(spotreel.process.pid ?? 0);
  for (const pid of workers) process.kill(pid, 'SIGSTOP');
  const goOn = () => {
    held.delete(goOn);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
  };
  held.add(goOn);
  expect(await spotreel.show(id)).toMatchObject({ state: 'encoding', early: true });
  return { url: `${spotreel.url}${playbackUrl}`, goOn };
}

const stateSchema = z.object({
  time: z.number(),
  duration: z.number(),
  ended: z.boolean(),
  /** Seconds to which it jumped; empty where it never did. */
  jumped: z.string(),
  error: z.string().nullable(),
});

const stateOf = async (page: Page) =>
  stateSchema.parse(
    await page.evaluate(`(() => {
      const { currentTime, duration, ended, error, dataset } =
        document.querySelector('video') ?? document.createElement('video'); // before the player is there
      return { time: currentTime, duration: duration || 0, ended, jumped: dataset.jumped ?? '', error: error?.message ?? null };
    })()`),
  );

browserTest('a page plays what there is, says so, and goes on to the end as the rest comes', async () => {
  const spotreel = await startSpotreel(join(folder.path, 'watched'), '--workers', '1');
  const id = await upload(spotreel);
  const { url, goOn } = await heldEarly(spotreel, id);
  expect(url).toMatch(/early\.m3u8$/);

  const { page, problems } = await browser.newTab();
  await page.goto(`${inChromium(spotreel.url)}/watch?v=${id}`);
  const first = await until('it plays', async () => {
    const now = await stateOf(page);
    return now.time > 0.5 && now;
  });
  // From the beginning, though that is not the end that grows; the seek bar has what there is.
  expect(first.time).toBeLessThan(6);
  expect(first.duration).toBeGreaterThan(5);
  expect(first.duration).toBeLessThan(SECONDS - 5);
  await until('it says that more comes', () => page.getByText('still being encoded').isVisible());

  await page.evaluate(`(() => {
    const video = document.querySelector('video');
    video.playbackRate = 4;
    video.addEventListener('seeking', () => video.dataset.jumped = video.currentTime);
  })()`);
  await until('all that there is was played', async () => {
    const now = await stateOf(page);
    return now.time > now.duration - 1;
  });
  expect((await stateOf(page)).ended).toBe(false);
  goOn();
  await until('it has ended', async () => (await stateOf(page)).ended);
  const last = await stateOf(page);
  expect(last).toMatchObject({ error: null, jumped: '' });
  expect(last.duration).toBeCloseTo(SECONDS, 0);
  await until('it says no more that more comes', async () => {
    return !(await page.getByText('still being encoded').isVisible());
  });
  expect(problems).toEqual([]);
});

/** What is wrong with a stream as it is now; and of how many segments. */
async function look(url: string) {
  const { findings, unchecked, segments } = await checkStream(httpReader, url);
  const errors = findings.filter(({ severity }) => severity === 'error');
  return { errors: errors.map(({ rule, message }) => `${rule}: ${message}`), unchecked, segments };
}

test('what grows is by the book at every moment, and leaves the tree of a video that nobody watched', async () => {
  const calm = await startSpotreel(join(folder.path, 'calm'), '--workers', '2');
  const id = await upload(calm);
  expect(await calm.ended(id)).toBe('ready');
  const unwatched = await treeOf(calm.s3, id);
  await calm.interrupt();

  const spotreel = await startSpotreel(join(folder.path, 'grown'), '--workers', '1');
  await upload(spotreel);
  const { url, goOn } = await heldEarly(spotreel, id);
  const before = await look(url);
  expect(before.errors).toEqual([]);
  expect(before.unchecked).not.toEqual([]);
  goOn();
  const grown = await until('it has grown', async () => {
    const now = await look(url);
    return now.segments > before.segments && now;
  });
  expect(grown.errors).toEqual([]);

  // One worker's machine is lost, and the next one goes on.
  for (const pid of await workerPids(spotreel.process.pid ?? 0)) process.kill(pid, 'SIGKILL');
  expect(await spotreel.ended(id)).toBe('ready');
  expect(await look(url)).toMatchObject({ errors: [], unchecked: [] });
  expect(await treeOf(spotreel.s3, id)).toEqual(unwatched);
});
