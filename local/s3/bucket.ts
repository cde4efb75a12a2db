/** The objects of one bucket, and their keys in UTF-8 binary order. */
import type { Body } from './blobs.ts';
import type { Checksum } from './checksums.ts';

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface ObjectRecord {
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** ISO 8601. */
  readonly lastModified: string;
  /** One after the other. */
  readonly bodies: readonly Body[];
  /** Headers that come back as they were sent: content type, cache control, user metadata and the like. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: Checksum & { readonly type: ChecksumType };
}

const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class Bucket {
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly #records = new Map<string, ObjectRecord>();
  readonly #keys: string[] = [];

  constructor(name: string, created: string) {
    this.name = name;
    this.created = created;
  }

  get(key: string): ObjectRecord | undefined {
    return this.#records.get(key);
  }

  records(): Iterable<ObjectRecord> {
    return this.#records.values();
  }

  put(record: ObjectRecord): void {
    if (!this.#records.has(record.key)) this.#keys.splice(this.#firstAtOrAfter(record.key), 0, record.key);
    this.#records.set(record.key, record);
  }

  delete(key: string): void {
    if (this.#records.delete(key)) this.#keys.splice(this.#firstAtOrAfter(key), 1);
  }

  /** Keys with a prefix that come after another key, in UTF-8 binary order. */
  *keysAfter(prefix: string, after: string): Iterable<string> {
    const from = order(after, prefix) > 0 ? after : prefix;
    for (let index = this.#firstAtOrAfter(from); index < this.#keys.length; index++) {
      const key = this.#keys[index] ?? '';
      if (!key.startsWith(prefix)) return;
      if (key !== after) yield key;
    }
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
