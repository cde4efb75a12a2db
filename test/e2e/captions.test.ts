/** Captions as a viewer switches them on: from a file in the source and one beside it, seen in a real browser. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Browser, browserTest, inChromium, startBrowser, until } from '../support/browser.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import { choose, openSettings } from '../support/player.ts';
import { runOnce, type Spotreel, scratch, startSpotreel, stopAll } from '../support/spotreel.ts';
import { cuesOf, readRenditions } from '../support/text.ts';

const SECONDS = 12;
const srt = (words: string) => `1\n00:00:00,000 --> 00:00:${SECONDS},000\n${words}\n`;
let folder: Awaited<ReturnType<typeof scratch>>;
let spotreel: Spotreel;
let browser: Browser;
let id: string;

beforeAll(async () => {
  folder = await scratch();
  const [film, inside, beside] = ['film.mkv', 'inside.srt', 'film.de.srt'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string]; // three names, three paths
  await writeFile(inside, srt('Seen in English'));
  await writeFile(beside, srt('Auf Deutsch zu lesen'));
  const none = join(folder.path, 'none.srt');
  await writeFile(none, '1\n00:00:59,000 --> 00:00:59,900\nLong after the end\n');
  const picture = ['-f', 'lavfi', '-i', numberedPicture('25', SECONDS)];
  const maps = ['-map', '0', '-map', '1', '-map', '2', '-metadata:s:s:0', 'language=eng', '-c:s', 'srt'];
  await ffmpeg(...picture, '-i', inside, '-i', none, ...maps, '-disposition:s:0', 'hearing_impaired', film);

  const data = join(folder.path, 'data');
  const { code, videos } = await runOnce([film, beside], data);
  expect({ code, states: videos.map(({ state }) => state) }).toEqual({ code: 0, states: ['ready'] });
  id = videos[0]?.id ?? '';
  spotreel = await startSpotreel(data);
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stopAll();
  await folder.remove();
});

test('a subtitle file beside the video is attached to it, in the language of its name', async () => {
  const renditions = await readRenditions(`${spotreel.url}/v/${id}/master.m3u8`);
  const german = renditions.find(({ attributes }) => attributes['LANGUAGE'] === 'de');
  expect(german?.attributes['NAME']).toBe('German');
  expect(german?.segments.map(cuesOf)[0]).toEqual(['00:00:00.000 --> 00:00:12.000 Auf Deutsch zu lesen']);
});

test('video.json lists the text tracks of the source that have something to read', async () => {
  const details = await (await fetch(`${spotreel.url}/v/${id}/video.json`)).json();
  expect(details).toMatchObject({ text: [{ language: 'en', name: 'English (SDH)', kind: 'captions' }] });
});

const tracksSchema = z.array(z.object({ label: z.string(), mode: z.string(), words: z.array(z.string()) }));

browserTest(
  'the viewer switches captions on, changes their language and switches them off again',
  async () => {
    const { page, problems } = await browser.newTab();
    await page.goto(`${inChromium(spotreel.url)}/watch?v=${id}`);
    const showing = async () => {
      const tracks = await page.evaluate(`[...document.querySelector('video').textTracks].map((track) => ({
        label: track.label, mode: track.mode, words: [...(track.activeCues ?? [])].map(({ text }) => text),
      }))`);
      return tracksSchema.parse(tracks).filter(({ mode }) => mode === 'showing');
    };
    await until('the text tracks are known', async () =>
      page.evaluate<boolean>("document.querySelector('video')?.textTracks.length > 1"),
    );
    await openSettings(page, 'Captions');
    const offered = page.locator('media-captions-menu').getByRole('menuitemradio');
    expect(await offered.allInnerTexts()).toEqual(['Off', 'English (SDH)', 'German']);
    expect(await showing()).toEqual([]);
    await page.reload();
    await page.locator('media-controller').waitFor();
    for (const [label, words] of [
      ['English (SDH)', 'Seen in English'],
      ['German', 'Auf Deutsch zu lesen'],
    ] as const) {
      await page.evaluate("void (document.querySelector('video').currentTime = 1)");
      await choose(page, 'Captions', label);
      const seen = await until(`the words of ${label} are seen`, async () => {
        const tracks = await showing();
        return tracks.some((track) => track.words.length > 0) && tracks;
      });
      expect(seen).toEqual([{ label, mode: 'showing', words: [words] }]);
    }
    await choose(page, 'Captions', 'Off');
    await until('nothing is shown', async () => (await showing()).length === 0);
    expect(problems).toEqual([]);
  },
);
