/** Real files of every class through the whole platform; `npm run corpus` takes all of them. */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { z } from 'zod';
import { judge } from '../../bench/corpus/judge.ts';
import { choose, oneOfEachClass, readManifest } from '../../bench/corpus/manifest.ts';
import { encodeEach, type Outcome } from '../../bench/corpus/run.ts';
import { videoKeys } from '../../jobs/names.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { type Browser, browserTest, inChromium, startBrowser, until } from '../support/browser.ts';
import { testWithCorpus } from '../support/corpus.ts';
import { expectByTheBook, PRODUCTION_BUCKET, scratch, treeOf } from '../support/spotreel.ts';

/** Larger files take too long here. */
const MOST_BYTES = 130_000;

/** What a browser plays: turned, in other colours, transparent, odd, old; many tracks, sound alone, with a cover and without. */
const PLAYED = [
  'portrait.MOV',
  'rotated_hdr_video.mov',
  'transparent.webm',
  'bear-vp9-odd-dimensions.webm',
  'bear.rm',
  'testWMV.wmv',
  'no_duration.webm',
  'bear-320x240-multitrack.webm',
  'test-pod.m4a',
  'bear-320x240-audio-only.webm',
];
/** What is encoded twice: a picture that is held for its sound, and transport streams whose clock overflows or jumps. */
const AGAIN = [
  'sample_with_pgs_subtitles.mkv',
  'bear-640x360_ptswraparound.ts',
  'derived_ts_concat_codec_change.ts',
];

/** Where what the browser showed is kept for a look. */
const SCREENSHOTS = join(tmpdir(), 'spotreel-corpus-screenshots');

const manifest = (await readManifest()) ?? [];
const entries =
  manifest.length === 0
    ? []
    : choose(manifest, [
        ...new Set([...oneOfEachClass(manifest, MOST_BYTES).map(({ file }) => file), ...PLAYED, ...AGAIN]),
      ]);

let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;
let outcomes: Outcome[];
let browser: Browser | undefined;

beforeAll(async () => {
  folder = await scratch();
  platform = await startLocalPlatform({ port: 0, dataDir: join(folder.path, 'one'), workers: 1 });
  outcomes = await encodeEach(platform, entries);
});
afterAll(async () => {
  await browser?.close();
  await platform?.close();
  await folder?.remove();
});

testWithCorpus(
  'every file becomes a stream that is as its source and by the book, or is refused by name',
  () => {
    expect(
      outcomes.flatMap((outcome) => judge(outcome).map((wrong) => `${outcome.entry.file}: ${wrong}`)),
    ).toEqual([]);
  },
);

const shownSchema = z.object({
  time: z.number(),
  frames: z.number(),
  audioBytes: z.number(),
  error: z.string().nullable(),
});

const playable = entries.length > 0 ? browserTest : testWithCorpus;

playable('a browser plays them, with picture and sound', async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  browser = await startBrowser();
  const { page, problems } = await browser.newTab();
  for (const { entry, id, playing } of outcomes.filter(({ entry }) => PLAYED.includes(entry.file))) {
    if (!playing) continue; // refused, where that is tolerated: the test above has looked
    await page.goto(`${inChromium(platform.url)}/watch?v=${id}`);
    const shown = await until(`${entry.file} plays`, async () => {
      const now = shownSchema.parse(
        await page.evaluate(`(() => {
          const video = document.querySelector('video') ?? document.createElement('video'); // before the player is there
          return {
            time: video.currentTime, error: video.error?.message ?? null,
            frames: video.getVideoPlaybackQuality().totalVideoFrames, audioBytes: video.webkitAudioDecodedByteCount,
          };
        })()`),
      );
      const pictures = playing.plan.picture ? now.frames > 0 : true;
      const sound = playing.plan.audio.length > 0 ? now.audioBytes > 0 : true;
      return (now.error !== null || (now.time > 0 && pictures && sound)) && now;
    });
    expect({ file: entry.file, error: shown.error }).toEqual({ file: entry.file, error: null });
    await page.locator('video').screenshot({ path: join(SCREENSHOTS, `${entry.file}.png`) });
  }
  expect(problems).toEqual([]);
});

testWithCorpus('the same files again give the same trees, byte for byte', async () => {
  const again = await startLocalPlatform({
    port: 0,
    dataDir: join(folder.path, 'two'),
    workers: 1,
    cores: 1,
  });
  try {
    for (const { entry, id } of await encodeEach(again, choose(manifest, AGAIN))) {
      const tree = await treeOf(again.s3, id);
      expect(Object.keys(tree)).toContain(videoKeys.master(id));
      expect({ file: entry.file, tree }).toEqual({ file: entry.file, tree: await treeOf(platform.s3, id) });
    }
  } finally {
    await again.close();
  }
});

testWithCorpus('a stream that is not by the book would be found', async () => {
  const ready = outcomes.find(({ playing }) => playing);
  if (!ready) throw new Error('nothing plays');
  const Key = videoKeys.master(ready.id);
  await platform.s3.send(new PutObjectCommand({ Bucket: PRODUCTION_BUCKET, Key, Body: '#EXTM3U\n' }));
  await expect(expectByTheBook(platform)).rejects.toThrow(/not by the book:\n/);
});
