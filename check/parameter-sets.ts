/** What sequence parameter sets say about the picture (H.264 7.3.2.1, E.1; H.265 7.3.2.2). */
import { BitReader } from './bits.ts';

/** Codes of H.273: colour_primaries, transfer_characteristics, matrix_coeffs. */
export interface Colours {
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
}

export interface PictureFormat {
  /** Pixels, after cropping. */
  readonly width: number;
  readonly height: number;
  /** 1 is 4:2:0 (table 6-1). */
  readonly chromaFormat: number;
  readonly bitDepth: number;
  /** No fields are coded, as far as the parameter set can tell. */
  readonly progressive: boolean;
  /** Width to height of a pixel; `undefined` where it is not told. */
  readonly pixelAspect?: { readonly width: number; readonly height: number };
  readonly colours?: Colours;
}

/** Profiles of H.264 whose SPS tells the chroma format (7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Table E-1: aspect_ratio_idc 1 to 16. */
const PIXEL_ASPECTS = [
  ...[
    [1, 1],
    [12, 11],
    [10, 11],
    [16, 11],
    [40, 33],
    [24, 11],
    [20, 11],
    [32, 11],
    [80, 33],
    [18, 11],
  ],
  ...[
    [15, 11],
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
  ],
];
const EXTENDED_ASPECT = 255;

/** Chroma samples to a luma sample: crop units (6.2, 7.4.2.1.1). */
const CHROMA_STEP = [
  { x: 1, y: 1 },
  { x: 2, y: 2 },
  { x: 2, y: 1 },
  { x: 1, y: 1 },
];

function skipScalingLists(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!bits.flag()) continue;
    let last = 8;
    let next = 8;
    for (let index = 0; index < (list < 6 ? 16 : 64); index++) {
      if (next !== 0) next = (last + bits.signed() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** The first parts of vui_parameters (E.1.1): pixel aspect and colours. */
function readVui(bits: BitReader): Pick<PictureFormat, 'pixelAspect' | 'colours'> {
  let aspect: { width: number; height: number } | undefined;
  if (bits.flag()) {
    const index = bits.bits(8);
    const [width, height] =
      index === EXTENDED_ASPECT ? [bits.bits(16), bits.bits(16)] : (PIXEL_ASPECTS[index - 1] ?? []);
    if (width && height) aspect = { width, height };
  }
  if (bits.flag()) bits.skip(1); // overscan
  let colours: Colours | undefined;
  if (bits.flag()) {
    bits.skip(4); // format, full range
    if (bits.flag()) colours = { primaries: bits.bits(8), transfer: bits.bits(8), matrix: bits.bits(8) };
  }
  return { ...(aspect && { pixelAspect: aspect }), ...(colours && { colours }) };
}

/** H.264's SPS, NAL header included. Throws where it ends too early. */
export function readAvcSps(nal: Buffer): PictureFormat {
  const bits = new BitReader(nal, 1);
  const profile = bits.bits(8);
  bits.skip(16);
  bits.unsigned();
  let chromaFormat = 1;
  let bitDepth = 8;
  if (HIGH_PROFILES.has(profile)) {
    chromaFormat = bits.unsigned();
    if (chromaFormat === 3) bits.skip(1);
    bitDepth = 8 + bits.unsigned();
    bits.unsigned();
    bits.skip(1);
    if (bits.flag()) skipScalingLists(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.unsigned();
  const order = bits.unsigned();
  if (order === 0) bits.unsigned();
  if (order === 1) {
    bits.skip(1);
    bits.signed();
    bits.signed();
    for (let left = bits.unsigned(); left > 0; left--) bits.signed();
  }
  bits.unsigned();
  bits.skip(1);
  const columns = bits.unsigned() + 1;
  const rows = bits.unsigned() + 1;
  const progressive = bits.flag();
  if (!progressive) bits.skip(1);
  bits.skip(1);
  const field = progressive ? 1 : 2;
  const crop = bits.flag() ? [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()] : [];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const step = CHROMA_STEP[chromaFormat] ?? { x: 1, y: 1 };
  const width = columns * 16 - (left + right) * step.x;
  const height = rows * 16 * field - (top + bottom) * step.y * field;
  return { width, height, chromaFormat, bitDepth, progressive, ...(bits.flag() && readVui(bits)) };
}

/** H.265's SPS, NAL header included. Throws where it ends too early. Its VUI is not read: too much lies before it. */
export function readHevcSps(nal: Buffer): PictureFormat {
  const bits = new BitReader(nal, 2);
  bits.skip(4);
  const subLayers = bits.bits(3);
  bits.skip(1 + 8 + 32);
  const progressive = bits.flag();
  const interlaced = bits.flag();
  bits.skip(46 + 8);
  const present = Array.from({ length: subLayers }, () => ({ profile: bits.flag(), level: bits.flag() }));
  if (subLayers > 0) bits.skip(2 * (8 - subLayers));
  for (const { profile, level } of present) bits.skip((profile ? 88 : 0) + (level ? 8 : 0));
  bits.unsigned();
  const chromaFormat = bits.unsigned();
  if (chromaFormat === 3) bits.skip(1);
  const codedWidth = bits.unsigned();
  const codedHeight = bits.unsigned();
  const crop = bits.flag() ? [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()] : [];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const bitDepth = 8 + bits.unsigned();
  const step = CHROMA_STEP[chromaFormat] ?? { x: 1, y: 1 };
  return {
    width: codedWidth - (left + right) * step.x,
    height: codedHeight - (top + bottom) * step.y,
    chromaFormat,
    bitDepth,
    progressive: progressive || !interlaced,
  };
}
