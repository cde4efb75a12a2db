/**
 * Takes the pictures of the pages that stand in the docs: each page in both themes, on a desk and on a phone, with videos
 * that a local platform really encodes: `npm run screenshots`
 */
import { openAsBlob } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { SpotreelClient } from '../api/client/index.ts';
import { inChromium, startBrowser } from '../test/support/chromium.ts';
import { ffmpeg } from '../test/support/media.ts';
import { type Spotreel, startSpotreel, stopAll } from '../test/support/spotreel.ts';

const CACHE = join(import.meta.dirname, '../.cache/screenshots');
const TARGET = join(import.meta.dirname, '../docs/images');

const SOUND = ['-f', 'lavfi', '-i', 'sine=f=220:d=40'];
const gradients = (colours: string, seed: number) =>
  `gradients=s=480x270:r=15:n=4:d=40:speed=0.02:seed=${seed}:${colours},scale=1280:720,format=yuv420p`;

/** What the library shows, newest last: ffmpeg's pictures, or what it can not read. */
const CLIPS = [
  { title: 'Meeting notes', input: ['-f', 'lavfi', '-i', 'sine=d=1'], name: 'notes.mp4', spoilt: true },
  { title: 'Interview, rough cut', input: ['-f', 'lavfi', '-i', 'sine=f=330:d=34'], name: 'interview.m4a' },
  {
    title: 'Test chart, upright',
    input: ['-f', 'lavfi', '-i', 'testsrc2=s=720x1280:d=9,format=yuv420p'],
    name: 'chart.mp4',
  },
  {
    title: 'Descending into the canyon, second take',
    input: ['-f', 'lavfi', '-i', gradients('c0=#3d0c02:c1=#b5541c:c2=#f2c078:c3=#5f0f40', 5), '-t', '14'],
    name: 'canyon.mp4',
  },
  {
    title: 'Aurora, long exposure',
    input: ['-f', 'lavfi', '-i', gradients('c0=#0b132b:c1=#1c7c54:c2=#73e2a7:c3=#3a506b', 3), '-t', '21'],
    name: 'aurora.mp4',
  },
  {
    title: 'Coast at dawn',
    input: [
      '-f',
      'lavfi',
      '-i',
      gradients('c0=#12355b:c1=#f4a261:c2=#e76f51:c3=#264653', 7),
      '-t',
      '40',
      ...SOUND,
    ],
    name: 'coast.mp4',
  },
] as const;

/** The last clip's chapters, in seconds. */
const CHAPTERS = [
  { title: 'Before sunrise', from: 0, to: 12 },
  { title: 'First light', from: 12, to: 27 },
  { title: 'Full day', from: 27, to: 40 },
];

/** WebP's, of 100: text stays sharp, and a picture has some tens of kilobytes. */
const QUALITY = 85;

const SIZES = [
  { name: 'desk', viewport: { width: 1280, height: 900 } },
  { name: 'phone', viewport: { width: 390, height: 844 } },
] as const;
const THEMES = ['light', 'dark'] as const;

/** Has the clips encoded. */
async function fill(spotreel: Spotreel, client: SpotreelClient): Promise<void> {
  const chapters = join(CACHE, 'chapters.txt');
  const lines = CHAPTERS.flatMap(({ title, from, to }) => [
    '[CHAPTER]\nTIMEBASE=1/1',
    `START=${from}\nEND=${to}\ntitle=${title}`,
  ]);
  await writeFile(chapters, [';FFMETADATA1', ...lines].join('\n'));
  for (const clip of CLIPS) {
    const file = join(CACHE, clip.name);
    if ('spoilt' in clip) await writeFile(file, 'Notes of the meeting of Monday. '.repeat(100));
    else await ffmpeg(...clip.input, '-i', chapters, '-preset', 'ultrafast', file);
    const { title, name: fileName } = clip;
    const { id } = await client.upload(await openAsBlob(file), { fileName, title, type: 'video/mp4' });
    await spotreel.ended(id);
  }
}

await rm(CACHE, { recursive: true, force: true });
await mkdir(CACHE, { recursive: true });
await mkdir(TARGET, { recursive: true });
const spotreel = await startSpotreel(join(CACHE, 'data'));
const client = new SpotreelClient({ url: spotreel.url });
await fill(spotreel, client);
const url = inChromium(spotreel.url);
const { videos } = await client.listVideos();
const idOf = (title: string) => videos.find((video) => video.title === title)?.id ?? '';

/** Stops at a moment, with the controls in sight. */
async function pauseAt(page: Page, seconds: number): Promise<void> {
  await page.locator('media-controller').waitFor();
  await page.evaluate(`(async () => {
    const video = document.querySelector('video');
    if (video.readyState < 3) await new Promise((done) => video.addEventListener('canplay', done, { once: true }));
    video.pause();
    video.currentTime = ${seconds};
    await new Promise((done) => video.addEventListener('seeked', done, { once: true }));
  })()`);
}

/** What is done on each page before its picture is taken. */
const PAGES: Record<string, (page: Page) => Promise<void>> = {
  async library(page) {
    await page.goto(url);
    await page.locator('#videos > li').first().waitFor();
    await page.waitForLoadState('networkidle');
  },
  async upload(page) {
    // A part that never ends: S3 is as near as this machine, and would be done before the picture.
    await page.route(`${spotreel.s3Url}/**`, () => {});
    await page.goto(url);
    const files = ['Harbour, second camera.mov', 'Harbour, first camera.mov'].map((name) => ({
      name,
      mimeType: 'video/quicktime',
      buffer: Buffer.alloc(2_000_000),
    }));
    await page.locator('#files').setInputFiles(files);
    await page.getByText('Uploading 0 %').first().waitFor();
    await page
      .getByRole('button', { name: /^Pause/ })
      .first()
      .click();
    await page.getByText('Paused').first().waitFor();
  },
  async watch(page) {
    await page.goto(`${url}/watch?v=${idOf('Coast at dawn')}`);
    await pauseAt(page, 14);
    await page.waitForLoadState('networkidle');
  },
  async embed(page) {
    await page.goto(`${url}/embed/${idOf('Aurora, long exposure')}`);
    await pauseAt(page, 4);
    await page.waitForLoadState('networkidle');
  },
  async failed(page) {
    await page.goto(`${url}/watch?v=${idOf('Meeting notes')}`);
    await page.locator('#failed').waitFor();
  },
};

for (const { name: size, viewport } of SIZES) {
  for (const colorScheme of THEMES) {
    const browser = await startBrowser({
      context: { colorScheme, viewport, deviceScaleFactor: 1 },
    });
    for (const [name, prepare] of Object.entries(PAGES)) {
      const { page, problems } = await browser.newTab();
      await prepare(page);
      const shot = join(CACHE, `${name}-${size}-${colorScheme}.png`);
      await page.screenshot({ path: shot, fullPage: name !== 'library' });
      const picture = join(TARGET, `${name}-${size}-${colorScheme}.webp`);
      await ffmpeg('-i', shot, '-quality', String(QUALITY), picture);
      console.log(picture, problems.join('; '));
      await page.close();
    }
    await browser.close();
    // What the picture of uploading began.
    for await (const { id } of client.eachVideo())
      if (!videos.some((video) => video.id === id)) await client.deleteVideo(id);
  }
}
await stopAll();
