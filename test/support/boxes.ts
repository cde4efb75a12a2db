/** Alters the boxes of MP4 files (ISO/IEC 14496-12, 4.2), for files that no honest program writes. */
import { makeBox } from '../../video/boxes.ts';

/**
 * A file whose box at a path of types, such as `moov/trak/mdia`, has another content; the boxes around it grow or
 * shrink. Of several boxes of a type the first counts. Offsets into the media are not changed: what grows must come
 * after them.
 */
export function withBox(file: Buffer, path: string, change: (content: Buffer) => Buffer): Buffer {
  const [type, ...below] = path.split('/');
  for (let at = 0; at + 8 <= file.length; at += file.readUInt32BE(at)) {
    if (file.toString('latin1', at + 4, at + 8) !== type) continue;
    const end = at + file.readUInt32BE(at);
    const content = file.subarray(at + 8, end);
    const changed = below.length === 0 ? change(content) : withBox(content, below.join('/'), change);
    return Buffer.concat([file.subarray(0, at), makeBox(type, changed), file.subarray(end)]);
  }
  throw new Error(`There is no box ${path}`);
}
