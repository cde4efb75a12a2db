/**
 * From a decoder's frames to the largest rung, as ffmpeg's filters. What a plain file needs (upright, progressive,
 * BT.709) is only the grid and a scaler.
 */
import { MATRICES } from './colour.ts';
import { WATCH_FILTER } from './damage.ts';
import { ORIENTATIONS } from './orientation.ts';
import type { Picture } from './picture.ts';
import { type Rational, rational, toNumber, toText } from './rational.ts';
import type { Size } from './size.ts';
import { toneMapFilters } from './tone-map.ts';

/** Deterministic in every processor: no assembly whose rounding differs from the C code's. */
export const SCALER = 'flags=bicubic+accurate_rnd+bitexact';

/** What the encoder writes of the colours: of every rung the same, and true by then. */
const TAGS = 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709';

/** What of a picture decides how it is shown; of nothing at all, as it is. */
export type Shown = Pick<Picture, 'orientation' | 'colour' | 'transparent'>;

/** Frames on the stream's own clock, slot 0 at zero; two for each where a frame holds two fields. */
export function timeFilters({ timeBase, firstPts, leadTicks = 0, fieldOrder }: Picture): string[] {
  const frames = [`settb=${toText(timeBase)}`, `setpts=PTS-${firstPts - leadTicks}`, WATCH_FILTER];
  if (!fieldOrder) return frames;
  const parity = fieldOrder === 'top-first' ? 'tff' : 'bff';
  // The second field lies half a frame after the first, so the clock must be twice as fine.
  const clock = `settb=${toText(rational(timeBase.num, timeBase.den * 2))}`;
  return [...frames, `bwdif=mode=send_field:parity=${parity}:deint=all`, clock];
}

/**
 * The last picture again and again, where a chunk begins behind it: the fps filter would drop it.
 * @param from the chunk's first slot
 */
export function restFilters(
  { timeBase, firstPts, lastPts, leadTicks = 0 }: Picture,
  rate: Rational,
  from: number,
): string[] {
  if (lastPts === undefined) return [];
  const last = (lastPts - firstPts + leadTicks - 0.5) * toNumber(timeBase); // half a tick, so that rounding does not count
  if (from <= last * toNumber(rate)) return [];
  const slots = `settb=${toText(rational(rate.den, rate.num))}`;
  return [`select='gte(t,${last})'`, 'loop=loop=-1:size=1', slots, `setpts=N+${from}`];
}

/** What turns a picture upright, and the size to which it must be scaled before. */
function turned(
  { orientation }: Shown,
  { width, height }: Size,
): { filters: readonly string[]; size: string } {
  const { filters, swaps } = orientation ? ORIENTATIONS[orientation] : { filters: [], swaps: false };
  return { filters, size: swaps ? `${height}:${width}` : `${width}:${height}` };
}

/** Scales to a size as it is shown, and makes of the picture what every player shows right: BT.709, 8 bits, 4:2:0. */
export function pictureFilters(picture: Shown, shown: Size): string[] {
  const { filters: turn, size } = turned(picture, shown);
  return [
    ...opaque(picture),
    ...scaleAndConvert(picture, `scale=${size}:${SCALER}`),
    ...turn,
    'setsar=1',
    'format=yuv420p',
    TAGS,
  ];
}

/** What the encoder writes of the colours of a rung that keeps high dynamic range. */
const HDR_TRANSFERS = { pq: 'smpte2084', hlg: 'arib-std-b67' } as const;

/** Scales to a size as it is shown, and leaves the colours as they are, BT.2100's: 10 bits, 4:2:0, limited range. */
export function hdrFilters(picture: Shown, { width, height }: Size, hdr: 'pq' | 'hlg'): string[] {
  const { filters: turn, size } = turned(picture, { width, height });
  const range = `in_range=${picture.colour?.range ?? 'limited'}:out_range=limited`;
  const tags = `color_primaries=bt2020:color_trc=${HDR_TRANSFERS[hdr]}:colorspace=bt2020nc`;
  return [
    `scale=${size}:${SCALER}:${range}`,
    ...turn,
    'setsar=1',
    'format=yuv420p10le',
    `setparams=range=tv:${tags}`,
  ];
}

/** Transparent parts on black. */
function opaque({ colour, transparent }: Shown): string[] {
  if (!transparent || !colour) return [];
  const { scale } = MATRICES[colour.matrix];
  const asIs = `scale=${SCALER}:in_range=${colour.range}:in_color_matrix=${scale}`;
  return [asIs, `format=${colour.bits > 8 ? 'gbrap12le' : 'gbrap'}`, 'premultiply=inplace=1'];
}

function scaleAndConvert({ colour, transparent }: Shown, scale: string): string[] {
  if (!colour) return [scale];
  const { matrix, primaries, hdr, bits } = colour;
  const range = `in_range=${colour.range}`;
  const fromRgb = `out_color_matrix=bt709:out_range=limited`;
  if (hdr) {
    const toRgb = colour.model === 'yuv' ? `:${range}:in_color_matrix=${MATRICES[matrix].scale}` : '';
    return [`${scale}${toRgb}`, ...toneMapFilters(hdr, primaries), `scale=${SCALER}:${fromRgb}`];
  }
  const format = bits > 8 ? 'format=yuv420p10le' : 'format=yuv420p';
  if (colour.model === 'rgb' || transparent)
    return [`${scale}:${fromRgb}`, ...convert('bt709', primaries, format)];
  return [`${scale}:${range}:out_range=limited`, ...convert(MATRICES[matrix].colorspace, primaries, format)];
}

/** From Y'CbCr of another standard to BT.709's, in limited range. */
function convert(matrix: string, primaries: string, format: string): string[] {
  if (matrix === 'bt709' && primaries === 'bt709') return [];
  const from = `ispace=${matrix}:iprimaries=${primaries}:itrc=bt709:irange=tv`;
  return [format, `colorspace=${from}:space=bt709:primaries=bt709:trc=bt709:range=tv:format=yuv420p`];
}
