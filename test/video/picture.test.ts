import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FindingCode } from '../../video/findings.ts';
import { ORIENTATIONS, type Orientation, readDisplayMatrix } from '../../video/orientation.ts';
import type { Plan } from '../../video/plan.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { encodeFile, joinChunks, OWN_SIZE, planFile } from '../support/encode.ts';
import { ffmpeg, framePixels } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-picture-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Encodes a file in its own size; its largest rung as one file. */
async function encoded(file: string): Promise<{ plan: Plan; output: string }> {
  const { plan, rungs } = await encodeFile(file, OWN_SIZE, folder);
  const output = join(folder, 'output.mp4');
  await joinChunks(rungs[0] ?? [], output);
  return { plan, output };
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '1', '-pix_fmt', 'yuv420p'];

const finding = (code: FindingCode, words: RegExp) => ({ code, text: expect.stringMatching(words) });

describe('a picture is shown as it was meant, however it is stored', () => {
  /** a, b, c, d of ISO/IEC 14496-12's matrix: where a stored point is shown. */
  const MATRICES: ReadonlyArray<[name: Orientation | 'upright', matrix: [number, number, number, number]]> = [
    ['upright', [1, 0, 0, 1]],
    ['mirrored', [-1, 0, 0, 1]],
    ['flipped', [1, 0, 0, -1]],
    ['turned-180', [-1, 0, 0, -1]],
    ['turned-90', [0, 1, -1, 0]],
    ['turned-270', [0, -1, 1, 0]],
    ['transposed', [0, 1, 1, 0]],
    ['anti-transposed', [0, -1, -1, 0]],
  ];
  const [WIDTH, HEIGHT, BOX] = [96, 64, 16];

  /** Writes a display matrix into an MP4's one track header, in place of the identity that ffmpeg writes. */
  async function storeMatrix(file: string, [a, b, c, d]: [number, number, number, number]): Promise<void> {
    const bytes = await readFile(file);
    const at = bytes.indexOf('tkhd') + 4 + 40; // version 0: 36 bytes of header, times and ids, then volume, reserved
    const fixed = (value: number) => value * 65536;
    [fixed(a), fixed(b), 0, fixed(c), fixed(d), 0].forEach((value, index) => {
      bytes.writeInt32BE(value, at + index * 4);
    });
    await writeFile(file, bytes);
  }

  test.each(MATRICES)('%s', async (name, matrix) => {
    const [a, b, c, d] = matrix;
    const file = join(folder, `${name}.mp4`);
    // A white box in the stored picture's upper left corner, a grey one below it.
    const picture = `color=black:s=${WIDTH}x${HEIGHT}:d=0.4,drawbox=0:0:${BOX}:${BOX}:white:fill,drawbox=0:${BOX}:${BOX}:${BOX}:gray:fill`;
    await ffmpeg('-f', 'lavfi', '-i', picture, ...X264, file);
    await storeMatrix(file, matrix);
    const { plan, output } = await encoded(file);

    const [width, height] = a === 0 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    expect(plan.rungs[0]).toMatchObject({ width, height });
    const pixels = await framePixels(output, 'gray');
    /** The brightness where a point of the stored picture is shown, by the matrix itself. */
    const shownAt = (x: number, y: number) => {
      const [dx, dy] = [x - WIDTH / 2, y - HEIGHT / 2];
      const [px, py] = [a * dx + c * dy + width / 2, b * dx + d * dy + height / 2];
      return pixels[Math.floor(py) * width + Math.floor(px)] ?? -1;
    };
    expect(shownAt(BOX / 2, BOX / 2)).toBeGreaterThan(240);
    expect(Math.abs(shownAt(BOX / 2, BOX * 1.5) - 128)).toBeLessThan(12);
    expect(shownAt(WIDTH - BOX / 2, BOX / 2)).toBeLessThan(12);
    expect(shownAt(BOX / 2, HEIGHT - BOX / 2)).toBeLessThan(12);
    expect(plan.picture?.orientation).toBe(name === 'upright' ? undefined : name);
    expect(plan.findings.some(({ code }) => code === 'turned')).toBe(name !== 'upright');
  });

  test('a matrix that is a few degrees off counts as the nearest', () => {
    expect(readDisplayMatrix('\n00000000: 65000 3000 0\n00000001: -3000 65000 0\n')).toBeUndefined();
    expect(readDisplayMatrix('\n00000000: 3000 65000 0\n00000001: -65000 3000 0\n')).toBe('turned-90');
    expect(Object.keys(ORIENTATIONS)).toHaveLength(7);
  });

  testWithCorpus.each<[file: string, orientation: Orientation, width: number, height: number]>([
    ['derived_hflip_matrix.mp4', 'mirrored', 320, 240],
    ['portrait.MOV', 'turned-90', 320, 568],
    ['video_270.mov', 'turned-270', 320, 568],
    ['internal_emulator_transformer_output_180_rotated.mp4', 'turned-180', 1280, 720],
    ['rotated_hdr_video.mov', 'turned-90', 1080, 1920],
  ])('%s is %s', async (file, orientation, width, height) => {
    const plan = await planFile(corpusFile(file), OWN_SIZE);
    expect(plan.picture).toMatchObject({ orientation, width, height });
  });
});

describe('pixels that are not square', () => {
  test.each([
    ['wide, as on a DVD', '64/45', 1024, 576],
    ['narrow, as of NTSC DV', '8/9', 640, 576],
  ])('%s: a circle stays one', async (_, sar, width, height) => {
    const file = join(folder, 'anamorphic.mkv');
    const [num = 1, den = 1] = sar.split('/').map(Number);
    // An ellipse that a circle becomes in such pixels.
    const inside = `lt(hypot((X-360)*${num}/${den},Y-288),200)`;
    const ellipse = `nullsrc=s=720x576:d=0.4,format=gray,geq=lum='if(${inside},235,16)',setsar=${sar}`;
    await ffmpeg('-f', 'lavfi', '-i', ellipse, ...X264, '-color_range', 'tv', file);
    const { plan, output } = await encoded(file);
    expect(plan.rungs[0]).toMatchObject({ width, height });
    expect(plan.findings).toContainEqual(
      finding('stretched', new RegExp(`720 x 576.* ${width} x ${height}`)),
    );

    const pixels = await framePixels(output, 'gray');
    const lit = (x: number, y: number) => (pixels[y * width + x] ?? 0) > 128;
    const across = Array.from({ length: width }, (_, x) => lit(x, height / 2)).filter(Boolean).length;
    const down = Array.from({ length: height }, (_, y) => lit(width / 2, y)).filter(Boolean).length;
    expect(Math.abs(across - 400)).toBeLessThan(3);
    expect(Math.abs(down - 400)).toBeLessThan(3);
  });
});
