/** Builds and alters the boxes of MP4 files (ISO/IEC 14496-12, 4.2), for files that no honest program writes. */

/** A box, from its content. */
export function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

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
    return Buffer.concat([file.subarray(0, at), box(type, changed), file.subarray(end)]);
  }
  throw new Error(`There is no box ${path}`);
}
