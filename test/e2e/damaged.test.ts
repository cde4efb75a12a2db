import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { detailsSchema } from '../../video/details.ts';
import { violations } from '../support/conformance.ts';
import { ffmpeg, numberedPicture, readNumbers } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const RATE = 25;
const SECONDS = 40;
const FRAMES = RATE * SECONDS;

const spotreel = useSpotreel();

/** Uploads bytes and waits for the end. Gives what plays: its numbers, and what was found. */
async function encode(name: string, bytes: Buffer) {
  const id = await spotreel.upload(name, bytes);
  expect(await spotreel.ended(id)).toBe('ready');
  const url = `${spotreel.url}/v/${id}`;
  expect(await violations(`${url}/master.m3u8`)).toEqual([]);
  const details = detailsSchema.parse(await (await fetch(`${url}/video.json`)).json());
  const [rung] = details.rungs;
  const numbers = await readNumbers(`${url}/${details.revision}/${rung?.name}/index.m3u8`);
  return {
    numbers,
    details,
    finding: (code: string) => details.findings.find((one) => one.code === code)?.text,
  };
}

async function numbered(name: string, ...args: readonly string[]): Promise<Buffer> {
  const file = spotreel.path(name);
  const picture = ['-f', 'lavfi', '-i', numberedPicture(`${RATE}`, SECONDS)];
  await ffmpeg(...picture, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', ...args, file);
  return readFile(file);
}

/** Flips a bit in every so many bytes of a stretch, always the same ones. */
function flipped(bytes: Buffer, from: number, to: number, every: number): Buffer {
  const damaged = Buffer.from(bytes);
  for (let at = Math.round(from * bytes.length); at < to * bytes.length; at += every)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
  return damaged;
}

const right = (numbers: readonly number[]) => numbers.filter((number, index) => number === index).length;

describe('what can be decoded is, and a finding says how much was lost', () => {
  test('an unharmed file has no such finding', async () => {
    const { numbers, finding } = await encode('whole.ts', await numbered('whole.ts'));
    expect(right(numbers)).toBe(FRAMES);
    expect(finding('damaged')).toBeUndefined();
  });

  test('flipped bits in the middle: the rest is right, and in its place', async () => {
    const { numbers, finding } = await encode('bits.ts', flipped(await numbered('bits.ts'), 0.4, 0.5, 997));
    expect(numbers).toHaveLength(FRAMES);
    expect(right(numbers)).toBeGreaterThan(0.8 * FRAMES);
    expect(finding('damaged')).toMatch(/\d+ came out with faults/);
  });

  test('a stretch that is gone, longer than a chunk: the length stays', async () => {
    const bytes = await numbered('hole.mp4', '-movflags', 'faststart');
    bytes.fill(0, Math.round(0.3 * bytes.length), Math.round(0.8 * bytes.length));
    const { numbers, finding } = await encode('hole.mp4', bytes);
    expect(numbers).toHaveLength(FRAMES);
    expect(right(numbers)).toBeGreaterThan(0.4 * FRAMES);
    expect(finding('damaged')).toMatch(/of its 1000 pictures [3-6]\d\d could not be decoded/);
  });

  test.each([
    ['cut.mp4', ['-movflags', 'faststart']],
    ['cut.mkv', []],
    ['cut.ts', []],
    ['cut-fragmented.mp4', ['-movflags', 'frag_keyframe+empty_moov']],
  ])('%s: what comes before the cut plays', async (name, args) => {
    const bytes = await numbered(name, ...args);
    const { numbers } = await encode(name, bytes.subarray(0, Math.round(0.6 * bytes.length)));
    expect(numbers.length).toBeGreaterThan(0.4 * FRAMES);
    expect(right(numbers)).toBeGreaterThan(numbers.length - 10);
  });
});
