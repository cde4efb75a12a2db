/** Text tracks inside a source, through the whole platform. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect, test } from '@jest/globals';
import { violations } from '../support/conformance.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import { cuesOf, readRenditions } from '../support/text.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const spotreel = useSpotreel();

/** Uploads a file and waits for the end; the stream is by the book. */
async function encode(file: string): Promise<{ url: string; id: string }> {
  const id = await spotreel.upload(basename(file), await readFile(file));
  expect(await spotreel.ended(id)).toBe('ready');
  const url = `${spotreel.url}/v/${id}/master.m3u8`;
  expect(await violations(url)).toEqual([]);
  return { url, id };
}

/** A text file in the scratch folder. */
async function file(name: string, text: string): Promise<string> {
  const path = spotreel.path(name);
  await writeFile(path, text);
  return path;
}

const picture = ['-f', 'lavfi', '-i', numberedPicture('25', 14)];

test('every text track is a rendition with its language, name and flags, cut and timed as the picture', async () => {
  const srt = await file(
    'en.srt',
    '1\n00:00:01,000 --> 00:00:04,000\nBegins before the picture\n\n2\n00:00:08,500 --> 00:00:09,500\n<i>Over</i> a cut\n\n3\n00:00:16,000 --> 00:00:59,000\nEnds after it\n',
  );
  const ass = await file(
    'de.ass',
    '[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\nStyle: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,{\\an8\\c&H0000FF&}Oben, {\\i1}schräg{\\i0}\nDialogue: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 100{\\p0}\n',
  );
  const source = spotreel.path('texts.mkv');
  await ffmpeg(
    ...['-itsoffset', '3', ...picture, '-i', srt, '-i', ass, '-i', srt],
    ...[
      '-map',
      '0',
      '-map',
      '1',
      '-map',
      '2',
      '-map',
      '3',
      '-c:s:0',
      'srt',
      '-c:s:1',
      'ass',
      '-c:s:2',
      'srt',
    ],
    ...[
      '-metadata:s:s:0',
      'language=eng',
      '-metadata:s:s:1',
      'language=ger',
      '-metadata:s:s:2',
      'language=eng',
    ],
    ...['-disposition:s:0', 'hearing_impaired', '-disposition:s:1', 'default', '-disposition:s:2', 'forced'],
    source,
  );

  const { url } = await encode(source);
  const [german, forced, deaf] = await readRenditions(url);
  expect(german?.attributes).toMatchObject({
    'GROUP-ID': 'text',
    ...{ NAME: 'German', LANGUAGE: 'de', DEFAULT: 'YES', AUTOSELECT: 'YES', FORCED: 'NO' },
  });
  expect(forced?.attributes).toMatchObject({
    ...{ NAME: 'English (forced)', LANGUAGE: 'en', DEFAULT: 'NO', AUTOSELECT: 'YES', FORCED: 'YES' },
  });
  expect(deaf?.attributes).toMatchObject({
    ...{ NAME: 'English (SDH)', LANGUAGE: 'en', DEFAULT: 'NO', AUTOSELECT: 'YES', FORCED: 'NO' },
    CHARACTERISTICS:
      'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound',
  });
  const master = await (await fetch(url)).text();
  const variants = master.split('\n').filter((line) => line.startsWith('#EXT-X-STREAM-INF'));
  expect(variants.every((line) => line.includes('SUBTITLES="text"'))).toBe(true);

  // The picture begins three seconds into the file, and is shown two frames after the timeline's beginning.
  expect(deaf?.seconds).toEqual([6, 6, 2]);
  for (const segment of deaf?.segments ?? [])
    expect(segment).toMatch(/^WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:7200,LOCAL:00:00:00.000\n/);
  expect(deaf?.segments.map(cuesOf)).toEqual([
    [
      '00:00:00.000 --> 00:00:01.000 Begins before the picture',
      '00:00:05.500 --> 00:00:06.500 <i>Over</i> a cut',
    ],
    ['00:00:05.500 --> 00:00:06.500 <i>Over</i> a cut'],
    ['00:00:13.000 --> 00:00:14.000 Ends after it'],
  ]);
  expect(german?.segments.map(cuesOf)).toEqual([
    ['00:00:01.000 --> 00:00:02.000 line:0 Oben, <i>schräg</i>'],
    [],
    [],
  ]);
});

