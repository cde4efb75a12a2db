/** Uploads in parts a file whose beginning is known last, without keeping more of it than two parts. */

/** Uploads a part, by its number from 1. */
export type PutPart = (number: number, bytes: Buffer) => Promise<void>;

/**
 * Uploads what comes, and at last what belongs in front of it.
 * @param partBytes of a part; the first is longer by the front, the last may be shorter
 * @returns bytes of the whole
 */
export async function putFrontLast(
  pieces: AsyncIterable<Buffer>,
  front: () => Buffer,
  partBytes: number,
  put: PutPart,
): Promise<number> {
  let first: Buffer | undefined;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let number = 1;
  let total = 0;
  const endPart = async () => {
    const part = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    if (number === 1) first = part;
    else await put(number, part);
    number++;
  };
  for await (const piece of pieces) {
    pending.push(piece);
    pendingBytes += piece.length;
    total += piece.length;
    if (pendingBytes >= partBytes) await endPart();
  }
  if (pendingBytes > 0) await endPart();
  const beginning = front();
  await put(1, Buffer.concat([beginning, ...(first ? [first] : [])]));
  return beginning.length + total;
}
