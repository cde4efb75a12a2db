/** Subtitles as a person adds them at the command line. */
import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { newVideoId } from '../../jobs/names.ts';
import { jsonOfCli } from '../support/cli.ts';
import { violations } from '../support/conformance.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import { cuesOf, readRenditions } from '../support/text.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const id = newVideoId();
const spotreel = useSpotreel();

beforeAll(async () => {
  const clip = spotreel.path('clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', numberedPicture('25', 8), clip);
  await spotreel.uploadAs(id, clip);
});

/** Runs the command line; what it printed. */
async function run(...args: string[]) {
  return jsonOfCli(['subtitles', ...args, '--url', spotreel.url]);
}

const master = () => `${spotreel.url}/v/${id}/master.m3u8`;

test('files in old encodings are added before and after the encode, listed and removed, and the stream stays by the book', async () => {
  const german = spotreel.path('film.de.srt');
  await writeFile(german, Buffer.from('1\r\n00:00:01,000 --> 00:00:07,000\r\nSchöne Grüße\r\n', 'latin1'));
  const [early] = await run('add', id, german, '--language', 'de', '--default');
  expect(early).toMatchObject({ name: 'German', kind: 'subtitles', default: true, cues: 1 });
  expect(await spotreel.ended(id)).toBe('ready');

  const english = spotreel.path('film.en.vtt');
  const vtt = '\ufeffWEBVTT\n\n00:02.000 --> 00:03.000 line:0\n[door slams]\n';
  await writeFile(english, Buffer.from(vtt, 'utf16le'));
  await run('add', id, english, '--language', 'en', '--kind', 'captions');
  const renditions = await readRenditions(master());
  expect(renditions.map(({ attributes, segments }) => [attributes['NAME'], segments.map(cuesOf)])).toEqual([
    [
      'German',
      [['00:00:01.000 --> 00:00:07.000 Schöne Grüße'], ['00:00:01.000 --> 00:00:07.000 Schöne Grüße']],
    ],
    ['English (SDH)', [['00:00:02.000 --> 00:00:03.000 line:0 [door slams]'], []]],
  ]);
  expect(await violations(master())).toEqual([]);

  expect(await run('list', id)).toMatchObject([{ id: early.id }, { name: 'English (SDH)' }]);
  await run('remove', id, early.id);
  const left = await readRenditions(master());
  expect(left.map(({ attributes }) => attributes['NAME'])).toEqual(['English (SDH)']);
});

test('what is no subtitle file is refused with a sentence', async () => {
  const clip = spotreel.path('clip.mp4');
  await expect(run('add', id, clip, '--language', 'en')).rejects.toThrow(
    /not subtitles|has times, but no text/,
  );
});
