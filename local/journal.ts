/**
 * An append-only log that makes S3's index and the queues durable. A record is one line: the CRC-32 of its JSON,
 * then the JSON. Records that come while the disk is busy are written and synced together (group commit), so
 * throughput does not hang on how long a sync takes. A tail that a crash tore is cut off at the first line that is
 * not whole: nothing behind it was ever acknowledged.
 */
import { type FileHandle, open, readFile, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/** The log is rewritten when it is this large, and four times what the last rewrite needed. */
const REWRITE_BYTES = 16 * 1024 * 1024;

export interface Journal<T> {
  /** Adds a record. It is durable when a `flushed()` called afterwards has resolved. */
  append(record: T): void;
  /** Resolves when everything appended so far is on the disk; rejects for good once a write has failed. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

export interface JournalOptions<T> {
  readonly path: string;
  /** Takes each record of the log, in order, before `openJournal` resolves. */
  readonly replay: (record: T) => void;
  /** The records that stand for everything appended so far; the log is compacted to them. */
  readonly snapshot: () => Iterable<T>;
  /** Bytes from which on the log is rewritten; for tests. */
  readonly rewriteBytes?: number;
}

/** Reads the log, hands its records to `replay`, and compacts it. Rejects where the file cannot be used. */
export async function openJournal<T>(options: JournalOptions<T>): Promise<Journal<T>> {
  await readRecords(options.path, options.replay);
  const log = new Log(options);
  await log.rewrite();
  return log;
}

async function readRecords<T>(path: string, replay: (record: T) => void): Promise<void> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf('\n', start);
    const record = end < 0 ? undefined : parseLine<T>(bytes.toString('utf8', start, end));
    if (record === undefined) return truncate(path, start);
    replay(record);
    start = end + 1;
  }
}

const checksum = (json: string) => crc32(json).toString(16).padStart(8, '0');

const formatLine = (record: unknown) => {
  const json = JSON.stringify(record);
  return `${checksum(json)} ${json}\n`;
};

function parseLine<T>(line: string): T | undefined {
  const json = line.slice(9);
  if (line.slice(0, 8) !== checksum(json)) return undefined;
  return JSON.parse(json) as T; // its checksum says that it is what `append` was given
}

class Log<T> implements Journal<T> {
  readonly #options: JournalOptions<T>;
  #file: FileHandle | undefined;
  #bytes = 0;
  #rewriteAt = 0;
  #lines: string[] = [];
  /** Settles when `#lines` are on the disk. */
  #batch = newBatch();
  /** The batch that is being written now. */
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(options: JournalOptions<T>) {
    this.#options = options;
  }

  append(record: T): void {
    this.#lines.push(formatLine(record));
    if (this.#writing || this.#lines.length > 1) return;
    // What one turn of the event loop appends goes out together.
    setImmediate(() => void this.#drain());
  }

  async flushed(): Promise<void> {
    if (this.#failure) throw this.#failure;
    await (this.#lines.length > 0 ? this.#batch.promise : this.#writing);
  }

  async close(): Promise<void> {
    await this.flushed().finally(() => this.#file?.close());
  }

  async #drain(): Promise<void> {
    while (!this.#writing && this.#lines.length > 0) {
      const batch = this.#batch;
      const lines = this.#lines;
      this.#lines = [];
      this.#batch = newBatch();
      this.#writing = batch.promise;
      try {
        if (this.#failure) throw this.#failure;
        await this.#write(Buffer.from(lines.join('')));
        batch.resolve();
      } catch (error) {
        this.#failure ??= new Error(
          `Changes cannot be saved to ${this.#options.path}: make room on the disk and start again`,
          { cause: error },
        );
        batch.reject(this.#failure);
      }
      this.#writing = undefined;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    // The snapshot is taken after these records were appended, so it stands for them too.
    if (this.#bytes + bytes.length > this.#rewriteAt) return this.rewrite();
    await this.#file?.appendFile(bytes);
    await this.#file?.datasync();
    this.#bytes += bytes.length;
  }

  /** Replaces the log by a snapshot: whole or not at all, since a rename is atomic. */
  async rewrite(): Promise<void> {
    const { path, snapshot, rewriteBytes = REWRITE_BYTES } = this.#options;
    const content = Buffer.from(Array.from(snapshot(), formatLine).join(''));
    const before = this.#file;
    this.#file = await open(`${path}.new`, 'w');
    await before?.close();
    await this.#file.appendFile(content);
    await this.#file.datasync();
    await rename(`${path}.new`, path);
    await syncFolder(dirname(path));
    this.#bytes = content.length;
    this.#rewriteAt = Math.max(rewriteBytes, 4 * content.length);
  }
}

function newBatch() {
  const batch = Promise.withResolvers<void>();
  // A record that nobody waits for may fail too; `flushed` tells the next one who asks.
  batch.promise.catch(() => {});
  return batch;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
