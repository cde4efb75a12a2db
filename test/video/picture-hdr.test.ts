import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readPeak } from '../../video/light.ts';
import type { Plan } from '../../video/plan.ts';
import { readSource } from '../../video/probe.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { encodeFile, joinChunks, OWN_SIZE, planFile } from '../support/encode.ts';
import { colourTagsOf, ffmpeg, framePixels } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-hdr-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Light in nits, red, green and blue of BT.709, to the signal of a medium: BT.2100's formulas, written anew here. */
type Rgb = readonly [number, number, number];
const map = ([r, g, b]: Rgb, change: (value: number) => number): Rgb => [change(r), change(g), change(b)];

/** BT.709 in BT.2020 (BT.2087, equation 4). */
const wide = ([r, g, b]: Rgb): Rgb => [
  0.6274 * r + 0.3293 * g + 0.0433 * b,
  0.0691 * r + 0.9195 * g + 0.0114 * b,
  0.0164 * r + 0.088 * g + 0.8956 * b,
];
/** SMPTE ST 2084's inverse EOTF. */
function pq(nits: number): number {
  const y = (nits / 10_000) ** 0.1593017578125;
  return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375;
}
/** HLG's OETF (BT.2100, table 5), after the inverse of the OOTF for a display of 1000 nits, each channel alone. */
function hlg(nits: number): number {
  const scene = (nits / 1000) ** (1 / 1.2);
  return scene <= 1 / 12 ? Math.sqrt(3 * scene) : 0.17883277 * Math.log(12 * scene - 0.28466892) + 0.55991073;
}

interface Target {
  readonly name: string;
  readonly nits: Rgb;
  /** Signal in percent that the SDR picture must have. */
  readonly from: number;
  readonly to: number;
}
const grey = (nits: number): Rgb => [nits, nits, nits];
/**
 * BT.2408: reference white is 203 nits, a grey card (18 %) 26, skin up to 55 % PQ. In SDR a grey card is 42.5 % (BT.709's
 * curve of 0.18); white lies between BT.2446's method A (69 %) and C (96 %), and leaves room for highlights above.
 */
const TARGETS: readonly Target[] = [
  { name: 'black', nits: grey(0), from: 0, to: 0.5 },
  { name: 'a grey card', nits: grey(26), from: 41.5, to: 43.5 },
  { name: 'dark skin', nits: grey(18), from: 35, to: 38 },
  { name: 'light skin', nits: grey(78), from: 64, to: 69 },
  { name: 'reference white', nits: grey(203), from: 85, to: 95 },
  { name: 'a highlight', nits: grey(500), from: 95, to: 99.8 },
  { name: 'the peak', nits: grey(1000), from: 99, to: 100 },
];
/** SDR colours at SDR's own brightness (white is 203 nits): they must come out as themselves. */
const COLOURS: readonly Rgb[] = [
  [0.6, 0.1, 0.1],
  [0.1, 0.6, 0.1],
  [0.1, 0.1, 0.6],
  [0.62, 0.47, 0.4],
];

