import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { picturesByMerit } from '../../video/choose-picture.ts';
import type { FindingCode } from '../../video/findings.ts';
import { findFrameRate } from '../../video/frame-rate.ts';
import { durationOf, type Plan } from '../../video/plan.ts';
import { rational } from '../../video/rational.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { encodeFile, joinChunks, OWN_SIZE, planFile } from '../support/encode.ts';
import { ffmpeg, numberedPicture, readNumbers } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-rates-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

/** Encodes a source in its own size: the plan, and the number that each frame of the output shows. */
async function shown(name: string, ...args: readonly string[]): Promise<{ plan: Plan; numbers: number[] }> {
  const file = join(folder, name);
  await ffmpeg(...args, file);
  const { plan, rungs } = await encodeFile(file, OWN_SIZE, folder);
  const output = join(folder, 'output.mp4');
  await joinChunks(rungs[0] ?? [], output);
  return { plan, numbers: await readNumbers(output) };
}
const numbered = (rate: string, seconds: number) => ['-f', 'lavfi', '-i', numberedPicture(rate, seconds)];
const every = (step: number, count: number) => Array.from({ length: count }, (_, index) => index * step);
const finding = (code: FindingCode, words: RegExp) => ({ code, text: expect.stringMatching(words) });

describe('rates above 60 keep every second frame, exactly', () => {
  test.each([
    ['120', 'mp4', '60/1', 2],
    ['120', 'mkv', '60/1', 2], // 1 ms ticks: half of the frames between lie nearer to the slot before
    ['240', 'mp4', '60/1', 4],
    ['90', 'mkv', '45/1', 2],
  ])('%s in %s', async (rate, container, kept, step) => {
    const { plan, numbers } = await shown(`fast.${container}`, ...numbered(rate, 2), ...X264);
    expect(`${plan.rate.num}/${plan.rate.den}`).toBe(kept);
    expect(numbers).toEqual(every(step, numbers.length));
    expect(numbers.length).toBeGreaterThan(80);
    expect(plan.findings).toContainEqual(finding('frame-rate', new RegExp(`one frame of ${step} was kept`)));
  });
});

describe('few frames', () => {
  test('one a second stay one a second', async () => {
    const { plan, numbers } = await shown('slow.mp4', ...numbered('1', 14), ...X264);
    expect(plan.rate).toEqual({ num: 1, den: 1 });
    expect(numbers).toEqual(every(1, 14));
  });

  test('one in four seconds are repeated, each as often', async () => {
    const { plan, numbers } = await shown('timelapse.mp4', ...numbered('1/4', 20), ...X264);
    expect(plan.rate).toEqual({ num: 1, den: 1 });
    expect(numbers).toEqual([0, 1, 2, 3, 4].flatMap((frame) => [frame, frame, frame, frame]));
    expect(plan.findings).toContainEqual(finding('frame-rate', /every 4.0 s/));
  });

  test.each(['mp4', 'mkv'])('a still image in %s is shown as long as its sound', async (container) => {
    const picture = ['-f', 'lavfi', '-i', `${numberedPicture('25', 1)},trim=end_frame=1`];
    const sound = ['-f', 'lavfi', '-i', 'sine=duration=20'];
    const { plan, numbers } = await shown(`still.${container}`, ...picture, ...sound, ...X264, '-c:a', 'aac');
    expect(plan.findings).toContainEqual(finding('still-image', /20.\d+ s/));
    expect(Math.abs(numbers.length / 25 - 20)).toBeLessThan(0.1);
    expect(new Set(numbers)).toEqual(new Set([0]));
  });
});

