/** High dynamic range that is kept: which rungs have it, and that they are the source's own picture, as players want it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkStream } from '../../check/check.ts';
import type { Colour } from '../../video/colour.ts';
import { readFragments } from '../../video/fmp4.ts';
import { chooseRungs } from '../../video/ladder.ts';
import { frameSchema, readGraded } from '../../video/light.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { checkedTree, MASTER, treeReader, urlOf } from '../support/checked-tree.ts';
import { type Encoded, encodeFile, joinChunks } from '../support/encode.ts';
import { ffmpeg, numberedPicture, readNumbers } from '../support/media.ts';

const exec = promisify(execFile);
const PQ: Colour = {
  ...{ model: 'yuv', matrix: 'bt2020nc', primaries: 'bt2020', range: 'limited', bits: 10 },
  hdr: { transfer: 'pq', peakNits: 1000 },
};
const { hdr: _, ...SDR } = PQ;
const HLG: Colour = { ...PQ, hdr: { transfer: 'hlg', peakNits: 1000 } };
const RUNGS = [
  { height: 180, crf: 23, maxKbps: 400 },
  { height: 90, crf: 33, maxKbps: 100 },
];
const KEEP = encodeSettingsSchema.parse({ rungs: RUNGS, hdr: 'keep', segmentSeconds: 2, chunkSeconds: 6 });
const TONE_MAP = { ...KEEP, hdr: 'tone-map' as const };
const BOTH = ['180p', '90p', '180p-hdr', '90p-hdr'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-hdr-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('rungs that keep it come after those of standard range', () => {
  test.each([
    ['of PQ', PQ, KEEP, BOTH],
    ['of HLG', HLG, KEEP, BOTH],
    ['beside HEVC of standard range', PQ, { ...KEEP, codecs: ['h264', 'hevc'] as const }, undefined],
    ['not unless they are asked for', PQ, TONE_MAP, ['180p', '90p']],
    ['not of a standard range', SDR, KEEP, ['180p', '90p']],
    ['not of other colours than BT.2020', { ...PQ, primaries: 'smpte432' as const }, KEEP, ['180p', '90p']],
  ])('%s', (_name, colour, settings, names) => {
    const rungs = chooseRungs(
      { width: 320, height: 180, colour },
      { ...settings, codecs: [...settings.codecs] },
    );
    const found = rungs.map(({ name }) => name);
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(names ?? ['180p', '90p', 'hevc-180p', 'hevc-90p', '180p-hdr', '90p-hdr']);
  });
});

test('how it was graded is read whole or not at all', () => {
  const display = {
    ...{ red_x: '34000/50000', red_y: '16000/50000', green_x: '13250/50000', green_y: '34500/50000' },
    ...{ blue_x: '7500/50000', blue_y: '3000/50000', white_point_x: '15635/50000' },
    ...{ white_point_y: '16450/50000', max_luminance: '10000000/10000', min_luminance: '1/10000' },
  };
  const read = (...side_data_list: Record<string, unknown>[]) =>
    readGraded(frameSchema.parse({ frames: [{ side_data_list }] }));
  expect(read(display, { max_content: 1000, max_average: 400 })).toEqual({
    masterDisplay: 'G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)',
    maxCll: '1000,400',
  });
  expect(read({ ...display, red_y: undefined })).toEqual({});
  expect(read({ ...display, red_y: '1:log-level=full' })).toEqual({});
  expect(read()).toEqual({});
});

const MASTERING = 'G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)';
const SECONDS = 8;

describe.each([
  { name: 'PQ', transfer: 'smpte2084', grading: `:master-display=${MASTERING}:max-cll=1000,400` },
  { name: 'HLG', transfer: 'arib-std-b67', grading: '' },
])('$name', ({ name, transfer, grading }) => {
  let file: string;
  let encoded: Encoded;
  const wholes = new Map<string, string>();
  beforeAll(async () => {
    file = join(folder, `${name}.mp4`);
    const tags = `setparams=range=tv:color_primaries=bt2020:color_trc=${transfer}:colorspace=bt2020nc`;
    const filters = ['-vf', `scale=320:180,setsar=1,format=yuv420p10le,${tags}`];
    const picture = ['-f', 'lavfi', '-i', numberedPicture('25', SECONDS), ...filters];
    const x265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '10', '-tag:v', 'hvc1'];
    await ffmpeg(...picture, ...x265, '-x265-params', `log-level=error${grading}`, file);
    encoded = await encodeFile(file, KEEP, folder);
    for (const [index, rung] of encoded.plan.rungs.entries()) {
      const whole = join(folder, `${name}-${rung.name}-whole.mp4`);
      await joinChunks(encoded.rungs[index] ?? [], whole);
      wholes.set(rung.name, whole);
    }
  });

  test('is cut and joined without a seam: every frame once, one header', async () => {
    expect(encoded.plan.chunks.length).toBeGreaterThan(1);
    expect([...wholes.keys()]).toEqual(BOTH);
    for (const [index, whole] of [...wholes.values()].entries()) {
      const frames = Array.from({ length: SECONDS * 25 }, (_, frame) => frame);
      expect(await readNumbers(whole)).toEqual(frames);
      const inits = encoded.rungs[index]?.map((data) =>
        data.subarray(0, readFragments(data).initLength).toString('hex'),
      );
      expect(new Set(inits).size).toBe(1);
    }
  });

  test('is the same bytes each time', async () => {
    const again = await encodeFile(file, KEEP, folder);
    expect(Buffer.concat(again.rungs.flat()).equals(Buffer.concat(encoded.rungs.flat()))).toBe(true);
  });

  const probed = async (rung: string) => {
    const entries = ['-show_frames', '-read_intervals', '%+#1', '-of', 'json'];
    const { stdout } = await exec('ffprobe', ['-v', 'error', ...entries, wholes.get(rung) ?? '']);
    return JSON.parse(stdout).frames[0];
  };

  test('says what it is, and beside it stands a standard range that says so, too', async () => {
    expect(await probed('180p-hdr')).toMatchObject({
      ...{ pix_fmt: 'yuv420p10le', color_range: 'tv', color_space: 'bt2020nc' },
      ...{ color_primaries: 'bt2020', color_transfer: transfer },
    });
    expect(await probed('180p')).toMatchObject({
      ...{ pix_fmt: 'yuv420p', color_space: 'bt709', color_primaries: 'bt709', color_transfer: 'bt709' },
    });
  });

  test('has the metadata that its source has, in its frames and in its header', async () => {
    const { side_data_list = [] } = await probed('180p-hdr');
    expect(readGraded({ frames: [{ side_data_list }] })).toEqual(
      grading === '' ? {} : { masterDisplay: MASTERING, maxCll: '1000,400' },
    );
    const data = encoded.rungs[2]?.[0] ?? Buffer.of();
    const header = data.subarray(0, readFragments(data).initLength);
    // Two SEI messages (ITU-T H.265, D.2): 137 of 24 bytes, 144 of 4.
    const messages = [Buffer.of(0x4e, 0x01, 137, 24), Buffer.of(0x4e, 0x01, 144, 4)];
    expect(messages.map((message) => header.includes(message))).toEqual([grading !== '', grading !== '']);
  });

  test('is the picture of its source', async () => {
    const whole = wholes.get('180p-hdr') ?? '';
    const compare = ['-i', file, '-i', whole, '-lavfi', '[0:v][1:v]psnr', '-f', 'null', '-'];
    const { stderr } = await exec('ffmpeg', ['-nostdin', '-v', 'info', ...compare]);
    expect(Number(/PSNR .*average:([\d.]+)/.exec(stderr)?.[1])).toBeGreaterThan(38);
  });
});

test.each([
  ['PQ', PQ],
  ['HLG', HLG],
])('a stream that keeps %s breaks no rule', async (range, colour) => {
  const rungs = chooseRungs({ width: 448, height: 270, colour }, KEEP);
  const tree = await checkedTree(rungs);
  const { findings, unchecked } = await checkStream(treeReader(tree), urlOf(MASTER));
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(unchecked).toEqual([]);
  const ranges = [...`${tree.get(MASTER)}`.matchAll(/VIDEO-RANGE=(\w+)/g)].map(([, value]) => value);
  expect(new Set(ranges)).toEqual(new Set(['SDR', range]));
});
