/** What becomes of sound, by real ffmpeg: levels, channels, sample rates. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveFile } from '../../cli/file-server.ts';
import { probeArguments } from '../../video/ffmpeg-arguments.ts';
import { ffprobeSchema, readSource } from '../../video/probe.ts';
import { AAC_FRAME, AUDIO_RATE, encodeSettingsSchema } from '../../video/settings.ts';
import { chooseSound, type Sound } from '../../video/sound.ts';
import { encodeSound } from '../support/encode-sound.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';
import { tinyPlan } from '../support/tiny-video.ts';
import { type Channel, readChannels } from '../support/tones.ts';

const exec = promisify(execFile);
const SECONDS = 3;
let folder: Awaited<ReturnType<typeof scratch>>;
beforeAll(async () => {
  folder = await scratch();
});
afterAll(() => folder.remove());

/** Makes a file by ffmpeg; the renditions that a plan has for it, each encoded as a worker does. */
async function renditions(name: string, ...args: string[]): Promise<{ sound: Sound; file: string }[]> {
  const source = join(folder.path, name);
  await ffmpeg(...args, source);
  const { url, close } = await serveFile(source);
  try {
    const { stdout } = await exec('ffprobe', probeArguments(url));
    const tracks = readSource(ffprobeSchema.parse(JSON.parse(stdout))).audio;
    const { audio } = chooseSound(tracks, SECONDS, encodeSettingsSchema.parse({}));
    const made: { sound: Sound; file: string }[] = [];
    for (const sound of audio) {
      const file = join(folder.path, `${name}-${made.length}.m4a`);
      const { data } = await encodeSound(tinyPlan('r'), sound, url);
      await writeFile(file, data);
      made.push({ sound, file });
    }
    return made;
  } finally {
    close();
  }
}

const PICTURE = ['-f', 'lavfi', '-i', `color=black:s=64x48:r=25:d=${SECONDS}`];
const sine = (hertz: number, amplitude: number) => `${amplitude}*sin(2*PI*${hertz}*t)`;
const generated = (channels: readonly string[], layout: string, rate = 48_000) => [
  ...PICTURE,
  ...['-f', 'lavfi', '-i', `aevalsrc='${channels.join('|')}':c=${layout}:s=${rate}:d=${SECONDS}`],
];

/** The channels of the first rendition in stereo. */
async function stereoOf(name: string, hertz: readonly number[], ...args: string[]): Promise<Channel[]> {
  const [first] = await renditions(name, ...args);
  return readChannels(['-i', first?.file ?? ''], hertz);
}

describe('levels of stereo', () => {
  const TONE = 1000;
  const pcm = ['-c:a', 'pcm_f32le'];
  const only = (channels: number, loud: number) =>
    Array.from({ length: channels }, (_, channel) => sine(TONE, channel === loud ? 0.5 : 0));
  const HALF = -6.02;
  /** All rows of the matrix are scaled alike, so that left + 0.7 centre + 0.7 surround can not pass 1. */
  const SCALE = -7.66;

  test.each([
    ['mono keeps its level on both sides', 'mono', only(1, 0), [HALF, HALF]],
    ['stereo keeps its level', 'stereo', only(2, 1), [undefined, HALF]],
    ['left of 5.1', '5.1', only(6, 0), [HALF + SCALE, undefined]],
    [
      'the centre of 5.1 is heard on both sides, 3 dB below left',
      '5.1',
      only(6, 2),
      [HALF + SCALE - 3.01, HALF + SCALE - 3.01],
    ],
    ['the right surround of 5.1', '5.1(side)', only(6, 5), [undefined, HALF + SCALE - 3.01]],
    ['the centre of 7.1', '7.1', only(8, 2), [-18.92, -18.92]],
  ])('%s', async (name, layout, channels, levels) => {
    const heard = await stereoOf(
      `${name.replaceAll(' ', '-')}.mkv`,
      [TONE],
      ...generated(channels, layout),
      ...pcm,
    );
    expect(heard).toHaveLength(2);
    for (const [index, level] of levels.entries()) {
      if (level === undefined) expect(heard[index]?.level).toBeLessThan(-60);
      else expect(Math.abs((heard[index]?.level ?? 0) - level)).toBeLessThan(0.3);
    }
  });

  test('eight channels at full scale do not clip', async () => {
    const loud = Array.from({ length: 8 }, () => sine(TONE, 1));
    for (const { peak } of await stereoOf('loud.mkv', [TONE], ...generated(loud, '7.1'), ...pcm)) {
      expect(peak).toBeLessThan(0.3); // AAC's own error
      expect(peak).toBeGreaterThan(-1);
    }
  });

  test('of channels that nobody names, the first two are left and right', async () => {
    const file = join(folder.path, 'raw.wav');
    const twelve = Array.from({ length: 12 }, (_, channel) => sine(300 + 100 * channel, 0.5));
    const heard = await stereoOf(
      'twelve.mkv',
      [300, 400, 500],
      ...PICTURE,
      ...['-f', 'f32le', '-ar', '48000', '-ac', '12', '-i', await rawFile(file, twelve)],
      ...pcm,
    );
    expect(heard.map(({ tone }) => tone)).toEqual([300, 400]);
  });
});

