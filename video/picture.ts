/** The picture of a source as a plan keeps it: where it is, and what is done to it before it is scaled. */
import { z } from 'zod';
import { colourSchema } from './colour.ts';
import { fieldOrderSchema } from './interlace.ts';
import { ORIENTATIONS, type Orientation } from './orientation.ts';
import { rationalSchema } from './rational.ts';

export const pictureSchema = z.object({
  /** The stream's index in the file. */
  stream: z.int(),
  codec: z.string(),
  /** Pixels as they are meant to be seen. */
  width: z.int(),
  height: z.int(),
  /** Pixels as they are coded, where the shape of a pixel makes them more or fewer than are seen. */
  coded: z.object({ width: z.int(), height: z.int() }).optional(),
  /** Frames that the source has. */
  frames: z.int(),
  /** Seconds a tick of the source's timestamps. */
  timeBase: rationalSchema,
  /** The first frame's timestamp, in ticks: slot 0. */
  firstPts: z.int(),
  /** The last frame's timestamp, in ticks, where it stays for more than its slot: nothing can be read behind it. */
  lastPts: z.int().optional(),
  /** Ticks by which frames are shown later than they say, less than a slot: see `lead` in frame-rate.ts. */
  leadTicks: z.int().optional(),
  /** Seconds to read before a chunk, so that its first frame can be decoded. */
  preroll: z.number(),
  /** ffmpeg's decoder, where its own for the codec leaves something out. */
  decoder: z.string().optional(),
  /** Which field is shown first, where each frame holds two that are taken apart: then there are two frames for each. */
  fieldOrder: fieldOrderSchema.optional(),
  /** How it is stored, where it is not upright. */
  orientation: z.enum(Object.keys(ORIENTATIONS) as [Orientation, ...Orientation[]]).optional(), // the table has entries
  /** What its colours are, where they are not the output's: BT.709 in limited range. */
  colour: colourSchema.optional(),
  /** Whether parts of it can be transparent: they are shown on black. */
  transparent: z.boolean().optional(),
});
export type Picture = z.infer<typeof pictureSchema>;

/** An image inside a file of sound. */
export const coverSchema = z.object({
  /** The stream's index in the file. */
  stream: z.int(),
  width: z.int().positive(),
  height: z.int().positive(),
});
export type Cover = z.infer<typeof coverSchema>;
