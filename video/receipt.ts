/** What a finished task leaves behind: which objects it wrote, what is in them, and what they cost. */
import { z } from 'zod';
import { seenSchema } from './damage.ts';
import { findingSchema } from './findings.ts';
import type { Fragment } from './fmp4.ts';

/** A fragment as a receipt keeps it. Bytes; frames are pictures, or AAC frames of 1024 samples. */
const fragmentSchema = z.object({
  offset: z.int().nonnegative(),
  length: z.int().positive(),
  firstSampleEnd: z.int().positive(),
  frames: z.int().positive(),
});

/** One media object: an init segment and the fragments of one chunk of one rendition. */
export const mediaObjectSchema = z.object({
  /** The folder below the revision: a rung's name, or `audio-0`. */
  rendition: z.string(),
  /** The file in that folder. */
  file: z.string(),
  bytes: z.int().positive(),
  initLength: z.int().positive(),
  initSha256: z.string(),
  /** RFC 6381. */
  codec: z.string(),
  /** Of the first fragment, in ticks of the rendition. */
  decodeTime: z.int().nonnegative(),
  fragments: z.array(fragmentSchema).min(1),
  /** Where encrypted segments begin; absent where none is. `fragments` then say where their first byte is, encrypted. */
  segmentStarts: z.array(z.int().positive()).exactOptional(),
});
export type MediaObject = z.infer<typeof mediaObjectSchema>;

/** An object that is no media. */
export const storedFileSchema = z.object({
  /** Its path below the revision: `stills/poster-1280.jpg`. */
  path: z.string(),
  bytes: z.int().nonnegative(),
  /** Of a picture, in pixels. */
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
});
export type StoredFile = z.infer<typeof storedFileSchema>;

/** What a machine costs. */
export const machinePriceSchema = z.object({
  /** US dollars of one of its vCPUs for an hour, with its share of the machine's address and disk. */
  usdPerVcpuHour: z.number().nonnegative(),
  /** What EC2 asks for it on spot, or a list price. */
  from: z.enum(['spot', 'list']),
});
export type MachinePrice = z.infer<typeof machinePriceSchema>;

/** Who did a task, and when; what is optional is missing in what was written before 22 November 2026. */
export const ranSchema = z.object({
  /** ISO 8601. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** The worker that did it. */
  worker: z.string(),
  /** SQS's count of the receives of the task's message, this one included. */
  attempt: z.int().positive().exactOptional(),
  /** When the worker was ready for tasks. */
  workerStartedAt: z.string().exactOptional(),
  /** When EC2 launched its machine, where it is one of EC2's. */
  launchedAt: z.string().exactOptional(),
});
export type Ran = z.infer<typeof ranSchema>;

export const receiptSchema = ranSchema.extend({
  task: z.string(),
  /** Media, in the order of their time. */
  objects: z.array(mediaObjectSchema).default([]),
  /** Everything else that was written: pictures, text. */
  files: z.array(storedFileSchema).default([]),
  /** What came to light only now. */
  findings: z.array(findingSchema).default([]),
  /** What was decoded of the source, where a chunk was encoded. */
  seen: seenSchema.optional(),
  /** The audio rendition that this source does not give: what there should be of it is broken. */
  unmade: z.string().optional(),
  /** Of ffmpeg, user and system. */
  cpuSeconds: z.number().nonnegative(),
  /** From the task's first action to its last object. */
  wallSeconds: z.number().nonnegative(),
  /** What its machine cost, where that was told. */
  price: machinePriceSchema.exactOptional(),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** The media folder of an audio track. */
export const audioRendition = (index: number): string => `audio-${index}`;

/** The objects of one rendition in the order of their time. */
export function objectsOf(receipts: readonly Pick<Receipt, 'objects'>[], rendition: string): MediaObject[] {
  const objects = receipts.flatMap((receipt) =>
    receipt.objects.filter((object) => object.rendition === rendition),
  );
  return objects.toSorted((a, b) => a.decodeTime - b.decodeTime);
}

/** The audio renditions that the source did not give. */
export const unmadeAmong = (receipts: readonly Pick<Receipt, 'unmade'>[]): ReadonlySet<string> =>
  new Set(receipts.flatMap(({ unmade }) => unmade ?? []));

/** A fragment as it was read, in the form that receipts keep. */
export const receiptFragment = ({ offset, length, firstSampleEnd, samples }: Fragment) => ({
  offset,
  length,
  firstSampleEnd,
  frames: samples,
});