/** Interleaved 32-bit samples of tones, without any header. */
async function rawFile(path: string, channels: readonly string[]): Promise<string> {
  const pairs = channels.map((tone) => ['-f', 'lavfi', '-i', `aevalsrc='${tone}':s=48000:d=${SECONDS}`]);
  const inputs = channels.map((_, index) => `[${index}:a]`).join('');
  const merge = `${inputs}amerge=inputs=${channels.length}`;
  await ffmpeg(...pairs.flat(), '-filter_complex', merge, '-f', 'f32le', path);
  return path;
}

describe('5.1', () => {
  const TONES = [300, 400, 500, 60, 700, 800];
  // The last column is how far a codec's level may be off, in dB: ffmpeg's DTS encoder takes 10 off the LFE.
  test.each([
    ['PCM, back', '5.1', ['-c:a', 'pcm_s16le'], 0.6],
    ['FLAC, side', '5.1(side)', ['-c:a', 'flac'], 0.6],
    ['AC-3', '5.1(side)', ['-c:a', 'ac3', '-b:a', '640k'], 0.6],
    ['E-AC-3', '5.1(side)', ['-c:a', 'eac3', '-b:a', '640k'], 0.6],
    ['DTS', '5.1(side)', ['-c:a', 'dca', '-strict', '-2', '-b:a', '1509k'], 10],
    ['AAC', '5.1', ['-c:a', 'aac', '-b:a', '512k'], 0.6],
    ['Opus', '5.1', ['-c:a', 'libopus', '-b:a', '512k', '-mapping_family', '1'], 0.6],
    ['Vorbis', '5.1', ['-c:a', 'libvorbis', '-q:a', '8'], 2],
  ])('every channel of %s comes out where it was', async (name, layout, codec, tolerance) => {
    const channels = TONES.map((hertz) => sine(hertz, 0.4));
    const made = await renditions(`surround-${name}.mkv`, ...generated(channels, layout), ...codec);
    expect(made.map(({ sound }) => sound.channels)).toEqual([2, 6]);
    const heard = await readChannels(['-i', made[1]?.file ?? ''], TONES);
    expect(heard.map(({ tone }) => tone)).toEqual(TONES);
    for (const { level } of heard) expect(Math.abs(level + 7.96)).toBeLessThan(tolerance);
  });
});

