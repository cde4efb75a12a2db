/**
 * The colours of a picture: what they are by the file's word or by custom, and whether that is already what a player
 * takes for granted, BT.709 in limited range, 8 bits.
 */
import { z } from 'zod';
import { SourceError } from './failures.ts';

/** Of Y'CbCr, by ffmpeg's names: how the `scale` and the `colorspace` filter call them. */
export const MATRICES = {
  bt709: { scale: 'bt709', colorspace: 'bt709', text: 'BT.709' },
  smpte170m: { scale: 'smpte170m', colorspace: 'smpte170m', text: 'BT.601' },
  bt470bg: { scale: 'bt470', colorspace: 'bt470bg', text: 'BT.601' },
  fcc: { scale: 'fcc', colorspace: 'fcc', text: 'FCC' },
  smpte240m: { scale: 'smpte240m', colorspace: 'smpte240m', text: 'SMPTE 240M' },
  bt2020nc: { scale: 'bt2020', colorspace: 'bt2020ncl', text: 'BT.2020' },
} as const;
type Matrix = keyof typeof MATRICES;

/** Primaries that the `colorspace` filter knows under ffprobe's name, but BT.709's own. */
const PRIMARIES = {
  bt470m: 'BT.470 M',
  bt470bg: 'BT.601 (625 lines)',
  smpte170m: 'BT.601 (525 lines)',
  smpte240m: 'SMPTE 240M',
  film: 'film',
  bt2020: 'BT.2020',
  smpte431: 'DCI P3',
  smpte432: 'Display P3',
  ebu3213: 'EBU 3213',
} as const;
type Primaries = keyof typeof PRIMARIES | 'bt709';

/** The transfer functions of high dynamic range (BT.2100), by ffprobe's names. */
const HDR = { smpte2084: 'pq', 'arib-std-b67': 'hlg' } as const;

const keysOf = <K extends string>(table: Record<K, unknown>) => Object.keys(table) as [K, ...K[]]; // no table is empty

/** HDR10's own metadata (SMPTE ST 2086, CTA-861.3), as x265 writes them: whole numbers in its units. */
const gradedSchema = z.object({
  /** `G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)`. */
  masterDisplay: z.string().optional(),
  /** MaxCLL and MaxFALL in nits: `1000,400`. */
  maxCll: z.string().optional(),
});
export type Graded = z.infer<typeof gradedSchema>;

/** What a picture's colours are, where they are not BT.709 in limited range. */
export const colourSchema = z.object({
  model: z.enum(['yuv', 'rgb']),
  /** Of Y'CbCr; RGB has none. */
  matrix: z.enum(keysOf(MATRICES)),
  /** Nothing says the matrix: it is the one that players take for pictures of this size. */
  assumed: z.boolean().optional(),
  primaries: z.enum(['bt709', ...keysOf(PRIMARIES)]),
  range: z.enum(['limited', 'full']),
  /** Bits a sample. */
  bits: z.int(),
  /** High dynamic range, and the brightest that it shows, in nits (cd/m²). */
  hdr: z
    .object({
      transfer: z.enum(['pq', 'hlg']),
      peakNits: z.number(),
      /** What it was graded on, and its brightest pixel and frame, where it says so: for who shows it as HDR. */
      graded: gradedSchema.optional(),
    })
    .optional(),
});
export type Colour = z.infer<typeof colourSchema>;

/** What ffprobe says of a stream's colours. */
export interface ColourTags {
  readonly codec_name?: string | undefined;
  readonly pix_fmt?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly color_range?: string | undefined;
  readonly color_space?: string | undefined;
  readonly color_primaries?: string | undefined;
  readonly color_transfer?: string | undefined;
}

/** Codecs whose standard says BT.601: JFIF, and RFC 6386 section 9.2. */
const ALWAYS_601 = /^(mjpeg|vp8)$/;

/** Opponent codings that no filter of ffmpeg turns into Y'CbCr: ICtCp and IPT, and BT.2020's constant luminance. */
const UNREADABLE = /^(ictcp|ipt-c2|smpte2085|bt2020c)$/;

/** What players take for the matrix of a file that does not say: by its size, standard or high definition. */
function customaryMatrix({ codec_name = '', width = 0, height = 0 }: ColourTags): Matrix {
  if (ALWAYS_601.test(codec_name)) return 'smpte170m';
  return width >= 1280 || height > 576 ? 'bt709' : 'smpte170m';
}

