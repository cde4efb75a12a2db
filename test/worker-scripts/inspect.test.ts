import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { serveFile } from '../../cli/file-server.ts';
import type { FailureCode } from '../../video/failures.ts';
import { type EncodeSettings, encodeSettingsSchema } from '../../video/settings.ts';
import { CAPTION_MARK } from '../../video/text/captions.ts';
import { PICTURE_CAPTIONS } from '../../video/text/tracks.ts';
import { type Inspection, inspect, readJson } from '../../worker-scripts/inspect.ts';
import { SourceProxy } from '../../worker-scripts/source-proxy.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { ffmpeg } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-inspect-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function look(file: string, limits: Partial<EncodeSettings> = {}): Promise<Inspection> {
  const settings = encodeSettingsSchema.parse(limits);
  const { url, close } = await serveFile(file);
  try {
    const { signal } = new AbortController();
    return await inspect({ url, bytes: (await stat(file)).size, settings, signal });
  } finally {
    close();
  }
}

const refused = (code: FailureCode, words: RegExp | string = '') =>
  expect.objectContaining({ name: 'SourceError', code, message: expect.stringMatching(words) });

describe('what can not become a video is refused with a code and what was seen', () => {
  testWithCorpus.each<[file: string, code: FailureCode, words: RegExp]>([
    ['2018-04-12 19_24_49.mov', 'empty', /is empty/],
    ['WrongFile.mp4', 'incomplete', /moov atom not found/],
    ['broken.mp4', 'incomplete', /moov atom not found/],
    ['fixture-corrupt.mkv', 'not-a-video', /Invalid data/],
    ['invalid-bitstream.webm', 'undecodable', /./],
    ['init.mp4', 'undecodable', /./],
    ['full_blocks.mkv', 'no-video-stream', /found: subrip/],
    ['bear-640x360-v_frag-cenc-senc.mp4', 'encrypted', /key/],
    ['sample_vvc.mp4', 'unsupported-codec', /vvc1/],
  ])('%s is %s', async (file, code, words) => {
    await expect(look(corpusFile(file))).rejects.toEqual(refused(code, words));
  });

  test.each<[name: string, content: string | Buffer, seen: string]>([
    ['a picture', Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex'), 'a JPEG picture'],
    ['a phone picture', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'a HEIF or AVIF picture'],
    ['a document', '%PDF-1.7\n%\xe2\xe3\n1 0 obj\n', 'a PDF document'],
    ['an archive', 'PK\x03\x04\x14\0\0\0\x08\0', 'a ZIP archive'],
    ['a playlist', '#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile:///etc/passwd\n', 'an HLS playlist'],
    ['a page', '<!DOCTYPE html><html><body>404</body></html>', 'a web page'],
    ['a letter', 'Dear Sir or Madam,\nplease find my video attached.\n', 'plain text'],
    ['what a copy that failed leaves', Buffer.alloc(70_000), 'nothing but zeros'],
  ])('%s under a name of a video is named', async (_, content, seen) => {
    const file = join(folder, 'named.mp4');
    await writeFile(file, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    await expect(look(file)).rejects.toEqual(refused('not-a-video', `it is ${seen}`));
  });

  test('an MP4 whose recording stopped before its index was written is incomplete', async () => {
    const file = join(folder, 'stopped.mp4');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=duration=4', '-pix_fmt', 'yuv420p', file);
    await truncate(file, (await stat(file)).size - 4000);
    await expect(look(file)).rejects.toEqual(refused('incomplete'));
  });
});

test('a picture that ends half way is not refused for fields that could not be looked for there', async () => {
  const file = join(folder, 'half.mov');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=64x480:duration=9'];
  await ffmpeg(...picture, '-c:v', 'mpeg2video', '-g', '12', '-pix_fmt', 'yuv420p', file);
  const bytes = await readFile(file);
  const [media, index] = [bytes.indexOf('mdat') + 4, bytes.indexOf('moov') - 4];
  await writeFile(file, bytes.fill(0, media + Math.round((index - media) / 3), index));
  const { source } = await look(file);
  expect(source.video?.scan?.progressive).toBeGreaterThan(5);
});

test('headers without end are not read to the end', async () => {
  const headers = (bytes: number) => readJson(Readable.from([Buffer.alloc(bytes, ' ')]), 1000);
  await expect(headers(1001)).rejects.toEqual(refused('too-much-metadata', /more than 1000 bytes/));
  await expect(headers(1000)).resolves.toHaveLength(1000);
});

describe('what is beyond a limit is refused', () => {
  test.each<[limits: Partial<EncodeSettings>, code: FailureCode, words: RegExp]>([
    [{ maxBytes: 1000 }, 'file-too-large', /the limit is 1000 bytes/],
    [{ maxTracks: 2 }, 'too-many-tracks', /3 tracks, the limit is 2/],
    [{ maxPixels: 10_000 }, 'too-large', /320 x 180/],
    [{ maxFrames: 49 }, 'too-many-frames', /the limit is 49/],
  ])('%j', async (limits, code, words) => {
    const file = join(folder, 'limits.mkv');
    const sound = ['-f', 'lavfi', '-i', 'anoisesrc=duration=2'];
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:duration=2'];
    const maps = ['-map', '0', '-map', '1', '-map', '1', '-pix_fmt', 'yuv420p'];
    await ffmpeg(...picture, ...sound, ...maps, '-c:a', 'aac', file);
    const { packets } = await look(file, { maxFrames: 50, maxTracks: 3 });
    expect('pts' in packets && packets.pts).toHaveLength(50);
    await expect(look(file, limits)).rejects.toEqual(refused(code, words));
  });

  test('a picture that grows beyond any bound is not decoded', async () => {
    const file = join(folder, 'huge.mov');
    await ffmpeg('-f', 'lavfi', '-i', 'color=size=64x64:duration=0.1', '-c:v', 'png', file);
    const bytes = await readFile(file);
    // PNG's own header says 30000 x 30000, where the container says 64 x 64.
    for (let at = bytes.indexOf('IHDR'); at >= 0; at = bytes.indexOf('IHDR', at + 1)) {
      bytes.writeUInt32BE(30_000, at + 4);
      bytes.writeUInt32BE(30_000, at + 8);
    }
    await writeFile(file, bytes);
    await expect(look(file)).rejects.toEqual(refused('undecodable'));
  });
});

describe('captions inside the picture are looked for', () => {
  /** Looks at a file that the worker's proxy serves. @returns its text tracks, and how often it was read from its beginning */
  async function lookServed(file: string) {
    const bytes = (await stat(file)).size;
    const s3 = mockClient(S3Client);
    let opened = 0;
    s3.on(GetObjectCommand).callsFake(({ Range }) => {
      const start = Number(/^bytes=(\d+)-/.exec(Range)?.[1]);
      if (start === 0) opened++;
      const ContentRange = `bytes ${start}-${bytes - 1}/${bytes}`;
      return { Body: createReadStream(file, { start }), ContentLength: bytes - start, ContentRange };
    });
    const proxy = await SourceProxy.start(new S3Client({}));
    try {
      const { url, lookFor } = proxy.open({ bucket: 'b', key: 'k' });
      const { signal } = new AbortController();
      const { source } = await inspect({
        url,
        bytes,
        settings: encodeSettingsSchema.parse({}),
        signal,
        lookFor,
      });
      return { text: source.text.map(({ codec }) => codec), opened };
    } finally {
      proxy.close();
      s3.restore();
    }
  }

  const source = ['-f', 'lavfi', '-i', 'testsrc2=duration=1'];
  const picture = [...source, '-pix_fmt', 'yuv420p', '-movflags', '+faststart'];

  test('in what of an MP4 was read anyway: where nothing has their mark, it is not read for them', async () => {
    const file = join(folder, 'none.mp4');
    await ffmpeg(...picture, file);
    expect(await lookServed(file)).toEqual({ text: [], opened: 3 }); // headers, packets, a picture
  });

  testWithCorpus('where something has it, in the picture', async () => {
    const read = await lookServed(corpusFile('fragmented_captions.mp4'));
    expect(read).toEqual({ text: [PICTURE_CAPTIONS], opened: 4 });
  });

  testWithCorpus('in the picture of an MPEG-TS, which may cut the mark in two', async () => {
    const file = corpusFile('sd-hls0000000000.ts');
    expect(await lookServed(file)).toMatchObject({ text: [PICTURE_CAPTIONS] });
  });

  test('in the picture alone', async () => {
    const file = join(folder, 'elsewhere.mp4');
    await ffmpeg(...picture, '-metadata', `title=${CAPTION_MARK}`, file);
    expect(await lookServed(file)).toEqual({ text: [], opened: 4 });
  });
});
