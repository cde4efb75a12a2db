import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { blackChunkArguments } from '../../video/ffmpeg-arguments.ts';
import { delayPresentation, readFragments } from '../../video/fmp4.ts';
import { timescaleOf } from '../../video/plan.ts';
import { type EncodeSettings, encodeSettingsSchema } from '../../video/settings.ts';
import { encodeFile, joinChunks } from '../support/encode.ts';
import { ffmpeg, numberedPicture, readNumbers } from '../support/media.ts';

const exec = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-seams-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Short chunks, so that a short source has several seams. */
const SHORT = {
  rungs: [
    { height: 240, crf: 23, maxKbps: 900 },
    { height: 120, crf: 23, maxKbps: 400 },
  ],
  segmentSeconds: 2,
  chunkSeconds: 6,
};

const counting = (frames: number) => Array.from({ length: frames }, (_, index) => index);

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

/** Encodes a numbered source in chunks and expects every frame once, in order, on one timeline, in every rung. */
async function expectSeamless(
  rate: string,
  container: string,
  codec: readonly string[],
  settings: EncodeSettings,
  seconds = 20,
): Promise<void> {
  const file = join(folder, `source.${container}`);
  await ffmpeg('-f', 'lavfi', '-i', numberedPicture(rate, seconds), ...codec, file);
  const sourceNumbers = await readNumbers(file);
  const { plan, rungs } = await encodeFile(file, settings, folder);
  expect(plan.chunks.length).toBeGreaterThan(2);
  expect(`${plan.rate.num}/${plan.rate.den}`).toBe(rate.includes('/') ? rate : `${rate}/1`);
  expect(plan.frames).toBe(sourceNumbers.length);

  const { ticksPerFrame } = timescaleOf(plan.rate);
  for (const rung of rungs) {
    const chunks = rung.map((chunk) => delayPresentation(chunk, plan.delayFrames * ticksPerFrame));
    const fragments = chunks.flatMap((chunk) => readFragments(chunk).fragments);
    // One timeline: each fragment begins where the one before ends, and is shown from there.
    let time = 0;
    for (const fragment of fragments) {
      expect(fragment.decodeTime).toBe(time);
      expect(fragment.firstCompositionOffset).toBe(plan.delayFrames * ticksPerFrame);
      time += fragment.samples * ticksPerFrame;
    }
    // One init segment.
    const inits = chunks.map((chunk) => chunk.subarray(0, readFragments(chunk).initLength));
    expect(new Set(inits.map((init) => createHash('sha256').update(init).digest('hex'))).size).toBe(1);
    // The frames themselves.
    const whole = join(folder, 'whole.mp4');
    await joinChunks(chunks, whole);
    expect(await readNumbers(whole)).toEqual(counting(plan.frames));
  }
}

describe('a video cut into chunks has every frame once, in order, on one timeline', () => {
  test.each([
    ['24', 'mp4', X264],
    ['25', 'mp4', X264],
    ['30000/1001', 'mp4', [...X264, '-bf', '3', '-g', '250']],
    ['24000/1001', 'mkv', X264],
    ['30', 'mp4', [...X264, '-bf', '2', '-movflags', 'frag_keyframe+empty_moov']],
    ['50', 'mkv', X264],
    ['60', 'mp4', X264],
    ['25', 'ts', [...X264, '-bf', '2', '-g', '100']],
    ['25', 'mp4', [...X264, '-x264-params', 'open-gop=1:keyint=40:bframes=3', '-preset', 'veryfast']],
    ['25', 'mp4', [...X264, '-vf', 'noise=alls=100:allf=t']], // so restless that x264 uses no B-frames
    ['30', 'webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '2M']],
  ])('%s fps in %s', (rate, container, codec) =>
    expectSeamless(rate, container, codec, encodeSettingsSchema.parse(SHORT)),
  );

  test('29.97 fps in mkv, in every codec', () => {
    const settings = encodeSettingsSchema.parse({ ...SHORT, codecs: ['h264', 'hevc', 'av1'] });
    return expectSeamless('30000/1001', 'mkv', [...X264, '-vf', 'noise=alls=20:allf=t'], settings, 14);
  });
});

test('a chunk of which nothing can be decoded is black, on the same timeline with the same init segment', async () => {
  const file = join(folder, 'dark.mp4');
  await ffmpeg('-f', 'lavfi', '-i', numberedPicture('25', 20), ...X264, file);
  const { plan, rungs } = await encodeFile(file, encodeSettingsSchema.parse(SHORT), folder);
  const chunk = plan.chunks[1];
  if (!chunk) throw new Error('the plan has several chunks');
  const outputs = plan.rungs.map(({ name }) => join(folder, `black-${name}.mp4`));
  await exec('ffmpeg', blackChunkArguments(plan, chunk, outputs));
  for (const [index, output] of outputs.entries()) {
    const [seen, black] = [rungs[index]?.[1] ?? Buffer.of(), await readFile(output)];
    const shapeOf = (bytes: Buffer) =>
      readFragments(bytes).fragments.map(({ decodeTime, samples }) => ({ decodeTime, samples }));
    expect(shapeOf(black)).toEqual(shapeOf(seen));
    const { initLength } = readFragments(black);
    expect(black.subarray(0, initLength).equals(seen.subarray(0, initLength))).toBe(true);
    expect(new Set(await readNumbers(output))).toEqual(new Set([0]));
  }
});
