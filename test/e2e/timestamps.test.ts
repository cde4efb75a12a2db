import { readFile } from 'node:fs/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import { jobKeys } from '../../jobs/names.ts';
import { detailsSchema } from '../../video/details.ts';
import { violations } from '../support/conformance.ts';
import { clap, ffmpeg, readClaps } from '../support/media.ts';
import { UPLOAD_BUCKET } from '../support/spotreel.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const RATE = 25;
const SECONDS = 12;
/** Claps of a part come every so many seconds; the first part's first is lost, as nothing is dark before it. */
const EVERY = 3;
/** What the two parts show one after the other: readClaps leaves out the first second. */
const TWO_PARTS = [3, 6, 9, 12, 15, 18, 21];

const spotreel = useSpotreel();

/** Makes a file that claps. @param args ffmpeg's for the output */
async function clapping(name: string, args: readonly string[] = []) {
  const { picture, sound } = clap(RATE, SECONDS, EVERY);
  const file = spotreel.path(name);
  const sources = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound];
  const coding = ['-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-bf', '2'];
  await ffmpeg(...sources, ...coding, ...args, file);
  return readFile(file);
}

/** A transport stream whose clock begins at so many seconds. */
const from = (seconds: number, name: string) => clapping(name, ['-output_ts_offset', `${seconds}`]);

/** Uploads a file and waits for the end. Gives what plays. */
async function encode(name: string, bytes: Buffer) {
  const id = await spotreel.upload(name, bytes);
  expect(await spotreel.ended(id)).toBe('ready');
  const url = `${spotreel.url}/v/${id}`;
  expect(await violations(`${url}/master.m3u8`)).toEqual([]);
  const details = detailsSchema.parse(await (await fetch(`${url}/video.json`)).json());
  const codes: readonly string[] = details.findings.map(({ code }) => code);
  return { id, details, codes, ...(await readClaps(`${url}/master.m3u8`)) };
}

/** Claps are where they should be, and picture and sound within 20 ms of each other. */
function expectInStep(played: { flashes: number[]; beeps: number[] }, times: readonly number[]): void {
  const { flashes, beeps } = played;
  const [first = 0] = flashes;
  const [wanted = 0] = times;
  expect(flashes.map((time) => Math.round((time - first + wanted) * RATE))).toEqual(
    times.map((time) => Math.round(time * RATE)),
  );
  expect(beeps).toHaveLength(flashes.length);
  for (const [index, flash] of flashes.entries())
    expect(Math.abs((beeps[index] ?? 0) - flash)).toBeLessThan(0.02);
}

describe('where the clock of a transport stream jumps, its parts follow each other, in step', () => {
  test.each<[what: string, second: number]>([
    ['begins again', 0],
    ['jumps five hours ahead', 5 * 3600],
  ])('the clock %s', async (_, second) => {
    const parts = [await from(0, 'first.ts'), await from(second, 'second.ts')];
    const played = await encode(`jump-${second}.ts`, Buffer.concat(parts));
    expect(played.codes).toContain('timestamps');
    expect(played.details.durationSeconds).toBeCloseTo(2 * SECONDS, 1);
    expectInStep(played, TWO_PARTS);
    // The copy that was read in its place is gone once all is made of it.
    const listed = await spotreel.s3.send(
      new ListObjectsV2Command({ Bucket: UPLOAD_BUCKET, Prefix: jobKeys.root(played.id) }),
    );
    const keys = listed.Contents?.map(({ Key }) => Key) ?? [];
    expect(keys).not.toEqual([]);
    expect(keys.filter((key) => key?.endsWith('source.nut'))).toEqual([]);
  });
});

describe('where the clock runs through, the file is read as it is, in step', () => {
  const ONE = [3, 6, 9];
  test.each<[what: string, name: string, make: () => Promise<Buffer>]>([
    ['a clock of 33 bits that overflows', 'wrap.ts', () => from(95_438, 'wrap-source.ts')],
    ['a beginning after ten hours', 'late.ts', () => from(36_000, 'late-source.ts')],
    [
      'sound that begins half a second after the picture',
      'sound-later.mp4',
      () => clapping('sound-later-source.mp4', ['-af', 'atrim=start=0.5']),
    ],
    [
      'sound that begins half a second before the picture',
      'sound-first.mp4',
      () => clapping('sound-first-source.mp4', ['-vf', 'trim=start=0.48', '-fps_mode', 'passthrough']),
    ],
  ])('%s', async (_, name, make) => {
    const played = await encode(name, await make());
    expect(played.codes).not.toContain('timestamps');
    expect(played.details.durationSeconds).toBeCloseTo(
      name === 'sound-first.mp4' ? SECONDS - 0.48 : SECONDS,
      1,
    );
    expectInStep(played, ONE);
  });

  test('a gap of nearly three seconds stays, as a still and silence', async () => {
    const parts = [await from(0, 'before.ts'), await from(SECONDS + 3, 'after.ts')];
    const played = await encode('gap.ts', Buffer.concat(parts));
    expect(played.codes).not.toContain('timestamps');
    // One frame earlier than it was asked for: ffmpeg moves the first part by that, whose B-frames begin before zero.
    expectInStep(played, [3, 6, 9, 14.96, 17.96, 20.96, 23.96]);
  });
});
