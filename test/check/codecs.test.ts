import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readInit } from '../../check/init.ts';
import { ffmpeg } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-codecs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=322x182:rate=25:duration=0.2'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=0.2:sample_rate=48000'];

/** The one track of a file that ffmpeg makes, as its init segment tells it. */
async function trackOf(...options: string[]) {
  const file = join(folder, 'a.mp4');
  await ffmpeg(...options, '-movflags', '+cmaf+empty_moov+default_base_moof', '-f', 'mp4', file);
  const bytes = await readFile(file);
  const { tracks, problems } = readInit(bytes.subarray(0, bytes.indexOf('moof') - 4));
  expect(problems).toEqual([]);
  return tracks[0];
}

describe('CODECS and format are computed from the init segment', () => {
  test('H.264 High 4:2:0', async () => {
    const options = ['-c:v', 'libx264', '-profile:v', 'high', '-level', '4.1', '-pix_fmt', 'yuv420p'];
    const picture = { width: 322, height: 182, chromaFormat: 1, bitDepth: 8, progressive: true };
    expect(await trackOf(...PICTURE, ...options)).toMatchObject({
      text: 'avc1.640029',
      picture,
      nalLength: 4,
    });
  });

  test('H.264 in PQ says so', async () => {
    const colours = ['-x264-params', 'colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc'];
    const track = await trackOf(...PICTURE, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', ...colours);
    expect(track?.picture?.colours).toEqual({ primaries: 9, transfer: 16, matrix: 9 });
  });

  test('HEVC Main 10: profile, compatibility, tier, level, constraints; cropped size', async () => {
    const options = [
      '-c:v',
      'libx265',
      '-pix_fmt',
      'yuv420p10le',
      '-x265-params',
      'log-level=none',
      '-tag:v',
      'hvc1',
    ];
    const picture = { width: 322, height: 182, chromaFormat: 1, bitDepth: 10, progressive: true };
    expect(await trackOf(...PICTURE, ...options)).toMatchObject({
      text: 'hvc1.2.4.L60.90',
      picture,
      nalLength: 4,
    });
  });

  test('AV1 Main', async () => {
    const options = ['-c:v', 'libaom-av1', '-cpu-used', '8', '-pix_fmt', 'yuv420p'];
    expect((await trackOf(...PICTURE, ...options))?.text).toMatch(/^av01\.0\.0\dM\.08$/);
  });

  test.each([
    ['stereo AAC-LC', ['-c:a', 'aac', '-ac', '2'], 'mp4a.40.2', 2],
    ['5.1 AAC-LC', ['-c:a', 'aac', '-ac', '6'], 'mp4a.40.2', 6],
    ['FLAC', ['-c:a', 'flac', '-ac', '2', '-strict', '-2'], 'fLaC', 2],
  ])('%s', async (_, options, text, channels) => {
    expect(await trackOf(...SOUND, ...options)).toMatchObject({ kind: 'audio', text, channels });
  });
});
