/** A file of this machine as something to upload: read by stretches, and refused once it is no more what it was. */
import { type FileHandle, open } from 'node:fs/promises';
import type { UploadSource } from '../api/client/index.ts';

/** Bytes that are read at once. Node's own `openAsBlob` reads 64 KiB, and costs three times the CPU. */
const READ_AT_ONCE = 1024 ** 2;

/** As a browser says it of a `File`: the File API's `NotReadableError`. */
const changed = () => new DOMException('The file is no more what it was', 'NotReadableError');

function streamOf(handle: FileHandle, start: number, end: number, requireSame: () => Promise<void>) {
  let at = start;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(READ_AT_ONCE, end - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      at += bytesRead;
      if (bytesRead === 0) throw changed();
      if (at === end) await requireSame();
      controller.enqueue(buffer.subarray(0, bytesRead));
      if (at === end) controller.close();
    },
  });
}

/** Opens a file to upload. Whoever opens it closes it. */
export async function openFileSource(path: string): Promise<UploadSource & { close(): Promise<void> }> {
  const handle = await open(path);
  const { size, mtimeMs } = await handle.stat();
  const requireSame = async () => {
    const now = await handle.stat();
    if (now.size !== size || now.mtimeMs !== mtimeMs) throw changed();
  };
  return {
    size,
    slice: (start, end) => streamOf(handle, start, end, requireSame),
    close: () => handle.close(),
  };
}
