/** What picture files are, told by their first bytes: files of real encoders, and bytes that only look like them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { imageHeader } from '../../video/image.ts';
import { ffmpeg } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-image-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function picture(name: string, ...options: string[]): Promise<Uint8Array> {
  const file = join(folder, name);
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc=size=322x182:rate=5', ...options, file);
  return readFile(file);
}

describe('a picture of', () => {
  test.each<[name: string, suffix: string, options: string[]]>([
    ['baseline JPEG', '.jpg', ['-frames:v', '1', '-f', 'mjpeg']],
    ['JPEG without subsampling', '.jpg', ['-frames:v', '1', '-pix_fmt', 'yuvj444p', '-f', 'mjpeg']],
    ['PNG', '.png', ['-frames:v', '1', '-f', 'image2', '-c:v', 'png']],
    ['lossy WebP', '.webp', ['-frames:v', '1', '-c:v', 'libwebp', '-f', 'webp']],
    ['lossless WebP', '.webp', ['-frames:v', '1', '-c:v', 'libwebp', '-lossless', '1', '-f', 'webp']],
    ['animated WebP', '.webp', ['-frames:v', '3', '-c:v', 'libwebp_anim', '-f', 'webp']],
  ])('%s has its format and size', async (name, suffix, options) => {
    const bytes = await picture(name.replaceAll(' ', '-'), ...options);
    expect(imageHeader(bytes)).toEqual({ suffix, width: 322, height: 182 });
    for (let length = 0; length < 24; length++)
      expect(imageHeader(bytes.subarray(0, length))).toBeUndefined();
  });

  test('a progressive JPEG has its size behind a long comment and stuffed markers', () => {
    const comment = [0xff, 0xfe, 0x01, 0x00, ...Array.from({ length: 254 }, () => 0xff)];
    const frame = [0xff, 0xff, 0xc2, 0x00, 0x11, 0x08, 0x00, 0xb6, 0x01, 0x42, 3, 0, 0];
    const header = imageHeader(Uint8Array.from([0xff, 0xd8, ...comment, ...frame]));
    expect(header).toEqual({ suffix: '.jpg', width: 322, height: 182 });
  });
});

test.each<[name: string, bytes: number[] | string]>([
  ['nothing', ''],
  ['a GIF', 'GIF89a\x01\x00\x01\x00'.padEnd(40, '\0')],
  ['SVG, which may have scripts', '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'],
  ['HTML', '<!doctype html><script>alert(1)</script>'.padEnd(60)],
  ['a JPEG that goes round in circles', [0xff, 0xd8, ...Array.from({ length: 300 }, () => 0xff)]],
  [
    'a JPEG whose segments have no length',
    [0xff, 0xd8, 0xff, 0xe0, 0, 0, ...Array.from({ length: 30 }, () => 0)],
  ],
  ['a JPEG without pixels', [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 0, 0, 0, 3, 0]],
  ['a PNG without its header', '\x89PNG\r\n\x1a\n'.padEnd(40, '\0')],
  ['a WAV', 'RIFF\0\0\0\0WAVEfmt '.padEnd(40, '\0')],
])('%s is no picture', (_, bytes) => {
  expect(
    imageHeader(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)),
  ).toBeUndefined();
});