/** Bits a sample by the name of a pixel format, such as 10 of `yuv422p10le`, `p010le` and `x2rgb10le`. */
function bitsOf(pixelFormat: string): number {
  const digits = Number(/(\d+)(?:le|be)$/.exec(pixelFormat)?.[1] ?? 8);
  if (digits === 48 || digits === 64) return 16;
  return digits % 100; // p010, p210, p410
}

const isKey = <T extends object>(table: T, key: string): key is Extract<keyof T, string> => key in table;

/** The transfer of high dynamic range that a stream has. */
export const hdrTransferOf = ({ color_transfer = '' }: ColourTags): 'pq' | 'hlg' | undefined =>
  isKey(HDR, color_transfer) ? HDR[color_transfer] : undefined;

/**
 * The picture's colours. Of SDR only matrix, primaries and range count: its curves (BT.709's, BT.601's, sRGB's) are all
 * shown by the same display, so converting between them would make a picture darker than its maker saw it.
 */
export function readColour(tags: ColourTags): Colour {
  const { color_space = '', color_primaries = '', pix_fmt = '' } = tags;
  if (UNREADABLE.test(color_space)) throw new SourceError('unsupported-colours', color_space);
  const transfer = hdrTransferOf(tags);
  const rgb = /^(gbr|rgb|bgr|[ax0]?rgb|[ax0]?bgr|x2rgb|x2bgr|pal8|bayer|mono)/.test(pix_fmt);
  const customary = transfer ? 'bt2020nc' : customaryMatrix(tags);
  const matrix = isKey(MATRICES, color_space) ? color_space : customary;
  const wide: Primaries = matrix === 'bt2020nc' ? 'bt2020' : 'bt709';
  const known = color_primaries === 'bt709' || isKey(PRIMARIES, color_primaries);
  const full = rgb || /^(yuvj|gray|ya)/.test(pix_fmt) ? tags.color_range !== 'tv' : tags.color_range === 'pc';
  const told = rgb || isKey(MATRICES, color_space) || ALWAYS_601.test(tags.codec_name ?? '');
  return {
    model: rgb ? 'rgb' : 'yuv',
    matrix: rgb ? 'bt709' : matrix,
    ...(!told && { assumed: true }),
    primaries: known ? color_primaries : wide,
    range: full ? 'full' : 'limited',
    bits: bitsOf(pix_fmt),
    ...(transfer && { hdr: { transfer, peakNits: HDR_PEAK } }),
  };
}

/** Whether a picture is HDR as displays take it: with the colours of BT.2020 (BT.2100). */
export const keepsHdr = ({ model, matrix, primaries, hdr }: Colour): boolean =>
  hdr !== undefined && model === 'yuv' && matrix === 'bt2020nc' && primaries === 'bt2020';

/** What HDR is graded to where it says nothing: HLG by definition (BT.2100), most PQ by habit. */
export const HDR_PEAK = 1000;

/** Whether nothing needs to be done but to scale: what most files are, and the cheapest way. */
export const isPlain = ({ model, matrix, primaries, range, hdr }: Colour): boolean =>
  model === 'yuv' && matrix === 'bt709' && primaries === 'bt709' && range === 'limited' && !hdr;

/** Whether a pixel format can hold transparency. */
export const hasAlpha = (pixelFormat: string): boolean =>
  /^(yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|ayuv|vuya|pal8)/.test(pixelFormat);

/** The colours in words, such as `full range, BT.601`. */
export function describeColour({ model, matrix, assumed, primaries, range, bits }: Colour): string[] {
  const why = assumed ? ' (assumed by its size: the file does not say)' : '';
  return [
    ...(bits > 8 ? [`${bits} bits a sample`] : []),
    ...(model === 'rgb' ? ['RGB'] : []),
    ...(model === 'yuv' && range === 'full' ? ['full range'] : []),
    ...(model === 'yuv' && matrix !== 'bt709' ? [`the matrix of ${MATRICES[matrix].text}${why}`] : []),
    ...(primaries !== 'bt709' ? [`the primaries of ${PRIMARIES[primaries]}`] : []),
  ];
}
