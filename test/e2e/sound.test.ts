import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { detailsSchema } from '../../video/details.ts';
import { violations } from '../support/conformance.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { ffmpeg, greyOf } from '../support/media.ts';
import { readChannels } from '../support/tones.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const spotreel = useSpotreel();

/** Uploads a file. */
async function upload(file: string): Promise<string> {
  return spotreel.upload(basename(file), await readFile(file));
}

/** Uploads a file and waits for the end: it is ready, and by the book. */
async function encode(file: string): Promise<{ id: string; url: string; master: string }> {
  const id = await upload(file);
  expect(await spotreel.ended(id)).toBe('ready');
  const url = `${spotreel.url}/v/${id}/master.m3u8`;
  expect(await violations(url)).toEqual([]);
  return { id, url, master: await (await fetch(url)).text() };
}

const detailsOf = async (id: string) =>
  detailsSchema.parse(await (await fetch(`${spotreel.url}/v/${id}/video.json`)).json());

/** The attributes of each line of a tag. */
const attributesOf = (master: string, tag: string): Record<string, string>[] =>
  master.split('\n').flatMap((line) => {
    if (!line.startsWith(`#${tag}:`)) return [];
    const pairs = [...line.matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g)];
    return [Object.fromEntries(pairs.map(([, name, value = '']) => [name, value.replaceAll('"', '')]))];
  });