test('text in MP4 comes out in its own letters; a track that has no text is left out, with a finding', async () => {
  const words = await file('words.srt', '1\n00:00:02,000 --> 00:00:03,250\n«Größe» 字幕 & <b>fett</b>\n');
  const none = await file('none.srt', '1\n00:00:59,000 --> 00:00:59,900\nLong after the end\n');
  const source = spotreel.path('words.mp4');
  await ffmpeg(
    ...picture,
    '-i',
    words,
    '-i',
    none,
    '-map',
    '0',
    '-map',
    '1',
    '-map',
    '2',
    '-c:s',
    'mov_text',
    source,
  );

  const { url, id } = await encode(source);
  const renditions = await readRenditions(url);
  expect(renditions.map(({ attributes }) => attributes['LANGUAGE'])).toEqual(['und']);
  expect(renditions[0]?.segments.flatMap(cuesOf)).toEqual([
    '00:00:02.000 --> 00:00:03.250 «Größe» 字幕 &amp; <b>fett</b>',
  ]);
  const details = await (await fetch(`${spotreel.url}/v/${id}/video.json`)).json();
  expect(details).toMatchObject({
    findings: expect.arrayContaining([expect.objectContaining({ code: 'empty-subtitles' })]),
  });
});

testWithCorpus.each<
  [file: string, renditions: ReadonlyArray<readonly [name: string, language: string, first: string]>]
>([
  [
    'sample_with_srt.mkv',
    [['Subs Label', 'en', '00:00:00.000 --> 00:00:01.000 This is the first subtitle.']],
  ],
  [
    'sample_with_ass_subtitles.mkv',
    [['Subtitles', 'und', '00:00:00.000 --> 00:00:00.433 This is the first subtitle.']],
  ],
  [
    'bear-vp8-webvtt.webm',
    [['English', 'en', '00:00:00.000 --> 00:00:00.500 This is subtitle #1 (the first)']],
  ],
  ['sd-hls0000000000.ts', [['Captions', 'und', '00:00:00.000 --> 00:00:00.880 line:0 First subtitle']]],
  ['fragmented_captions.mp4', [['Captions', 'und', '00:00:01.870 --> 00:00:02.035 ♪MUSIC♪']]],
  ['sample_with_pgs_subtitles.mkv', []],
])('%s has the text tracks that its makers gave it', async (name, expected) => {
  const { url, id } = await encode(corpusFile(name));
  const renditions = await readRenditions(url);
  expect(
    renditions.map(({ attributes, segments }) => [
      attributes['NAME'],
      attributes['LANGUAGE'],
      segments.flatMap(cuesOf)[0],
    ]),
  ).toEqual(expected);
  const bitmap = expect.arrayContaining([expect.objectContaining({ code: 'bitmap-subtitles' })]);
  const details = await (await fetch(`${spotreel.url}/v/${id}/video.json`)).json();
  expect(details).toMatchObject({
    findings: expected.length > 0 ? expect.not.arrayContaining([bitmap]) : bitmap,
  });
});

testWithCorpus('captions of MPEG-2 keep their time where the file begins late', async () => {
  const late = spotreel.path('late.ts');
  const source = ['-i', corpusFile('sd-hls0000000000.ts'), '-map', '0:v', '-c:v', 'mpeg2video', '-q:v', '4'];
  await ffmpeg(...source, '-output_ts_offset', '50', late);
  const [captions] = await readRenditions((await encode(late)).url);
  expect(captions?.segments.flatMap(cuesOf)).toEqual([
    expect.stringMatching(/^00:00:00.000 --> 00:00:00.8[78]\d line:0 First subtitle$/),
    expect.stringMatching(/^00:00:01.1[67]\d --> 00:00:01.4[56]\d line:0 Second subtitle$/),
  ]);
});
