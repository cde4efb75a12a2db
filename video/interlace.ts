/** Whether a picture is two pictures in alternate lines, and which of them is first: by measurement, not by its flag. */
import { z } from 'zod';
import { medianDistance } from './frame-rate.ts';

export const fieldOrderSchema = z.enum(['top-first', 'bottom-first']);
export type FieldOrder = z.infer<typeof fieldOrderSchema>;

/** What ffprobe's `field_order` says: the second letter is the order of showing. */
const FLAGS: Readonly<Record<string, FieldOrder>> = {
  tt: 'top-first',
  bt: 'top-first',
  bb: 'bottom-first',
  tb: 'bottom-first',
};

/** The order that a stream's flag says, undefined where it says progressive or nothing. */
export const flaggedOrder = (field_order: string | undefined): FieldOrder | undefined =>
  FLAGS[field_order ?? ''];

/** What ffmpeg's idet filter saw in a sample of decoded frames. */
export interface Scan {
  readonly topFirst: number;
  readonly bottomFirst: number;
  readonly progressive: number;
  /** The usual distance of decoded frames, in ticks: a packet may hold only half a frame. */
  readonly frameDistance: number;
}

/** Where interlaced pictures come from without a flag: broadcast, discs, tapes and their editors ... */
const LIKELY_CONTAINERS = /^(mpegts|mpeg|mxf|dv|avi|wtv|gxf)/;
/** ... and codecs that were made for them. */
const LIKELY_CODECS = /^(mpeg2video|dvvideo|prores|dnxhd)$/;
/** The lines of interlaced standards: 525 and 625 lines, with or without the blanking, and 1080. */
const LIKELY_HEIGHTS: ReadonlySet<number> = new Set([480, 486, 512, 576, 608, 1080, 1088]);

/** Whether a sample should be measured: it costs a second or two of computing. */
export function mayBeInterlaced(track: {
  readonly container: string;
  readonly codec: string;
  readonly flagged: FieldOrder | undefined;
  /** Lines as they are coded. */
  readonly lines: number;
}): boolean {
  if (track.flagged) return true;
  const likely = LIKELY_CODECS.test(track.codec) || LIKELY_CONTAINERS.test(track.container);
  return likely && LIKELY_HEIGHTS.has(track.lines);
}

/** The share of frames that show combing from which a flagged picture is taken for interlaced: film with some video. */
const FLAGGED_SHARE = 0.1;
/** Against the flag more is asked, for fine moving patterns comb a little, too. */
const UNFLAGGED_SHARE = 0.6;
/** Fewer frames that could be judged say nothing (a still picture has no fields to compare). */
const FEWEST_JUDGED = 5;

/** The order in which a picture's fields must be taken apart; undefined where its frames are whole. */
export function fieldOrderOf(
  flagged: FieldOrder | undefined,
  scan: Scan | undefined,
): FieldOrder | undefined {
  if (!scan) return undefined;
  const combed = scan.topFirst + scan.bottomFirst;
  const judged = combed + scan.progressive;
  if (judged < FEWEST_JUDGED) return flagged;
  if (combed / judged < (flagged ? FLAGGED_SHARE : UNFLAGGED_SHARE)) return undefined;
  // Where both were seen about as often, the flag knows better.
  const clear = Math.max(scan.topFirst, scan.bottomFirst) >= combed * 0.7;
  if (!clear && flagged) return flagged;
  return scan.topFirst >= scan.bottomFirst ? 'top-first' : 'bottom-first';
}

/** The share of a frame's distance below which two packets may be its halves. */
const HALVES = 0.75;

/** Reads what `scanArguments` prints, line by line. */
export class ScanReader {
  readonly #seen = new Map<string, number>();
  readonly #pts: number[] = [];

  /** @param line such as `frame:3 pts:135009 pts_time:1.5` or `lavfi.idet.multiple.current_frame=tff` */
  read(line: string): void {
    const [, pts] = /^frame:\d+\s+pts:(-?\d+)/.exec(line) ?? [];
    if (pts !== undefined) this.#pts.push(Number(pts));
    const [, kind] = /^lavfi\.idet\.multiple\.current_frame=(\w+)/.exec(line) ?? [];
    if (kind !== undefined) this.#seen.set(kind, (this.#seen.get(kind) ?? 0) + 1);
  }

  scan(): Scan {
    const frameDistance = medianDistance(this.#pts);
    const times = (kind: string) => this.#seen.get(kind) ?? 0;
    return {
      topFirst: times('tff'),
      bottomFirst: times('bff'),
      progressive: times('progressive'),
      frameDistance,
    };
  }
}

/**
 * The times of whole frames, where a field may be a packet of its own (H.264's PAFF in MPEG-TS): in interlaced
 * pictures, or where packets come about twice as often as frames. Elsewhere frames may be as close as they like.
 * @param pts of packets, ascending
 * @param frameDistance of decoded frames, in the same ticks
 */
export function wholeFrames(
  pts: readonly number[],
  frameDistance: number,
  fieldOrder: FieldOrder | undefined,
): readonly number[] {
  if (!fieldOrder && medianDistance(pts) > frameDistance * HALVES) return pts;
  const whole: number[] = [];
  for (const time of pts) {
    const last = whole.at(-1);
    if (last === undefined || time - last >= frameDistance * HALVES) whole.push(time);
  }
  return whole;
}