const SECONDS = 8;
const PICTURE = ['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=25:d=${SECONDS}`];
const tone = (hertz: number, layout: string, channels: number) => {
  const one = `0.3*sin(2*PI*${hertz}*t)`;
  return ['-f', 'lavfi', '-i', `aevalsrc='${Array(channels).fill(one).join('|')}':c=${layout}:d=${SECONDS}`];
};

describe('several tracks', () => {
  test('each is a rendition that sounds like itself, named, and in 5.1 where it has as much', async () => {
    const file = spotreel.path('tracks.mkv');
    await ffmpeg(
      ...PICTURE,
      ...tone(400, 'stereo', 2),
      ...tone(500, 'mono', 1),
      ...tone(600, '5.1', 6),
      ...tone(700, 'stereo', 2),
      ...['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map', '4', '-c:a', 'flac'],
      ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:0', "title=Director's commentary"],
      ...['-metadata:s:a:1', 'language=ger', '-metadata:s:a:2', 'language=fre'],
      ...['-metadata:s:a:3', 'language=eng', '-disposition:a:3', 'visual_impaired'],
      ...['-disposition:a:2', 'default', '-disposition:a:0', '0', '-disposition:a:1', '0'],
      file,
    );
    const { url, master } = await encode(file);

    const media = attributesOf(master, 'EXT-X-MEDIA');
    const expected = [
      ['French', 'fr', 'YES', 'YES', undefined, 600],
      ['German', 'de', 'NO', 'YES', undefined, 500],
      ['English (audio description)', 'en', 'NO', 'YES', 'public.accessibility.describes-video', 700],
      ["English (Director's commentary)", 'en', 'NO', 'NO', undefined, 400],
    ] as const;
    for (const [group, channels] of [
      ['audio', ['2', '2', '2', '2']],
      ['surround', ['6', '2', '2', '2']],
    ] as const) {
      const members = media.filter((tag) => tag['GROUP-ID'] === group);
      expect(members.map((tag) => tag['CHANNELS'])).toEqual(channels);
      for (const [
        index,
        [name, language, isDefault, autoselect, characteristics, hertz],
      ] of expected.entries()) {
        const tag = members[index];
        expect(tag).toMatchObject({
          NAME: name,
          LANGUAGE: language,
          DEFAULT: isDefault,
          AUTOSELECT: autoselect,
        });
        expect(tag?.['CHARACTERISTICS']).toBe(characteristics);
        const uri = new URL(tag?.['URI'] ?? '', url).href;
        const heard = await readChannels(['-i', uri], [400, 500, 600, 700]);
        expect(heard.map((channel) => channel.tone)).toEqual(Array(Number(channels[index])).fill(hertz));
      }
    }
    const variants = attributesOf(master, 'EXT-X-STREAM-INF');
    const rungs = (group: string) =>
      variants.filter(({ AUDIO }) => AUDIO === group).map(({ RESOLUTION }) => RESOLUTION);
    expect(rungs('audio').toSorted()).toEqual(['426x240', '640x360']);
    expect(rungs('surround').toSorted()).toEqual(['426x240', '640x360']);
    expect(variants[0]?.['AUDIO']).toBe('audio');
  });

  test('a video without sound has a stream without sound', async () => {
    const file = spotreel.path('silent.mp4');
    await ffmpeg(...PICTURE, file);
    const { master } = await encode(file);
    expect(attributesOf(master, 'EXT-X-MEDIA')).toEqual([]);
    for (const variant of attributesOf(master, 'EXT-X-STREAM-INF')) {
      expect(variant['CODECS']).toMatch(/^avc1\.\w+$/);
      expect(variant['AUDIO']).toBeUndefined();
    }
  });
});

describe('a damaged track does not take the picture with it', () => {
  /** A video with an English and a German track, whose bytes are damaged. */
  async function damaged(name: string, every: number): Promise<string> {
    const whole = spotreel.path(`whole-${name}`);
    const languages = ['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=ger'];
    const codec = ['-c:a', 'aac', '-b:a', '128k', '-map', '0', '-map', '1', '-map', '2'];
    await ffmpeg(
      ...PICTURE,
      ...tone(400, 'stereo', 2),
      ...tone(500, 'stereo', 2),
      ...codec,
      ...languages,
      whole,
    );
    const file = spotreel.path(name);
    const noise = every === 1 ? '1' : `if(eq(mod(n,${every}),5),1,0)`;
    await ffmpeg('-i', whole, '-map', '0', '-c', 'copy', '-bsf:a:1', `noise=amount='${noise}'`, file);
    return file;
  }
  const names = (master: string) => attributesOf(master, 'EXT-X-MEDIA').map(({ NAME }) => NAME);

  test('one of which nothing can be decoded is left out, and the finding names it', async () => {
    const { id, master } = await encode(await damaged('broken.mkv', 1));
    expect(names(master)).toEqual(['English']);
    const details = await detailsOf(id);
    expect(details).toMatchObject({
      audio: [{ language: 'en', name: 'English', surround: false }],
      findings: expect.arrayContaining([
        {
          code: 'broken-audio',
          text: expect.stringMatching(/^Audio track 2 \("German"\) could not be decoded/),
        },
      ]),
    });
  });

  test('one with holes stays, is silent there, and the finding says for how long', async () => {
    const { id, master } = await encode(await damaged('holes.mkv', 10));
    expect(names(master)).toEqual(['English', 'German']);
    const details = await detailsOf(id);
    expect(details).toMatchObject({
      findings: expect.arrayContaining([
        { code: 'damaged-audio', text: expect.stringMatching(/"German".* about 0\.\d s of its 8\.0 s/) },
      ]),
    });
  });
});

describe('sound alone is a stream of sound', () => {
  /** A picture for a cover, 300 x 200, half of it white. */
  async function cover(): Promise<string> {
    const file = spotreel.path('cover.png');
    const white = 'color=white:s=300x200,drawbox=150:0:150:200:black:fill';
    await ffmpeg('-f', 'lavfi', '-i', white, '-frames:v', '1', '-pix_fmt', 'rgb24', file);
    return file;
  }
  const tagged = (image: string) => [
    '-i',
    image,
    '-map',
    '0:a',
    '-map',
    '1:v',
    '-disposition:v',
    'attached_pic',
  ];

  test.each([
    ['a podcast', 'talk.mp3', 'stereo', ['-c:a', 'libmp3lame', '-b:a', '96k']],
    ['a song', 'song.m4a', 'stereo', ['-c:a', 'aac', '-b:a', '160k']],
    ['a lossless one', 'song.flac', 'mono', ['-c:a', 'flac', '-ar', '96000']],
  ])('%s (%s) plays with its cover as the poster', async (_, name, layout, codec) => {
    const file = spotreel.path(name);
    const channels = layout === 'mono' ? 1 : 2;
    await ffmpeg(...tone(500, layout, channels), ...tagged(await cover()), ...codec, '-c:v', 'mjpeg', file);
    const { id, url, master } = await encode(file);

    const [variant, ...others] = attributesOf(master, 'EXT-X-STREAM-INF');
    expect(others).toEqual([]);
    expect(variant).toMatchObject({ CODECS: 'mp4a.40.2', AUDIO: 'audio' });
    expect(variant).not.toHaveProperty('RESOLUTION');
    const heard = await readChannels(['-i', url], [400, 500, 600]);
    expect(heard.map((channel) => channel.tone)).toEqual([500, 500]);

    const details = await detailsOf(id);
    expect(details).toMatchObject({
      ...{ width: 0, height: 0, rungs: [], audio: [{ language: 'und', name: 'Audio', surround: false }] },
      findings: [{ code: 'no-picture', text: expect.stringMatching(/its cover is shown/) }],
      poster: { width: 300, height: 200 },
    });
    expect(details.durationSeconds).toBeGreaterThanOrEqual(SECONDS - 0.05);
    expect(details.durationSeconds).toBeLessThan(SECONDS + 0.1);
    expect(await spotreel.show(id)).toMatchObject({ state: 'ready', percent: 100 });
    const poster = `${spotreel.url}/v/${id}/${details.poster?.path}`;
    const [left, right] = await greyOf(poster);
    expect(left).toBeGreaterThan(250);
    expect(right).toBeLessThan(5);
  });

  test('several languages and 5.1 without any picture: a variant a group', async () => {
    const file = spotreel.path('radio.mka');
    const languages = ['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fre'];
    await ffmpeg(
      ...tone(400, '5.1', 6),
      ...tone(500, 'stereo', 2),
      '-map',
      '0',
      '-map',
      '1',
      ...languages,
      file,
    );
    const { id, master } = await encode(file);
    expect(attributesOf(master, 'EXT-X-STREAM-INF').map(({ AUDIO }) => AUDIO)).toEqual(['audio', 'surround']);
    expect(attributesOf(master, 'EXT-X-MEDIA').map(({ NAME, CHANNELS }) => `${NAME} ${CHANNELS}`)).toEqual([
      ...['English 2', 'French 2', 'English 6', 'French 2'],
    ]);
    const details = await detailsOf(id);
    expect(details).not.toHaveProperty('poster');
  });

  test('of which nothing can be decoded fails by name', async () => {
    const whole = spotreel.path('whole.mka');
    await ffmpeg(...tone(400, 'stereo', 2), '-c:a', 'aac', whole);
    const file = spotreel.path('noise.mka');
    await ffmpeg('-i', whole, '-c', 'copy', '-bsf:a', 'noise=amount=1', file);
    expect(await spotreel.ended(await upload(file))).toMatch(
      /^failed, undecodable-sound: The sound in the file/,
    );
  });

  for (const name of ['test-pod.m4a', 'bear-320x240-audio-only.webm'])
    testWithCorpus(`${name}, as it was found`, async () => {
      const { master } = await encode(corpusFile(name));
      expect(attributesOf(master, 'EXT-X-STREAM-INF')).toHaveLength(1);
      expect(master).not.toContain('RESOLUTION');
    });
});