describe('the last picture stays as long as the sound', () => {
  const sounding = (name: string, rate: string, seconds: number, sound: number, ...muxer: string[]) => {
    const heard = ['-f', 'lavfi', '-i', `sine=duration=${sound}`];
    return shown(name, ...numbered(rate, seconds), ...heard, ...X264, '-c:a', 'aac', ...muxer);
  };

  test.each([
    ['mp4', '25', 2, 4, 49],
    ['mkv', '25', 2, 4, 49],
    ['ts', '25', 2, 4, 49],
    ['mkv', '240', 2, 20, 476], // every fourth frame, and chunks behind the picture's end
    ['mkv', '1/2', 6, 20, 2], // every frame twice
  ])('%s, %s a second: %d s of picture, %d s of sound', async (container, rate, seconds, sound, last) => {
    const { plan, numbers } = await sounding(`goes-on.${container}`, rate, seconds, sound);
    expect(Math.abs(durationOf(plan) - sound)).toBeLessThan(0.1);
    expect(numbers).toHaveLength(plan.frames);
    const held = numbers.slice(Math.ceil((seconds * plan.rate.num) / plan.rate.den));
    expect([...new Set(held)]).toEqual([last]);
    expect(plan.findings).toContainEqual(
      finding('held-picture', new RegExp(`after ${seconds}\\.. s, the sound after ${sound}\\.`)),
    );
    expect(plan.findings).not.toContainEqual(finding('cut-off', /./));
  });

  test('where the file does not say how long it is, too', async () => {
    const { plan } = await sounding('live.mkv', '25', 2, 4, '-live', '1');
    expect(Math.abs(durationOf(plan) - 4)).toBeLessThan(0.1);
  });

  test.each([
    ['4 s of picture, 2 s of sound', 4, 2],
    ['sound that ends little later', 4, 4.4],
  ])('%s stays as it is', async (_, seconds, sound) => {
    const { plan, numbers } = await sounding('as-it-is.mp4', '25', seconds, sound);
    expect(numbers).toEqual(every(1, 100));
    expect(plan.findings).not.toContainEqual(finding('held-picture', /./));
  });
});

describe('uneven frames', () => {
  const tick = rational(1, 1000);

  test('a screen that rests for long and moves at 30 a second is laid on 30', () => {
    // Ten rests of 5 s, each before half a second of motion.
    const pts = every(1, 10).flatMap((rest) =>
      every(1000 / 30, 15).map((time) => Math.round(rest * 5500 + time)),
    );
    expect(findFrameRate(pts, tick, [])).toMatchObject({ rate: rational(30, 1), steady: false });
  });

  test('a phone that drops some frames of 30 keeps 30', () => {
    const pts = every(1000 / 30, 300)
      .map(Math.round)
      .filter((_, index) => index % 7 !== 3);
    expect(findFrameRate(pts, tick, []).rate).toEqual(rational(30, 1));
  });

  test('a last picture that rests is held as long as the file says, over chunks of its own', async () => {
    // 25 frames, and the last of them again half a minute later: in Matroska it lasts until there.
    const picture = `${numberedPicture('25', 2)},select='lte(n,24)+eq(n,49)',setpts='if(eq(N,25),750,N)/25/TB'`;
    const { plan, numbers } = await shown(
      'rests.mp4',
      '-f',
      'lavfi',
      '-i',
      picture,
      ...X264,
      '-fps_mode',
      'vfr',
    );
    expect(plan.chunks.length).toBeGreaterThan(1);
    expect(numbers).toEqual([...every(1, 25), ...Array.from({ length: 725 }, () => 24), 49]);
  });

  testWithCorpus.each([
    ['cursed-vfr.mp4', /uneven rate/],
    ['sample.mkv', /The file says 1000 a second/],
  ])('%s', async (file, words) => {
    const plan = await planFile(corpusFile(file), OWN_SIZE);
    expect(plan.rate.num / plan.rate.den).toBeLessThanOrEqual(60);
    expect(plan.findings).toContainEqual(finding('frame-rate', words));
  });
});

describe('of several video tracks the picture is', () => {
  const hd = { codec_name: 'h264', width: 1920, height: 1080 };
  const sd = { codec_name: 'h264', width: 320, height: 180 };
  const cover = { codec_name: 'mjpeg', width: 3000, height: 3000 };
  test.each([
    ['the one marked default', [hd, { ...sd, disposition: { default: 1 } }], 1],
    ['else the largest', [sd, hd], 1],
    [
      'else the longest',
      [
        { ...hd, duration: '5' },
        { ...hd, duration: '60' },
      ],
      1,
    ],
    ['else the first', [hd, hd], 0],
    ['not a cover that says so', [{ ...cover, disposition: { attached_pic: 1, default: 1 } }, sd], 1],
    ['not a cover that does not', [{ ...cover, disposition: { default: 1 } }, sd], 1],
    ['not thumbnails', [{ ...hd, disposition: { timed_thumbnails: 1 } }, sd], 1],
    ['MJPEG, where it moves', [{ ...cover, nb_frames: '250' }, sd], 0],
    ['a lone image, where nothing else is there', [cover], 0],
  ])('%s', (_, streams, index) => {
    const numberedStreams = streams.map((stream, at) => ({ ...stream, at }));
    expect(picturesByMerit(numberedStreams)[0]?.at).toBe(index);
  });
});
