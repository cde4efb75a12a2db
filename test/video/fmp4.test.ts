import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pictureCodec } from '../../video/codec-strings.ts';
import { BoxSplitter, delayPresentation, readFragments, writeFragment } from '../../video/fmp4.ts';
import { ffmpeg, numberedPicture, readNumbers } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-fmp4-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a picture presented later', () => {
  test.each([
    ['with B-frames', '3'],
    ['without any, where ffmpeg leaves the offsets out', '0'],
  ])('%s: every fragment by the same ticks, every frame still there', async (_, bFrames) => {
    const file = join(folder, 'picture.mp4');
    const cmaf = '+cmaf+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets+skip_trailer';
    const encode = [
      '-c:v',
      'libx264',
      '-bf',
      bFrames,
      '-g',
      '25',
      '-keyint_min',
      '25',
      '-sc_threshold',
      '0',
      '-pix_fmt',
      'yuv420p',
    ];
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      numberedPicture('25', 4.04), // the last GOP has one frame
      ...encode,
      '-use_editlist',
      '0',
      '-f',
      'mp4',
      '-movflags',
      cmaf,
      file,
    );
    const before = await readFile(file);
    const after = delayPresentation(before, 5000);
    const [was, is] = [readFragments(before).fragments, readFragments(after).fragments];
    expect(is).toHaveLength(5);
    expect(is.map(({ firstCompositionOffset }) => firstCompositionOffset)).toEqual(Array(5).fill(5000));
    expect(is.map(({ decodeTime, samples }) => [decodeTime, samples])).toEqual(
      was.map(({ decodeTime, samples }) => [decodeTime, samples]),
    );
    await writeFile(file, after);
    expect(await readNumbers(file)).toEqual(Array.from({ length: 101 }, (_unused, index) => index));
    expect(pictureCodec(after)).toMatch(/^avc1\.64[0-9a-f]{4}$/);
  });
});

describe('audio fragments', () => {
  const frames = [Buffer.from('first'), Buffer.from('second!'), Buffer.from('3')];
  const bytes = writeFragment(7, 123_456, 1024, frames);

  test('say when they begin, how long they last and where their first frame ends', () => {
    const [fragment] = readFragments(bytes).fragments;
    expect(fragment).toMatchObject({ decodeTime: 123_456, samples: 3, duration: 3072, length: bytes.length });
    expect(bytes.subarray((fragment?.firstSampleEnd ?? 0) - 5, fragment?.firstSampleEnd).toString()).toBe(
      'first',
    );
  });

  test.each([1, 7, 64])('come whole out of a stream that arrives %i bytes at a time', (step) => {
    const splitter = new BoxSplitter();
    const seen: string[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const { type, content } of splitter.push(bytes.subarray(at, at + step)))
        seen.push(`${type} ${content.length}`);
    }
    expect(seen).toEqual([expect.stringMatching(/^moof /), 'mdat 13']);
    expect(splitter.pending).toBe(0);
  });

  test('a box that claims fewer bytes than its header is refused', () => {
    expect(() => new BoxSplitter().push(Buffer.from([0, 0, 0, 4, 109, 100, 97, 116]))).toThrow(
      /claims 4 bytes/,
    );
  });
});
