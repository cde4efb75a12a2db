/** How a video ends: with its last picture, or with the sound that goes on behind it. */
import type { Finding } from './findings.ts';
import type { Packets } from './packets.ts';
import type { Source } from './probe.ts';
import { type Rational, toNumber } from './rational.ts';

/**
 * Seconds by which sound must go on behind moving pictures for the last one to be held: recorders end the two as far
 * apart. A still image is there for the sound.
 */
const GOES_ON = 0.5;
const goesOn = ({ pts }: Packets): number => (pts.length > 1 ? GOES_ON : 0);

/** Seconds by which a video may end before the file's own duration, and the share of it. */
const CUT_OFF = { seconds: 2, share: 0.02 };

/** Ticks for which the last picture stays by its own word, as far as the file lasts: a recorded screen may rest. */
export function restTicks(
  { startSeconds, durationSeconds = 0 }: Source,
  { pts, lastDuration = 0 }: Packets,
  timeBase: Rational,
): number {
  const left = (startSeconds + durationSeconds) / toNumber(timeBase) - (pts.at(-1) ?? 0);
  return Math.max(0, Math.min(left, lastDuration));
}

/** Seconds on the source's clock at which its picture ends by its own word. */
export const pictureEnd = (source: Source, packets: Packets, timeBase: Rational): number =>
  ((packets.pts.at(-1) ?? 0) + restTicks(source, packets, timeBase)) * toNumber(timeBase);

/** Whether sound may go on behind the picture, so that its packets are worth reading. */
export function mayGoOn(source: Source, packets: Packets, timeBase: Rational): boolean {
  const { audio, startSeconds, durationSeconds } = source;
  if (audio.length === 0) return false;
  if (durationSeconds === undefined) return true;
  return startSeconds + durationSeconds > pictureEnd(source, packets, timeBase) + goesOn(packets);
}

/** Where a picture begins and ends, and until when its last one is held, if it is: seconds on the source's clock. */
export interface Ends {
  readonly first: number;
  readonly picture: number;
  readonly held: number | undefined;
}

/** How a source's picture ends. Its packets are those of whole frames. */
export function endsOf(source: Source, packets: Packets, timeBase: Rational): Ends {
  const { soundEnds = 0 } = source;
  const picture = pictureEnd(source, packets, timeBase);
  return {
    first: (packets.pts[0] ?? 0) * toNumber(timeBase),
    picture,
    held: soundEnds > picture + goesOn(packets) ? soundEnds : undefined,
  };
}

/** What is said of sound that goes on behind moving pictures. */
export function heldFindings({ first, picture, held }: Ends): Finding[] {
  if (held === undefined) return [];
  const [ends, sound] = [picture, held].map((end) => (end - first).toFixed(1));
  const text = `The picture ends after ${ends} s, the sound after ${sound} s; the last picture stays until then.`;
  return [{ code: 'held-picture', text }];
}

/**
 * What is said of a file that promises more than it has. Some containers count their length from the clock's zero, others
 * from where they begin: it counts as cut off where it is short by both.
 * @param seconds of the video in all
 */
export function cutOffFindings(
  { durationSeconds: promised = 0 }: Source,
  { first }: Ends,
  seconds: number,
): Finding[] {
  const short = promised - seconds - Math.max(0, first);
  if (short <= Math.max(CUT_OFF.seconds, CUT_OFF.share * promised)) return [];
  const text = `The file says that it lasts ${promised.toFixed(1)} s, but it ends after ${seconds.toFixed(1)} s; what is there was encoded. If something is missing, upload the whole file.`;
  return [{ code: 'cut-off', text }];
}
