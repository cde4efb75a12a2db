/** Holds what a program writes against what it may: the kernel's limit (cage/cage.ts) counts each file for itself. */
import { stat } from 'node:fs/promises';

/** The files of ours that a program writes, and the bytes that they may have together. */
export interface Writes {
  readonly files: readonly string[];
  readonly bytes: number;
}

/** Milliseconds between two looks. */
const INTERVAL_MS = 250;

/** Whether it has written more than it may. */
export async function hasWrittenTooMuch({ files, bytes }: Writes): Promise<boolean> {
  const sizes = files.map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0, // not written yet
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) > bytes;
}

/** Looks now and then, as long as the program runs. @returns how to end that */
export function watchWritten(writes: Writes, tooMuch: () => void): () => void {
  const look = async () => {
    if (await hasWrittenTooMuch(writes)) tooMuch();
  };
  const timer = setInterval(() => void look(), INTERVAL_MS);
  return () => clearInterval(timer);
}
