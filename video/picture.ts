/** The picture of a source as a plan keeps it: where it is, and what is done to it before it is scaled. */
import { z } from 'zod';
import { rationalSchema } from './rational.ts';

export const pictureSchema = z.object({
  /** The stream's index in the file. */
  stream: z.int(),
  codec: z.string(),
  /** Pixels as they are meant to be seen. */
  width: z.int(),
  height: z.int(),
  /** Frames that the source has. */
  frames: z.int(),
  /** Seconds a tick of the source's timestamps. */
  timeBase: rationalSchema,
  /** The first frame's timestamp, in ticks: slot 0. */
  firstPts: z.int(),
  /** Seconds to read before a chunk, so that its first frame can be decoded. */
  preroll: z.number(),
});
export type Picture = z.infer<typeof pictureSchema>;
