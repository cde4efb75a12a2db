import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import * as HlsParser from 'hls-parser';
import { clap, ffmpeg, numberedPicture, readClaps, readNumbers } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const exec = promisify(execFile);
const spotreel = useSpotreel();

/** Uploads a file through the SDK and waits for the end. Gives the playback URL. */
async function encode(file: string): Promise<string> {
  const id = await spotreel.upload(basename(file), await readFile(file));
  expect(await spotreel.ended(id)).toBe('ready');
  return `${spotreel.url}/v/${id}/master.m3u8`;
}

describe('what plays is what was uploaded', () => {
  test('ten minutes in, picture and sound clap within 20 ms of each other', async () => {
    const file = spotreel.path('clap.mp4');
    const { picture, sound } = clap(25, 600, 10);
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      picture,
      '-f',
      'lavfi',
      '-i',
      sound,
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      file,
    );
    const url = await encode(file);
    const { flashes, beeps } = await readClaps(url);
    expect(flashes).toHaveLength(59);
    expect(beeps).toHaveLength(59);
    for (const [index, flash] of flashes.entries()) {
      expect(flash - (flashes[0] ?? 0)).toBeCloseTo(index * 10, 2); // as far apart as in the source
      expect(Math.abs((beeps[index] ?? 0) - flash)).toBeLessThan(0.02);
    }
  });

  test('sound that begins late or early, at 44.1 kHz, keeps its place', async () => {
    const file = spotreel.path('late.mkv');
    const { picture, sound } = clap(30, 40, 4);
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      picture,
      '-itsoffset',
      '2',
      '-f',
      'lavfi',
      '-i',
      sound,
      '-ar',
      '44100',
      '-shortest',
      '-pix_fmt',
      'yuv420p',
      file,
    );
    const url = await encode(file);
    const { flashes, beeps } = await readClaps(url);
    expect(flashes.length).toBeGreaterThan(7);
    // The sound was put two seconds late: each of its claps comes halfway between two of the picture's.
    for (const [index, flash] of flashes.entries()) {
      expect(Math.abs((beeps[index] ?? 0) + 2 - flash)).toBeLessThan(0.02);
    }
  });

  test('every rung has every frame once; every playlist is by the book and names real bytes', async () => {
    const file = spotreel.path('numbers.mp4');
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      numberedPicture('30000/1001', 45),
      '-f',
      'lavfi',
      '-i',
      clap(30, 45, 5).sound,
      '-pix_fmt',
      'yuv420p',
      file,
    );
    const url = await encode(file);
    const frames = (await readNumbers(file)).length;
    const master = HlsParser.parse(await (await fetch(url)).text());
    if (!master.isMasterPlaylist) throw new Error('the master is no master playlist');
    expect(master.variants.filter((variant) => !variant.isIFrameOnly).length).toBeGreaterThan(1);
    for (const variant of master.variants) {
      const uri = new URL(variant.uri, url).href;
      const playlist = HlsParser.parse(await (await fetch(uri)).text());
      if (playlist.isMasterPlaylist) throw new Error(`${uri} is no media playlist`);
      expect(playlist.endlist).toBe(true);
      const seconds = playlist.segments.reduce((sum, segment) => sum + segment.duration, 0);
      expect(seconds).toBeCloseTo((frames * 1001) / 30000, 3);
      for (const { uri: media, byterange } of playlist.segments) {
        const range = `bytes=${byterange.offset}-${byterange.offset + byterange.length - 1}`;
        const response = await fetch(new URL(media, uri), { headers: { range } });
        expect(response.status).toBe(206);
        expect((await response.arrayBuffer()).byteLength).toBe(byterange.length);
      }
      if (variant.isIFrameOnly) continue;
      expect(await readNumbers(uri)).toEqual(Array.from({ length: frames }, (_, index) => index));
    }
  });

  test('ffmpeg plays the stream to its end without a complaint', async () => {
    const file = spotreel.path('numbers.mp4');
    const url = await encode(file);
    const { stderr } = await exec('ffmpeg', [
      '-v',
      'warning',
      '-i',
      url,
      '-map',
      '0:v',
      '-map',
      '0:a',
      '-f',
      'null',
      '-',
    ]);
    expect(stderr).toBe('');
  });
});
