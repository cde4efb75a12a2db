/** Boxes, what MP4 files are made of (ISO/IEC 14496-12, 4.2). */

/** A box: its type and where its content lies in the buffer it was read from. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** Bytes of a box's header. */
export const HEADER = 8;

/** The box that begins at an offset (4.2); undefined where its header is not whole. Throws on a size below 8. */
export function boxAt(data: Buffer, start: number): Box | undefined {
  if (start + HEADER > data.length) return undefined;
  const size = data.readUInt32BE(start);
  const type = data.toString('latin1', start + 4, start + 8);
  if (size !== 1 && size < HEADER) throw new Error(`Box '${type}' at ${start} claims ${size} bytes`);
  if (size !== 1) return { type, start, content: start + HEADER, end: start + size };
  if (start + 16 > data.length) return undefined;
  return { type, start, content: start + 16, end: start + Number(data.readBigUInt64BE(start + 8)) };
}

export function* boxes(data: Buffer, from: number, to: number): Generator<Box> {
  for (let box = boxAt(data, from); box && box.end <= to; box = boxAt(data, box.end)) {
    yield box;
    if (box.end >= to) return;
  }
}

/** The first box on a path of types, such as `['moov', 'trak', 'mdia']`. Throws where there is none. */
export function find(data: Buffer, path: readonly string[], within: { content: number; end: number }): Box {
  let at: { content: number; end: number } = within;
  let found: Box | undefined;
  for (const type of path) {
    found = boxes(data, at.content, at.end).find((box) => box.type === type);
    if (!found) throw new Error(`There is no '${path.join('/')}' box`);
    at = found;
  }
  if (!found) throw new Error('An empty path names no box');
  return found;
}

/** A box, from its content. */
export function makeBox(type: string, ...contents: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(HEADER + contents.reduce((sum, content) => sum + content.length, 0), 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...contents]);
}

/** Numbers of 32 bits each, as a buffer. */
export function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, index * 4);
  return buffer;
}
