/**
 * The objects of one bucket: a record on disk for each, and an index of the keys in UTF-8 binary order. A record
 * names its bodies, so that completing a multipart upload copies nothing. Keys never become paths.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Algorithm } from './checksums.ts';
import { readJsonFiles, writeJson } from './disk.ts';
import { sha256 } from './sigv4.ts';

export interface ObjectRecord {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** ISO 8601. */
  readonly lastModified: string;
  /** The bodies, one after the other. */
  readonly bodies: readonly { readonly blob: string; readonly size: number }[];
  /** Headers that come back as they were sent: content type, cache control, user metadata and the like. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: {
    readonly algorithm: Algorithm;
    readonly value: string;
    readonly type: 'FULL_OBJECT' | 'COMPOSITE';
  };
}

const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class Bucket {
  readonly name: string;
  readonly #folder: string;
  readonly #records = new Map<string, ObjectRecord>();
  #keys: string[] = [];
  /** Commits of one key run one after the other. */
  readonly #locks = new Map<string, Promise<unknown>>();

  private constructor(name: string, folder: string) {
    this.name = name;
    this.#folder = folder;
  }

  static async open(name: string, folder: string): Promise<Bucket> {
    const bucket = new Bucket(name, folder);
    for await (const [, value] of readJsonFiles(folder)) {
      const record = value as ObjectRecord; // written below
      bucket.#records.set(record.key, record);
    }
    bucket.#keys = [...bucket.#records.keys()].sort(order);
    return bucket;
  }

  get(key: string): ObjectRecord | undefined {
    return this.#records.get(key);
  }

  *records(): Iterable<ObjectRecord> {
    yield* this.#records.values();
  }

  /** Runs alone among those of this key. */
  async exclusively<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(key);
    const mine = (before ?? Promise.resolve()).then(work, work);
    const settled = mine.catch(() => undefined);
    this.#locks.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#locks.get(key) === settled) this.#locks.delete(key);
    }
  }

  /** Makes a record the object of its key; returns the one it replaced. */
  async put(record: ObjectRecord): Promise<ObjectRecord | undefined> {
    await writeJson(this.#file(record.key), record);
    const old = this.#records.get(record.key);
    if (!old) this.#keys.splice(this.#firstAtOrAfter(record.key), 0, record.key);
    this.#records.set(record.key, record);
    return old;
  }

  async delete(key: string): Promise<ObjectRecord | undefined> {
    const old = this.#records.get(key);
    if (!old) return undefined;
    await rm(this.#file(key), { force: true });
    this.#records.delete(key);
    this.#keys.splice(this.#firstAtOrAfter(key), 1);
    return old;
  }

  /** Keys with a prefix that come after another key, in UTF-8 binary order. */
  *keysAfter(prefix: string, after: string): Iterable<string> {
    const from = order(after, prefix) > 0 ? after : prefix;
    for (let index = this.#firstAtOrAfter(from); index < this.#keys.length; index++) {
      const key = this.#keys[index] ?? '';
      if (!key.startsWith(prefix)) return;
      if (key !== after || after === '') yield key;
    }
  }

  #file(key: string): string {
    const name = sha256(key);
    return join(this.#folder, name.slice(0, 2), `${name}.json`);
  }

  #firstAtOrAfter(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(this.#keys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
