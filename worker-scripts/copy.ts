/** Copies a source whose clock jumps to one whose clock runs through, beside its plan. */
import type { Encode } from '../jobs/messages.ts';
import { jobKeys } from '../jobs/names.ts';
import { copyArguments } from '../video/copy-arguments.ts';
import { packetsTimeout } from '../video/packets.ts';
import type { Source } from '../video/probe.ts';
import type { TaskContext } from './context.ts';
import { run } from './process.ts';

/** Bytes of a part: one is in memory at a time. */
const PART_BYTES = 16 << 20;
/** Parts of an object: S3 takes 10,000, and a copy is hardly larger than its source. */
const MOST_PARTS = 5000;

/** Bytes in pieces of one size; the last is what is left. */
async function* inPieces(stream: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    held.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    const all = Buffer.concat(held);
    yield all.subarray(0, size);
    held = [all.subarray(size)];
    length -= size;
  }
  yield Buffer.concat(held);
}

/**
 * Makes the copy. However often and by whomever it is made, it is the same; one that is there is replaced.
 * @param served the source's URL and bytes
 * @returns its bytes
 */
export async function makeCopy(
  { uploads, signal }: TaskContext,
  { video, revision }: Encode,
  source: Source,
  { url, bytes }: { url: string; bytes: number },
): Promise<number> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS));
  const headers = { contentType: 'video/x-nut' };
  return uploads.putInParts(jobKeys.copy(video, revision), headers, async (put) => {
    let written = 0;
    const read = async (stdout: AsyncIterable<Buffer>) => {
      let number = 0;
      for await (const piece of inPieces(stdout, partBytes)) {
        if (piece.length > 0) await put(++number, piece);
        written += piece.length;
      }
    };
    const args = copyArguments(source, url);
    await run({ program: 'ffmpeg', args, timeoutSeconds: packetsTimeout(bytes), signal, read });
    return written;
  });
}
