/** How much of a picture could be decoded: counted while a chunk is encoded, told in one sentence of the whole video. */
import { z } from 'zod';
import type { Finding } from './findings.ts';
import { type Chunk, durationOf, type Plan, pictureOf } from './plan.ts';
import { toNumber } from './rational.ts';

/** The source's pictures within a chunk. */
export const seenSchema = z.object({
  /** That came out of the decoder. */
  decoded: z.int().nonnegative(),
  /** Of those, that the decoder had to make up in part. */
  damaged: z.int().nonnegative(),
});
export type Seen = z.infer<typeof seenSchema>;

/** The filter that names each decoded picture with its timestamp, in the picture's ticks from slot 0. */
export const WATCH_FILTER = 'showinfo@source=checksum=0';

const SHOWN = /^\[showinfo@source .*\] n: *\d+ pts: *(-?\d+) /;
/** ffmpeg says so of a decoded picture right before the filter names it. */
const DAMAGED = /^\[warning\] .*corrupt decoded frame/;

/** Seconds of a picture that may be lost unsaid: recordings begin and end within what needs its neighbours. */
const UNSAID_SECONDS = 0.1;

/** Reads what ffmpeg says while it encodes a chunk. Pictures before it, which are only decoded, do not count. */
export class PictureWatch {
  readonly #plan: Plan;
  readonly #chunk: Chunk;
  #decoded = 0;
  #damaged = 0;
  #any = false;
  #isDamaged = false;

  constructor(plan: Plan, chunk: Chunk) {
    this.#plan = plan;
    this.#chunk = chunk;
  }

  /** @param line of ffmpeg's standard error */
  read(line: string): void {
    if (DAMAGED.test(line)) this.#isDamaged = true;
    const pts = SHOWN.exec(line)?.[1];
    if (pts === undefined) return;
    // As the fps filter rounds.
    const slot = Math.round(
      Number(pts) * toNumber(pictureOf(this.#plan).timeBase) * toNumber(this.#plan.rate),
    );
    if (slot >= this.#chunk.from && slot < this.#chunk.to) {
      this.#decoded++;
      if (this.#isDamaged) this.#damaged++;
    }
    this.#any = true;
    this.#isDamaged = false;
  }

  /** Whether any picture was decoded at all, be it before the chunk. */
  get any(): boolean {
    return this.#any;
  }

  seen(): Seen {
    return { decoded: this.#decoded, damaged: this.#damaged };
  }
}

/**
 * What was lost of the picture, over all chunks; nothing where it was not counted in each of them.
 * @param chunks what the receipts say, of those that say it
 */
export function damageFindings(plan: Plan, chunks: readonly Seen[]): Finding[] {
  if (!plan.picture || chunks.length < plan.chunks.length) return [];
  const { frames } = plan.picture;
  const sum = (count: (seen: Seen) => number) => chunks.reduce((total, seen) => total + count(seen), 0);
  const [missing, damaged] = [
    Math.max(0, frames - sum(({ decoded }) => decoded)),
    sum((seen) => seen.damaged),
  ];
  const seconds = ((missing + damaged) / frames) * durationOf(plan);
  if (seconds < UNSAID_SECONDS) return [];
  const parts = [
    ...(missing > 0 ? [`${missing} could not be decoded, and the one before each was held`] : []),
    ...(damaged > 0 ? [`${damaged} came out with faults`] : []),
  ];
  const text = `The file is damaged: of its ${frames} pictures ${parts.join('; ')} (${seconds.toFixed(2)} s of ${durationOf(plan).toFixed(1)} s). If you have a better copy, upload that.`;
  return [{ code: 'damaged', text }];
}
