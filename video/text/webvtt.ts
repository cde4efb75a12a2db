/** WebVTT segments and their playlist (RFC 8216, 3.5; rules 5.2, 5.3 of Apple's). */
import type { Plan } from '../plan.ts';
import { toNumber } from '../rational.ts';
import type { Cue } from './cues.ts';

/** The parts of a plan that text is cut by. */
export type Timeline = Pick<Plan, 'rate' | 'frames' | 'segmentFrames' | 'delayFrames'>;

/** A file of a text rendition, by its name in the rendition's folder. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** The playlist's name in its folder. */
export const TEXT_PLAYLIST = 'index.m3u8';

/** All segments without cues are this one: they are the same to the byte, and a film has hundreds. */
export const EMPTY_SEGMENT = 'empty.vtt';

/** The file of a segment with cues. */
export const segmentName = (number: number): string => `segment-${String(number).padStart(5, '0')}.vtt`;

/** Bytes of a rendition; a long film's has 300 kB. Beyond it somebody shows thousands of cues at the same time. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Cues of a rendition; a long film has 2000, captions that scroll by a word at a time some 10 000 an hour. */
export const MAX_CUES = 100_000;

/** Text that can not be made a rendition of. */
export class TextError extends Error {
  override readonly name = 'TextError';
}

/** Ticks a second of MPEG's clock, on which X-TIMESTAMP-MAP tells where cue times begin. */
const MPEG_CLOCK = 90_000;

/** `01:02:03.004` of whole milliseconds (https://www.w3.org/TR/webvtt1/#webvtt-timestamp). */
export function timeText(milliseconds: number): string {
  const pad = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, '0');
  const seconds = milliseconds / 1000;
  return `${pad(seconds / 3600, 2)}:${pad((seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}.${pad(milliseconds % 1000, 3)}`;
}

/** Cue times count from the first picture, which the media present `delayFrames` after their clock's beginning. */
const headerOf = ({ rate, delayFrames }: Timeline): string =>
  `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${Math.round((delayFrames * MPEG_CLOCK) / toNumber(rate))},LOCAL:00:00:00.000\n`;

const cueText = ({ start, end, text, settings }: Cue): string =>
  `\n${timeText(start)} --> ${timeText(end)}${settings === undefined ? '' : ` ${settings}`}\n${text}\n`;

/** Milliseconds that the timeline lasts. */
export const lengthOf = ({ frames, rate }: Timeline): number => Math.floor((frames * 1000) / toNumber(rate));

/** The target duration of a rendition, in seconds (RFC 8216, 4.3.3.1). */
export const textTarget = ({ rate, frames, segmentFrames }: Timeline): number =>
  Math.max(1, Math.round(Math.min(frames, segmentFrames) / toNumber(rate)));

/**
 * Cues as segments that begin and end with those of the picture, and the playlist that spans the whole content. A cue
 * stands, the same, in every segment that it is shown in.
 * @param cues in order, within the timeline
 * @throws `TextError` where they are too many
 */
export function segmentCues(cues: readonly Cue[], timeline: Timeline): TextFile[] {
  if (cues.length > MAX_CUES) throw new TextError(`There are ${cues.length} cues, more than ${MAX_CUES}.`);
  const { rate, frames, segmentFrames } = timeline;
  const header = headerOf(timeline);
  const secondsOf = (slot: number) => slot / toNumber(rate);
  const files = new Map<string, string>();
  const entries: string[] = [];
  let bytes = 0;
  let seen: Cue[] = [];
  let next = 0; // the first cue that no segment has had yet
  for (let from = 0, number = 0; from < frames; from += segmentFrames, number++) {
    const to = Math.min(frames, from + segmentFrames);
    const [start, end] = [secondsOf(from) * 1000, secondsOf(to) * 1000];
    seen = seen.filter((cue) => cue.end > start);
    for (let cue = cues[next]; cue && cue.start < end; cue = cues[++next]) seen.push(cue);
    const name = seen.length > 0 ? segmentName(number) : EMPTY_SEGMENT;
    const text = header + seen.map(cueText).join('');
    bytes += text.length;
    if (bytes > MAX_BYTES) throw new TextError('Too many cues are shown at the same time.');
    files.set(name, text);
    const seconds = secondsOf(to - from);
    entries.push(`#EXTINF:${seconds.toFixed(6)},`, name);
  }
  const lines = [
    ...[
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      `#EXT-X-TARGETDURATION:${textTarget(timeline)}`,
      '#EXT-X-MEDIA-SEQUENCE:0',
    ],
    ...['#EXT-X-PLAYLIST-TYPE:VOD', ...entries, '#EXT-X-ENDLIST'],
  ];
  files.set(TEXT_PLAYLIST, `${lines.join('\n')}\n`);
  return [...files].map(([name, text]) => ({ name, text }));
}
