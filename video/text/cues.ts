/** Cues: what is read from any subtitle format, and written as WebVTT. */

/** One cue. Times are whole milliseconds since the stream's first picture; WebVTT's clock has no finer ones. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  /** WebVTT cue text: escaped, with no tags but `<b>`, `<i>`, `<u>`, `<v>` and ruby's, and no blank line. */
  readonly text: string;
  /** WebVTT cue settings, where the cue is not at its usual place: `line:0`. */
  readonly settings?: string;
}

/** Milliseconds for which a cue is shown whose end comes before its beginning: enough for a short line. */
const MENDED_LENGTH = 2000;

/**
 * Cues in the order in which they are shown, as WebVTT wants them (4.1). One that ends before it begins lasts until
 * the next, at most two seconds; one that says nothing is left out.
 */
export function orderCues(cues: readonly Cue[]): Cue[] {
  const ordered = cues
    .filter(({ text }) => text !== '')
    .toSorted((a, b) => a.start - b.start || a.end - b.end);
  let next = Number.POSITIVE_INFINITY; // where the first cue begins that begins later than the one in hand
  let last = next;
  return ordered
    .toReversed()
    .map((cue) => {
      if (cue.start < last) next = last;
      last = cue.start;
      return cue.end > cue.start ? cue : { ...cue, end: Math.min(cue.start + MENDED_LENGTH, next) };
    })
    .toReversed();
}

/**
 * The cues that are seen, cut at both ends of the stream.
 * @param shift milliseconds to add to every time first
 * @param length milliseconds of the stream
 */
export function clipCues(cues: readonly Cue[], shift: number, length: number): Cue[] {
  return cues.flatMap((cue) => {
    const [start, end] = [Math.max(0, cue.start + shift), Math.min(length, cue.end + shift)];
    return start < end ? [{ ...cue, start, end }] : [];
  });
}
