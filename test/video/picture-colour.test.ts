import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FindingCode } from '../../video/findings.ts';
import type { Plan } from '../../video/plan.ts';
import { encodeFile, joinChunks, OWN_SIZE } from '../support/encode.ts';
import { colourTagsOf, ffmpeg, framePixels } from '../support/media.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-colour-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Rgb = readonly [number, number, number];

/** Bars of 75 and 100 %, greys, and a skin. */
const BARS: readonly Rgb[] = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [255, 255, 255],
  [128, 128, 128],
  [16, 16, 16],
  [0, 0, 0],
  [224, 172, 150],
];
const hex = (bar: Rgb) => bar.map((part) => part.toString(16).padStart(2, '0')).join('');

/** The bars side by side, as a source of ffmpeg in RGB. */
function barsOf(bars: readonly Rgb[], [width, height]: readonly [number, number]): string {
  const wide = width / bars.length;
  const boxes = bars.map((bar, index) => `drawbox=${index * wide}:0:${wide}:${height}:0x${hex(bar)}:fill`);
  return `color=black:size=${width}x${height}:rate=25:duration=0.2,${boxes.join(',')},format=gbrp`;
}

/** Encodes a file in its own size; the colour in the middle of each bar, and what the output says of its colours. */
async function shown(file: string, count: number): Promise<{ plan: Plan; colours: Rgb[]; tags: string }> {
  const { plan, rungs } = await encodeFile(file, OWN_SIZE, folder);
  const output = join(folder, 'output.mp4');
  await joinChunks(rungs[0] ?? [], output);
  const { width = 0, height = 0 } = plan.rungs[0] ?? {};
  const pixels = await framePixels(output, 'rgb24', 2);
  const colours = Array.from({ length: count }, (_, bar): Rgb => {
    const at = ((height / 2) * width + Math.floor(((bar + 0.5) * width) / count)) * 3;
    return [pixels[at] ?? -1, pixels[at + 1] ?? -1, pixels[at + 2] ?? -1];
  });
  return { plan, colours, tags: await colourTagsOf(output) };
}

/** The largest difference of any part of any colour. */
const distance = (a: readonly Rgb[], b: readonly Rgb[]): number =>
  Math.max(...a.flatMap((rgb, bar) => rgb.map((part, index) => Math.abs(part - (b[bar]?.[index] ?? -999)))));

const finding = (code: FindingCode, words: RegExp) => ({ code, text: expect.stringMatching(words) });
const TRUE_TAGS = 'tv,bt709,bt709,bt709';
const SD = [576, 320] as const;
const HD = [1296, 720] as const;

/** ffmpeg's options for what an encoder says of its colours: range, matrix, primaries, transfer. */
const say = (range: string, matrix: string, primaries: string, transfer: string): string[] => [
  ...['-color_range', range, '-colorspace', matrix, '-color_primaries', primaries, '-color_trc', transfer],
];
/** zimg makes the sources, for ffmpeg's own scaler makes the output. */
const as = (matrix: string, range: string, format: string) =>
  `zscale=min=gbr:rin=full:pin=709:tin=709:m=${matrix}:r=${range}:p=709:t=709,format=${format}`;

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '1'];

