/**
 * How much computing an encode is, before it is done. Pure and deterministic: plans depend on it. What machines really
 * need is learnt from receipts and corrects the number of machines only (jobs/calibration.ts).
 *
 * The unit is the vCPU-second: a second of one hardware thread of the machine on which docs/encoding.md was measured.
 */
import { type Rational, toNumber } from './rational.ts';
import type { Codec, EncodeSettings } from './settings.ts';
import { PICTURE_CAPTIONS } from './text/tracks.ts';

/** vCPU-seconds a million pixels to decode, by ffmpeg's name of the codec: eight seconds of 1080p25 each, measured. */
const DECODE: ReadonlyMap<string, number> = new Map([
  ['h264', 0.0024],
  ['hevc', 0.0021],
  ['av1', 0.0012],
  ['vp9', 0.0035],
  ['vp8', 0.0022],
  ['mpeg2video', 0.0011],
  ['mpeg4', 0.0011],
  ['prores', 0.0081], // with its way from 4:2:2 to 4:2:0
  ['dnxhd', 0.0054],
  ['mjpeg', 0.0021],
  ['theora', 0.0014],
]);
/** Of any other codec: most are old and simple, but a wrong guess should not be too small. */
const DECODE_UNKNOWN = 0.0025;

/** vCPU-seconds a million pixels that a scaler reads, measured as what remains between decoder and encoder. */
const SCALE = 0.0028;

/** vCPU-seconds a million pixels of a decoded frame to take its two fields apart, measured. */
const DEINTERLACE = 0.0024;

/** vCPU-seconds a million pixels of the largest rung to convert HDR, or other primaries, to BT.709, measured in 1080p. */
const CONVERT = { hdr: 0.01, primaries: 0.005 };

/**
 * vCPU-seconds a million pixels to encode with our recipe at `veryfast`, measured: H.264 on five clips (0.009 to 0.013),
 * the others on two (docs/encoding.md, "Codecs").
 */
const ENCODE: Readonly<Record<Codec, number>> = { h264: 0.01, hevc: 0.048, av1: 0.036 };

/** Ten bits a sample cost x265 so much more, measured on one clip of 1080p. */
const TEN_BITS = 1.4;

/** The same for other presets, as multiples, measured. */
const PRESET: Readonly<Record<Codec, Readonly<Record<EncodeSettings['preset'], number>>>> = {
  h264: { superfast: 0.65, veryfast: 1, faster: 1.9, fast: 2.4, medium: 2.6, slow: 4 },
  hevc: { superfast: 0.7, veryfast: 1, faster: 1.1, fast: 1.3, medium: 1.4, slow: 3.2 },
  av1: { superfast: 0.4, veryfast: 1, faster: 1.2, fast: 2.2, medium: 2.6, slow: 4.6 },
};

/** vCPU-seconds a second of sound, from any codec to AAC of so many channels, measured. */
const AUDIO = { 2: 0.027, 6: 0.078 } as const;

/** The share that measuring the loudness beforehand adds: all is decoded once more. Measured on two minutes of stereo. */
const MEASURING = 0.5;

/**
 * What a chunk costs beside its frames: ffmpeg's start, in vCPU-seconds, and the preroll and the encoders' run-up,
 * which grow with the work: as much as so many seconds of the source.
 */
const CHUNK_START = 0.05;
const CHUNK_RUN_UP_SECONDS = 0.75;

/** The part of a plan that decides how much work it is. */
export interface Shape {
  readonly picture?:
    | {
        readonly codec: string;
        readonly width: number;
        readonly height: number;
        /** Pixels as they are coded, where they are not as many. */
        readonly coded?: { readonly width: number; readonly height: number } | undefined;
        /** Frames that the source has. */
        readonly frames: number;
        /** Where its frames hold fields. */
        readonly fieldOrder?: string | undefined;
        /** Where its colours are converted. */
        readonly colour?: { readonly primaries: string; readonly hdr?: object | undefined } | undefined;
      }
    | undefined;
  /** Frames that each rung has. */
  readonly frames: number;
  /** Of the rungs. */
  readonly rate: Rational;
  readonly rungs: ReadonlyArray<{
    readonly width: number;
    readonly height: number;
    readonly codec: Codec;
    /** One that keeps high dynamic range: ten bits, scaled apart from the others. */
    readonly hdr?: string | undefined;
  }>;
  readonly preset: EncodeSettings['preset'];
}

const megapixels = ({ width, height }: { width: number; height: number }): number => (width * height) / 1e6;

