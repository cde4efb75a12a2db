/** A trace: what an encode was doing from upload to publish, and what it waited for. */
import { z } from 'zod';

const attributes = z.record(z.string(), z.union([z.string(), z.number()]));
export type Attributes = z.infer<typeof attributes>;

export const spanSchema = z.object({
  /** 16 hexadecimal digits. */
  id: z.string(),
  /** `video` is the whole, and comes first; the others are its children, in the order of their beginning. */
  kind: z.enum(['video', 'work', 'wait']),
  name: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  attributes,
  /** A code of `video/failures.ts`, or how a try ended. */
  error: z.string().exactOptional(),
});
export type Span = z.infer<typeof spanSchema>;

/** Seconds since 1970. */
export const startOf = ({ startedAt }: Span): number => Date.parse(startedAt) / 1000;
export const endOf = ({ finishedAt }: Span): number => Date.parse(finishedAt) / 1000;
/** Seconds that it lasts. */
export const secondsOf = (span: Span): number => endOf(span) - startOf(span);

export const traceSchema = z.object({
  /** 32 hexadecimal digits; as in X-Ray, the first 8 are the seconds since 1970 at its beginning. */
  id: z.string(),
  video: z.string(),
  revision: z.string(),
  /** `open`: not ended; its last spans end when it was asked for. */
  state: z.enum(['ready', 'failed', 'open']),
  spans: z.array(spanSchema),
});
export type Trace = z.infer<typeof traceSchema>;
