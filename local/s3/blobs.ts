/**
 * The bodies of objects and parts: files with random names, written once, referred to by the journal's records.
 * So keys never become paths, and completing a multipart upload copies nothing: the object takes the parts' bodies.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A stretch of an object. */
export interface Body {
  readonly blob: string;
  /** Bytes. */
  readonly size: number;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Gives a piece's memory back at once, where it is all the piece's own; nobody may use the piece any more. The
 * collector counts the small objects around it and would let the pieces pile up: measured, a body on its way takes
 * 40 MB less so, and less time.
 */
export function free(bytes: Buffer): void {
  if (bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength)
    bytes.buffer.transfer(0);
}

/** Bytes that are read at once. */
const READ = 256 * 1024;

export class Blobs {
  readonly #folder: string;
  /** Readers of each body that is being read. */
  readonly #readers = new Map<string, number>();
  /** Bodies to remove when their last reader has ended. */
  readonly #doomed = new Set<string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Removes every body that nothing refers to: what a crash left behind. */
  static async open(folder: string, used: ReadonlySet<string>): Promise<Blobs> {
    await mkdir(folder, { recursive: true });
    const blobs = new Blobs(folder);
    for (const blob of await readdir(folder)) if (!used.has(blob)) await rm(blobs.#path(blob));
    return blobs;
  }

  /**
   * Streams a body to disk and syncs it, then calls `commit`; nothing is left where either throws.
   * (A synced file's name is on disk with it on ext4, XFS, Btrfs and APFS; the folder needs no sync of its own.)
   */
  async write<T, R>(
    fill: (write: (bytes: Buffer) => Promise<void>) => Promise<T>,
    commit: (blob: string, result: T) => R,
  ): Promise<R> {
    const blob = randomUUID();
    const handle = await open(this.#path(blob), 'wx');
    // One piece is written while the next is read and digested.
    let written = Promise.resolve();
    try {
      const result = await fill(async (bytes) => {
        await written;
        written = handle.appendFile(bytes).then(() => free(bytes));
        written.catch(() => {}); // it is awaited, but perhaps only after it has failed
      });
      await written;
      await handle.sync();
      return commit(blob, result);
    } catch (error) {
      await rm(this.#path(blob), { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  }

  /** Keeps bodies until the returned function is called, even if their object is replaced or deleted meanwhile. */
  hold(bodies: readonly Body[]): () => void {
    for (const { blob } of bodies) this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1);
    return () => {
      for (const { blob } of bodies) {
        const others = (this.#readers.get(blob) ?? 0) - 1;
        if (others > 0) this.#readers.set(blob, others);
        else this.#readers.delete(blob);
      }
      void this.remove(bodies.map(({ blob }) => blob).filter((blob) => this.#doomed.delete(blob)));
    };
  }

  /** The bytes of a range over an object's bodies, which the caller holds. */
  async *read(bodies: readonly Body[], { start, end }: ByteRange): AsyncGenerator<Buffer> {
    let offset = 0;
    for (const { blob, size } of bodies) {
      const [from, to] = [Math.max(0, start - offset), Math.min(size, end - offset)];
      if (from < to)
        yield* createReadStream(this.#path(blob), { start: from, end: to - 1, highWaterMark: READ });
      offset += size;
    }
  }

  /** Removes bodies; those that are being read, when that has ended. What fails is swept at the next start. */
  async remove(blobs: readonly string[]): Promise<void> {
    for (const blob of blobs) {
      if (this.#readers.has(blob)) this.#doomed.add(blob);
      else
        await rm(this.#path(blob), { force: true }).catch((error: unknown) =>
          console.error(`The body ${blob} stays until the next start:`, error),
        );
    }
  }

  #path(blob: string): string {
    return join(this.#folder, blob);
  }
}