describe('SDR: every bar is within 2/255, and the output says the truth of its colours', () => {
  interface Source {
    readonly name: string;
    readonly file: string;
    readonly size?: readonly [number, number];
    readonly filter: string;
    readonly encoder: readonly string[];
    /** What the finding must say; none where nothing was done. */
    readonly words: RegExp | undefined;
    readonly within?: number;
  }
  const unsaid = say('unknown', 'unknown', 'unknown', 'unknown');
  const SOURCES: readonly Source[] = [
    {
      ...{ name: 'BT.709', file: 'a.mp4', filter: as('709', 'limited', 'yuv420p'), words: undefined },
      encoder: [...X264, ...say('tv', 'bt709', 'bt709', 'bt709')],
    },
    {
      ...{ name: 'HD that says nothing', file: 'a.mkv', size: HD, filter: as('709', 'limited', 'yuv420p') },
      ...{ encoder: [...X264, ...unsaid], words: undefined },
    },
    {
      ...{ name: 'BT.601', file: 'b.mp4', filter: as('170m', 'limited', 'yuv420p'), words: /BT.601;/ },
      encoder: [...X264, ...say('tv', 'smpte170m', 'bt709', 'smpte170m')],
    },
    {
      ...{ name: 'SD that says nothing', file: 'b.mkv', filter: as('170m', 'limited', 'yuv420p') },
      ...{ encoder: [...X264, ...unsaid], words: /BT.601 \(assumed by its size: the file does not say\);/ },
    },
    {
      ...{ name: 'HD in BT.601', file: 'h.mp4', size: HD, filter: as('470bg', 'limited', 'yuv420p') },
      ...{ encoder: [...X264, ...say('tv', 'bt470bg', 'bt709', 'bt709')], words: /BT.601/ },
    },
    {
      ...{ name: 'full range', file: 'c.mp4', filter: as('709', 'full', 'yuv420p'), words: /full range/ },
      encoder: [...X264, ...say('pc', 'bt709', 'bt709', 'bt709')],
      within: 3, // colour differences were rounded to 8 bits twice: in the source, and in the output
    },
    {
      ...{
        name: 'MJPEG',
        file: 'c.mov',
        filter: as('170m', 'full', 'yuvj422p'),
        words: /full range.*BT.601;/,
      },
      encoder: ['-c:v', 'mjpeg', '-q:v', '1'],
    },
    {
      ...{ name: 'RGB', file: 'd.mkv', filter: 'null', words: /RGB/ },
      encoder: ['-c:v', 'libx264rgb', '-crf', '0', '-pix_fmt', 'bgr24'],
    },
    {
      ...{ name: '4:4:4 in 10 bits', file: 'e.mkv', filter: as('709', 'limited', 'yuv444p10') },
      ...{ encoder: [...X264, ...say('tv', 'bt709', 'bt709', 'bt709')], words: /10 bits/ },
    },
    {
      ...{
        name: 'ProRes 4:2:2 in 10 bits, BT.601',
        file: 'f.mov',
        filter: as('170m', 'limited', 'yuv422p10'),
      },
      encoder: ['-c:v', 'prores_ks', '-qscale:v', '1', ...say('tv', 'smpte170m', 'bt709', 'bt709')],
      words: /10 bits.*BT.601/,
    },
  ];

  test.each(SOURCES)('$name', async ({ file: name, size = SD, filter, encoder, words, within = 2 }) => {
    const file = join(folder, name);
    await ffmpeg('-f', 'lavfi', '-i', `${barsOf(BARS, size)},${filter}`, ...encoder, file);
    const { plan, colours, tags } = await shown(file, BARS.length);
    expect(distance(colours, BARS)).toBeLessThanOrEqual(within);
    expect(tags).toBe(TRUE_TAGS);
    if (words) expect(plan.findings).toContainEqual(finding('colours', words));
    else expect(plan.findings.map(({ code }) => code)).not.toContain('colours');
  });

  test('the wide primaries of BT.2020 in standard range are converted', async () => {
    /** BT.709's curve (item 1.2), and back. */
    const curve = (light: number) => (light < 0.018 ? 4.5 * light : 1.099 * light ** 0.45 - 0.099);
    const light = (signal: number) =>
      signal < 0.081 ? signal / 4.5 : ((signal + 0.099) / 1.099) ** (1 / 0.45);
    /** Linear BT.709 in BT.2020 (BT.2087, equation 4). */
    const rows: readonly Rgb[] = [
      [0.6274, 0.3293, 0.0433],
      [0.0691, 0.9195, 0.0114],
      [0.0164, 0.088, 0.8956],
    ];
    const wide = BARS.map((bar): Rgb => {
      const [r, g, b] = bar.map((part) => light(part / 255));
      const mix = (row: Rgb) => row[0] * (r ?? 0) + row[1] * (g ?? 0) + row[2] * (b ?? 0);
      const [first, second, third] = rows.map((row) => Math.round(255 * Math.min(1, curve(mix(row)))));
      return [first ?? 0, second ?? 0, third ?? 0];
    });
    const file = join(folder, 'wide.mkv');
    const tags = say('tv', 'bt2020nc', 'bt2020', 'bt2020-10');
    const source = `${barsOf(wide, SD)},${as('2020_ncl', 'limited', 'yuv420p10')}`;
    await ffmpeg('-f', 'lavfi', '-i', source, ...X264, ...tags, file);
    const { plan, colours } = await shown(file, BARS.length);
    // The source's own rounding to 8 bits grows where wide primaries become narrow.
    expect(distance(colours, BARS)).toBeLessThanOrEqual(5);
    expect(plan.findings).toContainEqual(finding('colours', /BT.2020/));
  });

  test('primaries that differ are converted, not only named', async () => {
    const file = join(folder, 'primaries.mp4');
    const source = `${barsOf(BARS, SD)},${as('170m', 'limited', 'yuv420p')}`;
    const tags = say('tv', 'smpte170m', 'smpte170m', 'smpte170m');
    await ffmpeg('-f', 'lavfi', '-i', source, ...X264, ...tags, file);
    const { colours } = await shown(file, BARS.length);
    // SMPTE C's red at 75 % in BT.709 (SMPTE RP 177 from both sets of primaries): less red, some green and blue.
    const [red, green, blue] = colours[5] ?? [];
    expect([red, green, blue]).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(Math.abs((red ?? 0) - 185)).toBeLessThanOrEqual(3);
    expect(colours[0]).toEqual(BARS[0]?.map((part) => expect.closeTo(part, -1)));
  });
});

describe('transparent parts are shown on black', () => {
  test.each([
    [
      'VP9',
      'a.webm',
      ['-c:v', 'libvpx-vp9', '-pix_fmt', 'yuva420p', '-crf', '4', '-b:v', '0', '-auto-alt-ref', '0'],
    ],
    ['PNG', 'a.mov', ['-c:v', 'png', '-pix_fmt', 'rgba']],
    ['ProRes 4444', 'b.mov', ['-c:v', 'prores_ks', '-profile:v', '4444', '-pix_fmt', 'yuva444p10le']],
  ])('%s', async (_, name, encoder) => {
    const file = join(folder, name);
    // Red: whole, half transparent, not there at all.
    const alpha = "geq=r=200:g=0:b=0:a='if(lt(X,W/3),255,if(lt(X,2*W/3),128,0))'";
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      `color=red:s=192x108:r=25:d=0.2,format=gbrap,${alpha}`,
      ...encoder,
      file,
    );
    const { plan, colours } = await shown(file, 3);
    const expected: Rgb[] = [
      [200, 0, 0],
      [100, 0, 0],
      [0, 0, 0],
    ];
    expect(distance(colours, expected)).toBeLessThanOrEqual(5); // VP9 and ProRes lose a little themselves
    expect(plan.findings).toContainEqual(finding('transparent', /on black/));
  });
});
