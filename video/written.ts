/** How many bytes an encode may write at most: what is written beyond that is no video, and fills the disk. */
import { type Chunk, durationOf, type Plan } from './plan.ts';
import { BUFFER_SECONDS, type Codec } from './settings.ts';

/** Bytes of files that hold hardly a picture: headers, indexes, a key frame. */
const LEAST = 64e6;

/** Times what its cap allows that a rung may take. */
const ROOM = 2;

/**
 * Bits a pixel that an encoder may write beyond its cap. x264 and x265 keep it, but of noise SVT-AV1 writes a quarter
 * of a bit (1.4 and 720p, whatever its cap).
 */
const UNCAPPED: Readonly<Record<Codec, number>> = { h264: 0, hevc: 0, av1: 0.5 };

/** Bytes of all rungs of a chunk together. */
export function chunkBytes({ rate, rungs }: Pick<Plan, 'rate' | 'rungs'>, { from, to }: Chunk): number {
  const frames = to - from;
  const seconds = durationOf({ rate, frames }) + BUFFER_SECONDS;
  const bits = rungs.map(
    ({ codec, width, height, maxKbps }) =>
      ROOM * maxKbps * 1000 * seconds + UNCAPPED[codec] * width * height * frames,
  );
  return Math.ceil(bits.reduce((sum, rung) => sum + rung / 8, LEAST));
}
