/**
 * How much memory an encode takes, so that a worker runs no more at once than fit. Measured as the largest resident set
 * of ffmpeg with one thread an encoder (docs/encoding.md, "Memory"): what counts are the pictures that decoder and
 * encoders keep for reference and for looking ahead.
 */
import type { Codec } from './settings.ts';
import type { Shape } from './work.ts';

/** Bytes of ffmpeg itself, its filters and its buffers. */
const PROGRAM = 110e6;

/** Bytes a pixel of the source: reference pictures and those on their way. */
const DECODING = 30;

/** Bytes a pixel of a rung. */
const ENCODING: Readonly<Record<Codec, number>> = { h264: 90, hevc: 140, av1: 140 };

/** Of ten bits a sample, which are kept as two bytes. */
const TEN_BITS = 2;

/** Bytes that a chunk of a plan takes while it is encoded. */
export function chunkMemory({ picture, rungs }: Pick<Shape, 'picture' | 'rungs'>): number {
  const { width, height } = picture?.coded ?? picture ?? { width: 0, height: 0 };
  const encoding = rungs.map(
    (rung) => ENCODING[rung.codec] * (rung.hdr ? TEN_BITS : 1) * rung.width * rung.height,
  );
  return encoding.reduce((sum, bytes) => sum + bytes, PROGRAM + DECODING * width * height);
}
