/** Rungs that a video does not need, found by encoding a few seconds of it. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveFile } from '../../cli/file-server.ts';
import { chooseRungs, prunedFindings } from '../../video/ladder.ts';
import { planVideo } from '../../video/plan.ts';
import { prunedRungs, sampleBytes, samplesOf, worthPruning } from '../../video/prune.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { chunkBytes } from '../../video/written.ts';
import { inspect } from '../../worker-scripts/inspect.ts';
import { Memory } from '../../worker-scripts/memory.ts';
import { findPruned } from '../../worker-scripts/prune.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { ffmpeg } from '../support/media.ts';
import { tinyPlan } from '../support/tiny-video.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-prune-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings = encodeSettingsSchema.parse({
  segmentSeconds: 2,
  rungs: [
    { height: 540, crf: 23, maxKbps: 2500 },
    { height: 360, crf: 23, maxKbps: 900 },
    { height: 240, crf: 24, maxKbps: 450 },
  ],
});

const file = () => join(folder, 'source.mp4');

/** Six seconds of 540p, by whatever makes them. @param damage done to them after they were looked at */
async function pruned(input: readonly string[], damage: () => unknown = () => {}): Promise<string[]> {
  const output = ['-t', '6', '-an', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '10'];
  await ffmpeg(...input, ...output, '-pix_fmt', 'yuv420p', file());
  const { url, close } = await serveFile(file());
  try {
    const { signal } = new AbortController();
    const { source, packets } = await inspect({ url, bytes: (await stat(file())).size, settings, signal });
    const plan = planVideo(source, packets, settings, 'r');
    await damage();
    return await findPruned(plan, url, folder, { memory: new Memory(totalmem()), signal });
  } finally {
    close();
  }
}

const wave = corpusFile('wave_croatia_1080p25_8s.mp4');

const gradients = [
  '-f',
  'lavfi',
  '-i',
  'gradients=size=960x540:rate=25:nb_colors=3:c0=navy:c1=orange:c2=teal:x0=100:y0=50:x1=860:y1=490:speed=0.01',
];

describe('a rung is pruned where it looks no better than the one below', () => {
  testWithCorpus.each([
    ['a restless real picture needs every rung', ['-i', wave, '-vf', 'scale=960:540'], []],
    [
      'an enlarged one too: its rungs show fewer artefacts, each at its own bit rate',
      ['-i', wave, '-vf', 'scale=106:60,scale=960:540'],
      [],
    ],
    [
      'one whose detail is grain does not',
      ['-i', wave, '-vf', 'scale=106:60,scale=960:540,noise=alls=12:allf=t'],
      ['360p'],
    ],
  ])('%s', async (_, input, names) => {
    expect(await pruned(input)).toEqual(names);
  });

  test('colours that run into each other do not', async () => {
    expect(await pruned(gradients)).toEqual(['360p']);
  });

  test('nothing is where a sample can not be decoded: the video is encoded as it is', async () => {
    const zeroMedia = async () => {
      const bytes = await readFile(file());
      const media = bytes.indexOf('mdat') + 4;
      await writeFile(file(), bytes.fill(0, media, bytes.indexOf('moov') - 4));
    };
    expect(await pruned(gradients, zeroMedia)).toEqual([]);
  });
});

describe('which rungs go', () => {
  const rungs = chooseRungs({ width: 1920, height: 1080 }, encodeSettingsSchema.parse({}));
  const names = rungs.map(({ name }) => name);

  test.each([
    ['none where each is better', [20, 18, 16, 14, 12], []],
    ['one that is hardly better', [20, 18, 16.4, 16, 12], ['480p']],
    ['a chain of small gains counts together', [20, 13.2, 12.8, 12.4, 12], ['720p', '360p']],
    ['all between, but neither the highest nor the lowest', [12, 12, 12, 12, 12], ['720p', '480p', '360p']],
    ['none that was not measured', [], []],
  ])('%s', (_, decibels, expected) => {
    const quality = new Map(decibels.map((value, index) => [names[index] ?? '', value]));
    expect(prunedRungs({ rungs }, quality)).toEqual(expected);
  });
});

describe('a video is looked at', () => {
  const long = {
    ...tinyPlan('r'),
    frames: 25 * 301,
    rungs: chooseRungs({ width: 1280, height: 720 }, settings),
  };

  test.each([
    ['where it is long and has a rung between', long, true],
    ['not where looking is dear beside encoding', { ...long, frames: 25 * 299 }, false],
    ['not where there is only a highest and a lowest', { ...long, rungs: long.rungs.slice(0, 2) }, false],
  ])('%s', (_, plan, expected) => expect(worthPruning(plan)).toBe(expected));

  test('at the beginning of three segments all over it', () => {
    const samples = samplesOf(long);
    expect(samples.map(({ from }) => from % long.segmentFrames)).toEqual([0, 0, 0]);
    expect(samples.map(({ from }) => Math.round((6 * from) / long.frames))).toEqual([1, 3, 5]);
    expect(samples.map(({ from, to }) => to - from)).toEqual([25, 25, 25]);
  });
});

test('what a sample may write has room for its pictures as they are', () => {
  const rungs = chooseRungs({ width: 3840, height: 2160 }, encodeSettingsSchema.parse({}));
  const probe = { ...tinyPlan('r'), rate: { num: 60, den: 1 }, rungs };
  const pictures = 10 * 3840 * 2160 * 1.5;
  const sample = { from: 0, to: 60 };
  expect(sampleBytes(probe, sample)).toBe(chunkBytes(probe, sample) + pictures);
});

test('what is pruned is in no codec, and its owner reads of it', () => {
  const all = encodeSettingsSchema.parse({ codecs: ['h264', 'av1'] });
  const rungs = chooseRungs({ width: 640, height: 480 }, all, ['360p']);
  expect(rungs.map(({ name }) => name)).toEqual(['480p', '240p', 'av1-480p', 'av1-240p']);
  expect(prunedFindings(['720p', '360p'])).toEqual([
    { code: 'pruned', text: expect.stringContaining('left out: 720p, 360p.') },
  ]);
  expect(prunedFindings([])).toEqual([]);
});