/** Encodes patches of light as PQ or HLG in 10 bits; the SDR signal of each patch, 0 to 255. */
async function toned(
  transfer: 'pq' | 'hlg',
  patches: readonly Rgb[],
): Promise<{ plan: Plan; colours: Rgb[]; tags: string }> {
  const size = 64;
  const signal = transfer === 'pq' ? pq : hlg;
  const codes = patches.map((nits) =>
    map(wide(nits), (light) => Math.round(1023 * signal(Math.max(0, light)))),
  );
  // The patches side by side, exactly, in 10-bit RGB: one nested `if` a channel.
  const plane = (part: number) =>
    codes.reduceRight((rest, code, index) => `if(lt(X,${(index + 1) * size}),${code[part]},${rest})`, '0');
  const picture = [
    `nullsrc=size=${size * patches.length}x${size}:rate=25:duration=0.2,format=gbrp10`,
    `geq=r='${plane(0)}':g='${plane(1)}':b='${plane(2)}'`,
    'zscale=min=gbr:rin=full:pin=2020:tin=2020_10:m=2020_ncl:r=limited:p=2020:t=2020_10,format=yuv420p10',
  ].join(',');
  const tags = `colorprim=bt2020:transfer=${transfer === 'pq' ? 'smpte2084' : 'arib-std-b67'}:colormatrix=bt2020nc`;
  const file = join(folder, `${transfer}.mp4`);
  const encoder = ['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '2', '-tag:v', 'hvc1'];
  await ffmpeg('-f', 'lavfi', '-i', picture, ...encoder, '-x265-params', `${tags}:log-level=error`, file);
  const { plan, rungs } = await encodeFile(file, OWN_SIZE, folder);
  const output = join(folder, 'output.mp4');
  await joinChunks(rungs[0] ?? [], output);
  const pixels = await framePixels(output, 'rgb24', 2);
  const colours = patches.map((_, index): Rgb => {
    const at = ((size / 2) * size * patches.length + (index + 0.5) * size) * 3;
    return [pixels[at] ?? -1, pixels[at + 1] ?? -1, pixels[at + 2] ?? -1];
  });
  return { plan, colours, tags: await colourTagsOf(output) };
}

describe.each(['pq', 'hlg'] as const)('%s becomes SDR', (transfer) => {
  let result: Awaited<ReturnType<typeof toned>>;
  beforeAll(async () => {
    const sdr = COLOURS.map((colour) => map(colour, (part) => 203 * part ** 2.4));
    result = await toned(transfer, [...TARGETS.map(({ nits }) => nits), ...sdr]);
  });

  test.each(TARGETS.map((target, index) => ({ ...target, index })))(
    '$name is $from to $to %',
    ({ from, to, index }) => {
      const [red = -1, green = -1, blue = -1] = result.colours[index] ?? [];
      expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThanOrEqual(2);
      expect(green / 2.55).toBeGreaterThanOrEqual(from);
      expect(green / 2.55).toBeLessThanOrEqual(to);
    },
  );

  test('colours that SDR has stay what they are', () => {
    const seen = result.colours.slice(TARGETS.length);
    const wanted = COLOURS.map((colour) => map(colour, (part) => part * 255));
    for (const [index, colour] of wanted.entries()) {
      for (const [part, value] of colour.entries()) {
        expect(Math.abs((seen[index]?.[part] ?? -99) - value)).toBeLessThanOrEqual(5);
      }
    }
  });

  test('is tagged as what it became, and said', () => {
    expect(result.tags).toBe('tv,bt709,bt709,bt709');
    const text = expect.stringMatching(transfer === 'pq' ? /HDR10/ : /HLG/);
    expect(result.plan.findings).toContainEqual({ code: 'tone-mapped', text });
  });
});

describe('the brightest that a PQ picture shows', () => {
  test.each([
    ['is what the film itself reaches', [{ max_content: 600 }, { max_luminance: '40000000/10000' }], 600],
    ['else what it was mastered on', [{ max_content: 0 }, { max_luminance: '40000000/10000' }], 4000],
    ['is not believed beyond PQ', [{ max_content: 65_535 }], undefined],
    ['is not known where nothing says it', [], undefined],
  ])('%s', (_, side_data_list, nits) => {
    expect(readPeak({ frames: [{ side_data_list }] })).toBe(nits);
  });
});

describe('Dolby Vision', () => {
  const source = (dv_profile: number, dv_bl_signal_compatibility_id: number) => ({
    streams: [
      {
        ...{
          index: 0,
          codec_type: 'video',
          codec_name: 'hevc',
          width: 1920,
          height: 1080,
          time_base: '1/600',
        },
        ...{ pix_fmt: 'yuv420p10le', side_data_list: [{ dv_profile, dv_bl_signal_compatibility_id }] },
      },
    ],
    format: { format_name: 'mov' },
  });

  test.each([
    [5, 0],
    [10, 0],
  ])('of profile %i has colours that only its own decoders know: refused', (profile, compatible) => {
    const read = () => readSource(source(profile, compatible));
    expect(read).toThrow(expect.objectContaining({ code: 'unsupported-colours' }));
  });

  test.each([
    [7, 6],
    [8, 1],
    [8, 4],
    [10, 1],
  ])('of profile %i.%i has a base layer that is shown', (profile, compatible) => {
    expect(readSource(source(profile, compatible)).video?.dolbyVision).toBe(profile);
  });
});

describe('of real cameras and encoders', () => {
  testWithCorpus.each([
    ['rotated_hdr_video.mov', 'hlg', /Dolby Vision \(profile 8\) on HLG/],
    ['bear-640x360-hevc-hdr10.mp4', 'pq', /HDR10/],
    ['sparks_dovi_8.mp4', 'pq', /Dolby Vision \(profile 8\)/],
  ] as const)('%s is %s', async (file, transfer, words) => {
    const plan = await planFile(corpusFile(file), OWN_SIZE);
    expect(plan.picture?.colour).toMatchObject({ matrix: 'bt2020nc', hdr: { transfer } });
    expect(plan.findings).toContainEqual({ code: 'tone-mapped', text: expect.stringMatching(words) });
  });
});
