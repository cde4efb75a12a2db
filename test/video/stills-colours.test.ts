/** BT.709 video of limited range becomes BT.601 pictures: what a browser shows must stay the same. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { storyboardArguments, thumbnailArguments } from '../../video/stills-arguments.ts';
import { ffmpeg } from '../support/media.ts';

const exec = promisify(execFile);
let folder: string;
const path = (name: string) => join(folder, name);
const size = { width: 640, height: 360 };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-colours-'));
  const bars = 'smptehdbars=size=640x360:rate=25:duration=0.4';
  const filter = ['-vf', 'scale=out_color_matrix=bt709:out_range=tv,format=yuv420p'];
  const tags = [
    '-color_primaries',
    'bt709',
    '-color_trc',
    'bt709',
    '-colorspace',
    'bt709',
    '-color_range',
    'tv',
  ];
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    bars,
    ...filter,
    '-c:v',
    'libx264',
    '-qp',
    '1',
    ...tags,
    path('bars.mp4'),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Red, green and blue of each bar. */
async function colours(file: string, ...area: string[]): Promise<number[]> {
  const bars = [0.04, 0.154, 0.26, 0.367, 0.475, 0.582, 0.689, 0.796]; // in the middle of each
  const levels = await Promise.all(
    bars.map(async (x) => {
      const filter = [...area, `crop=iw/20:ih/20:${x}*iw:0.2*ih`, 'scale=1:1:flags=area,format=rgb24'].join(
        ',',
      );
      const args = ['-v', 'error', '-i', file, '-frames:v', '1', '-vf', filter, '-f', 'rawvideo', '-'];
      return [...(await exec('ffmpeg', args, { encoding: 'buffer' })).stdout];
    }),
  );
  return levels.flat();
}

test('the poster and the tiles have the colours of the video, within two levels of 255', async () => {
  const sheets = { sheets: path('sheet-%d.jpg'), preview: path('preview.webp') };
  const sizes = { tile: { width: 320, height: 180 }, preview: size, measured: size };
  const layout = { columns: 2, rows: 1 };
  await exec('ffmpeg', thumbnailArguments(path('bars.mp4'), 3, [size], [path('poster.jpg')]));
  await exec('ffmpeg', storyboardArguments(path('bars.mp4'), [0, 5], sizes, layout, [0, 1], sheets), {
    maxBuffer: 1 << 24,
  });
  const expected = await colours(path('bars.mp4'));
  for (const shown of [
    await colours(path('poster.jpg')),
    await colours(path('sheet-0.jpg'), 'crop=320:180:0:0'),
  ]) {
    expect(shown).toHaveLength(24);
    for (const [index, level] of shown.entries())
      expect(Math.abs(level - (expected[index] ?? 0))).toBeLessThanOrEqual(2);
  }
});