/** Millions of pixels that are read to scale each size from the one above. */
function scalerReads(decoded: number, rungs: Shape['rungs']): number {
  const scaled = new Map(rungs.map(({ width, height }) => [`${width}x${height}`, { width, height }]));
  const sizes = [decoded, ...[...scaled.values()].map(megapixels)];
  // Between equal sizes nothing is scaled.
  return sizes.reduce((sum, from, index) => sum + (from === (sizes[index + 1] ?? from) ? 0 : from), 0);
}

/** vCPU-seconds to decode a picture from beginning to end. */
const decodeWork = ({ codec, frames, coded, ...shown }: NonNullable<Shape['picture']>): number =>
  (DECODE.get(codec) ?? DECODE_UNKNOWN) * megapixels(coded ?? shown) * frames;

/** vCPU-seconds a million pixels of the largest rung for its colours. */
function conversion(colour: NonNullable<Shape['picture']>['colour']): number {
  if (colour?.hdr) return CONVERT.hdr;
  return colour && colour.primaries !== 'bt709' ? CONVERT.primaries : 0;
}

/** vCPU-seconds to make all rungs of a second: decode once, scale each size from the one above, encode every rung. */
export function workPerSecond({ picture, frames, rate, rungs, preset }: Shape): number {
  if (!picture) return 0;
  const decoded = megapixels(picture.coded ?? picture);
  const [high, standard] = [rungs.filter(({ hdr }) => hdr), rungs.filter(({ hdr }) => !hdr)];
  const read = scalerReads(decoded, standard) + scalerReads(decoded, high);
  const encoding = rungs.reduce(
    (sum, rung) =>
      sum + ENCODE[rung.codec] * PRESET[rung.codec][preset] * (rung.hdr ? TEN_BITS : 1) * megapixels(rung),
    0,
  );
  const deinterlacing = picture.fieldOrder === undefined ? 0 : DEINTERLACE * decoded * picture.frames;
  const decoding = (decodeWork(picture) + deinterlacing) / frames;
  const converting = conversion(picture.colour) * Math.max(0, ...standard.map(megapixels));
  return (decoding + SCALE * read + converting + encoding) * toNumber(rate);
}

/** vCPU-seconds of a chunk of so many seconds. */
export const chunkWork = (perSecond: number, seconds: number): number =>
  CHUNK_START + perSecond * (CHUNK_RUN_UP_SECONDS + seconds);

/** vCPU-seconds of an audio rendition of so many seconds. */
export const audioWork = (
  seconds: number,
  channels: keyof typeof AUDIO,
  loudness: EncodeSettings['loudness'],
): number => AUDIO[channels] * (loudness === 'normalise' ? 1 + MEASURING : 1) * seconds;

/** vCPU-seconds to read text tracks: those inside a picture need all of it decoded, the others next to nothing. */
export const textWork = (
  text: ReadonlyArray<{ readonly codec: string }>,
  picture: Shape['picture'],
): number => (picture && text.some(({ codec }) => codec === PICTURE_CAPTIONS) ? decodeWork(picture) : 0);

/** The share of a long video's work that may go into cutting it. */
const MAX_OVERHEAD = 0.03;

/**
 * A chunk takes at most this share of the turnaround: then the vCPUs that the target asks for have eight chunks each,
 * and waiting for the last chunk, or doing a lost one again, takes an eighth of it.
 */
const TURNAROUND_SHARE = 1 / 8;

/** A few chunks even for a short video, so that more than one core works on it ... */
const WANTED_CHUNKS = 4;
/** ... but none below so many seconds: there the overhead passes 7 % (measured). */
export const SHORTEST_CHUNK = 12;

/**
 * The seconds of a video's longest chunk, in whole segments. Long enough that cutting costs no more than 3 % of a long
 * video, short enough for its share of the turnaround, never above `chunkSeconds`: a chunk is what a lost machine
 * loses. Where these disagree, the overhead counts more than the turnaround.
 * @param seconds of the video
 * @param perSecond its work, from `workPerSecond`
 */
export function chunkSecondsFor(
  seconds: number,
  perSecond: number,
  settings: Pick<EncodeSettings, 'chunkSeconds' | 'segmentSeconds' | 'turnaroundSeconds'>,
): number {
  const { chunkSeconds, segmentSeconds, turnaroundSeconds } = settings;
  const overhead = chunkWork(perSecond, 0) / perSecond;
  const cheap = Math.ceil(overhead / MAX_OVERHEAD / segmentSeconds);
  const quick = Math.floor((turnaroundSeconds * TURNAROUND_SHARE) / perSecond / segmentSeconds);
  const parallel = Math.round(Math.max(SHORTEST_CHUNK, seconds / WANTED_CHUNKS) / segmentSeconds);
  const longest = Math.floor(chunkSeconds / segmentSeconds);
  return Math.max(1, Math.min(Math.max(cheap, quick), parallel, longest)) * segmentSeconds;
}
