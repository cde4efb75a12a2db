/** The whole way in a real browser: a file uploaded to the local platform, played on its watch page. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { z } from 'zod';
import { type Browser, browserTest, inChromium, startBrowser, until } from '../support/browser.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import { choose } from '../support/player.ts';
import { putSource, type Spotreel, scratch, startSpotreel, stopAll } from '../support/spotreel.ts';

const SECONDS = 30;
let folder: Awaited<ReturnType<typeof scratch>>;
let spotreel: Spotreel;
let browser: Browser;

beforeAll(async () => {
  folder = await scratch();
  spotreel = await startSpotreel(join(folder.path, 'data'));
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stopAll();
  await folder.remove();
});

const stateSchema = z.object({
  time: z.number(),
  ended: z.boolean(),
  error: z.string().nullable(),
  height: z.number(),
  frames: z.number(),
  audioBytes: z.number(),
  duration: z.number().nullable(),
});

browserTest(
  'an uploaded file plays to its end, with picture and sound; it seeks and switches levels',
  async () => {
    const file = join(folder.path, 'numbers.mp4');
    const sound = ['-f', 'lavfi', '-i', `sine=d=${SECONDS}`];
    await ffmpeg('-f', 'lavfi', '-i', numberedPicture('25', SECONDS), ...sound, '-pix_fmt', 'yuv420p', file);
    const id = await putSource(spotreel.s3, 'uploads/numbers.mp4', await readFile(file));

    // The page is opened while the video is encoded, and starts by itself.
    const { page, problems } = await browser.newTab();
    await until('the video is claimed', async () => (await spotreel.show(id)) !== undefined);
    await page.goto(`${inChromium(spotreel.url)}/watch?v=${id}`);
    const state = async () =>
      stateSchema.parse(
        await page.evaluate(`(() => {
        const video = document.querySelector('video') ?? document.createElement('video'); // before the player is there
        return {
          time: video.currentTime, ended: video.ended, error: video.error?.message ?? null, height: video.videoHeight,
          frames: video.getVideoPlaybackQuality().totalVideoFrames, audioBytes: video.webkitAudioDecodedByteCount,
          duration: Number.isFinite(video.duration) ? video.duration : null,
        };
      })()`),
      );
    const played = (seconds: number) =>
      until(`${seconds} s are played`, async () => {
        const now = await state();
        return now.time >= seconds && now;
      });
    const early = await played(0.5);
    const later = await played(2);
    expect(later.frames).toBeGreaterThan(early.frames);
    expect(later.audioBytes).toBeGreaterThan(early.audioBytes);
    await until('all of it is there', async () => Math.round((await state()).duration ?? 0) === SECONDS);

    await choose(page, 'Quality', '240p');
    await until('the level is 240p', async () => (await state()).height === 240);

    await page.evaluate(`void (document.querySelector('video').currentTime = ${SECONDS - 4})`);
    await until('it has ended', async () => (await state()).ended);
    expect((await state()).error).toBeNull();
    expect(problems).toEqual([]);
  },
);