describe('every codec and sample rate becomes AAC at 48 kHz, as long as the stream', () => {
  const TONE = 1000;
  test.each([
    ['8 kHz PCM, 8 bit', 'wav', 8000, ['-c:a', 'pcm_u8']],
    ['8 kHz A-law', 'wav', 8000, ['-c:a', 'pcm_alaw']],
    ['8 kHz GSM', 'wav', 8000, ['-c:a', 'libgsm_ms']],
    ['11.025 kHz ADPCM', 'wav', 11_025, ['-c:a', 'adpcm_ima_wav']],
    ['16 kHz ADPCM of Microsoft', 'wav', 16_000, ['-c:a', 'adpcm_ms']],
    ['22.05 kHz MP3', 'mp3', 22_050, ['-c:a', 'libmp3lame']],
    ['32 kHz MP2', 'mkv', 32_000, ['-c:a', 'mp2']],
    ['44.1 kHz WMA', 'wma', 44_100, ['-c:a', 'wmav2']],
    ['44.1 kHz ALAC', 'm4a', 44_100, ['-c:a', 'alac']],
    ['48 kHz PCM, 24 bit, big endian', 'mov', 48_000, ['-c:a', 'pcm_s24be']],
    ['88.2 kHz floating point', 'wav', 88_200, ['-c:a', 'pcm_f64le']],
    ['96 kHz FLAC', 'flac', 96_000, ['-c:a', 'flac']],
    ['176.4 kHz WavPack', 'mkv', 176_400, ['-c:a', 'wavpack']],
    ['192 kHz PCM, 32 bit', 'wav', 192_000, ['-c:a', 'pcm_s32le']],
  ])('%s', async (name, extension, rate, codec) => {
    const mono = ['-map', '1:a', ...codec];
    const args = [...generated([sine(TONE, 0.5)], 'mono', rate), ...mono];
    const [made] = await renditions(`${name.replaceAll(/\W/g, '')}.${extension}`, ...args);
    const { stdout } = await exec('ffprobe', [
      ...['-v', 'error', '-show_entries', 'stream=codec_name,profile,sample_rate,channels', '-of', 'csv=p=0'],
      ...['-count_packets', '-show_entries', 'stream=nb_read_packets', made?.file ?? ''],
    ]);
    expect(stdout.trim()).toBe(`aac,LC,${AUDIO_RATE},2,${Math.ceil((SECONDS * AUDIO_RATE) / AAC_FRAME) + 1}`);
    for (const { tone, level } of await readChannels(['-i', made?.file ?? ''], [440, TONE, 3000])) {
      expect(tone).toBe(TONE);
      expect(Math.abs(level + 6.02)).toBeLessThan(0.7);
    }
  });
});

test('channels that change in the middle, as in recordings of television, neither stop the sound nor move it', async () => {
  const parts = [
    { tone: 400, channels: 6, layout: '5.1(side)' },
    { tone: 600, channels: 2, layout: 'stereo' },
    { tone: 800, channels: 6, layout: '5.1(side)' },
  ];
  const joined: Buffer[] = [];
  for (const [index, part] of parts.entries()) {
    const file = join(folder.path, `part-${index}.ac3`);
    const all = Array.from({ length: part.channels }, () => sine(part.tone, 0.3));
    const source = ['-f', 'lavfi', '-i', `aevalsrc='${all.join('|')}':c=${part.layout}:s=48000:d=1`];
    await ffmpeg(...source, '-c:a', 'ac3', '-b:a', '448k', file);
    joined.push(await readFile(file));
  }
  const file = join(folder.path, 'joined.ac3');
  await writeFile(file, Buffer.concat(joined));
  const made = await renditions('joined.mka', '-i', file, '-c', 'copy');
  expect(made.map(({ sound }) => sound.channels)).toEqual([2, 6]);
  for (const { file: rendition } of made) {
    for (const [index, { tone }] of parts.entries()) {
      const middle = ['-ss', `${index + 0.25}`, '-t', '0.5', '-i', rendition];
      const [left] = await readChannels(middle, [400, 600, 800]);
      expect(left?.tone).toBe(tone);
      expect(left?.level).toBeGreaterThan(-20);
    }
  }
});

test('a codec that changes in the middle of a track ends its sound, and for how long is known', async () => {
  const parts: Buffer[] = [];
  for (const [index, codec] of ['aac', 'ac3'].entries()) {
    const file = join(folder.path, `${codec}.ts`);
    const source = ['-f', 'lavfi', '-i', `aevalsrc='${sine(400, 0.3)}':s=48000:d=3`];
    const times = ['-muxdelay', '0', '-muxpreload', '0', '-output_ts_offset', `${3 * index}`];
    await ffmpeg(...source, '-c:a', codec, ...times, file);
    parts.push(await readFile(file));
  }
  const file = join(folder.path, 'codecs.ts');
  await writeFile(file, Buffer.concat(parts));
  const { url, close } = await serveFile(file);
  const plan = tinyPlan('r');
  const [sound] = plan.audio;
  if (!sound) throw new Error('The tiny plan has no sound');
  const { data, silentSeconds } = await encodeSound(plan, { ...sound, stream: 0 }, url).finally(close);
  expect(Math.abs(silentSeconds - 5)).toBeLessThan(0.2); // of the stream's 8 s
  const rendition = join(folder.path, 'codecs.m4a');
  await writeFile(rendition, data);
  const levels = await Promise.all(
    [1, 5].map((from) => readChannels(['-ss', `${from}`, '-t', '1', '-i', rendition], [400])),
  );
  expect(levels.map(([left]) => (left?.level ?? 0) > -60)).toEqual([true, false]);
});
