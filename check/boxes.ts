/**
 * Reads boxes (ISO/IEC 14496-12, 4.2). The checker reads with its own eyes, not with video/fmp4.ts: what writes and what
 * checks must not share a mistake.
 */

export interface Box {
  readonly type: string;
  readonly start: number;
  readonly content: number;
  /** May lie beyond the data, where that is cut. */
  readonly end: number;
}

/** The boxes from `from` to `to`. Throws, with the place, where a header makes no sense. */
export function boxesIn(data: Buffer, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let start = from; start < to; ) {
    if (start + 8 > to) throw new Error(`${to - start} bytes at ${start} are no box`);
    const size = data.readUInt32BE(start);
    const type = data.toString('latin1', start + 4, start + 8);
    const long = size === 1;
    const header = long ? 16 : 8;
    if (long && start + header > to) throw new Error(`box '${type}' at ${start} is cut`);
    const length = long ? Number(data.readBigUInt64BE(start + 8)) : size === 0 ? to - start : size;
    if (length < header || !/^[ -~\xa9]{4}$/.test(type)) {
      throw new Error(`box '${type.replace(/[^ -~]/g, '?')}' at ${start} claims ${length} bytes`);
    }
    found.push({ type, start, content: start + header, end: start + length });
    start += length;
  }
  return found;
}

/** Whole boxes inside another. */
export const children = (data: Buffer, parent: { content: number; end: number }): Box[] =>
  boxesIn(data, parent.content, Math.min(parent.end, data.length));

/** The first box on a path of types. */
export function find(
  data: Buffer,
  parent: { content: number; end: number },
  ...path: string[]
): Box | undefined {
  let at: { content: number; end: number } = parent;
  let box: Box | undefined;
  for (const type of path) {
    box = children(data, at).find((child) => child.type === type);
    if (!box) return undefined;
    at = box;
  }
  return box;
}

/** Bytes between the start of a sample entry's content and the boxes in it (8.5.2.2, 12.1.3, 12.2.3). */
export const VISUAL_ENTRY = 78;
export const AUDIO_ENTRY = 28;
