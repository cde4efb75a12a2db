/** Everything that is stored: buckets, bodies, unfinished multipart uploads, undelivered events. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorsRule } from '../../jobs/platform.ts';
import { Bucket, type ObjectRecord } from './bucket.ts';
import { Blobs, readJsonFiles, writeJson } from './disk.ts';
import { S3Error } from './errors.ts';
import { type EventName, eventOf } from './events.ts';
import { Outbox } from './outbox.ts';

export interface BucketSettings {
  readonly name: string;
  readonly cors: readonly CorsRule[];
  readonly notifications: ReadonlyArray<{ readonly prefix: string; readonly suffix?: string }>;
}

export interface PartRecord {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  /** MD5 in hexadecimal. */
  readonly etag: string;
  readonly lastModified: string;
  readonly checksum?: { readonly algorithm: string; readonly value: string };
}

export interface UploadRecord {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksumAlgorithm?: string;
  readonly checksumType?: string;
}

interface OpenUpload {
  readonly record: UploadRecord;
  readonly parts: Map<number, PartRecord>;
}

export class Storage {
  readonly blobs: Blobs;
  readonly #folder: string;
  readonly #region: string;
  readonly #settings = new Map<string, BucketSettings>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #uploads = new Map<string, OpenUpload>();
  readonly #outbox: Outbox;
  #lastSequencer = 0n;

  private constructor(folder: string, region: string, outbox: Outbox) {
    this.#folder = folder;
    this.#region = region;
    this.#outbox = outbox;
    this.blobs = new Blobs(join(folder, 'blobs'));
  }

  static async open(options: {
    dataDir: string;
    region: string;
    buckets: readonly BucketSettings[];
    notify: (bucket: string, eventJson: string) => Promise<void>;
  }): Promise<Storage> {
    const outbox = new Outbox(join(options.dataDir, 'outbox'), options.notify);
    const storage = new Storage(options.dataDir, options.region, outbox);
    for (const settings of options.buckets) {
      storage.#settings.set(settings.name, settings);
      storage.#buckets.set(
        settings.name,
        await Bucket.open(settings.name, join(options.dataDir, 'buckets', settings.name)),
      );
    }
    await storage.#readUploads();
    await storage.blobs.sweep(storage.#usedBlobs());
    await outbox.open();
    return storage;
  }

  close(): Promise<void> {
    return this.#outbox.close();
  }

  get bucketNames(): string[] {
    return [...this.#buckets.keys()].sort();
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new S3Error('NoSuchBucket', name);
    return bucket;
  }

  settings(name: string): BucketSettings | undefined {
    return this.#settings.get(name);
  }

  /**
   * Makes a record the object of its key, tells of it, and frees what it replaced.
   * @param check throws where the write must not happen; runs alone with the commit
   */
  async commit(
    bucketName: string,
    record: ObjectRecord,
    event: EventName,
    check: (existing: ObjectRecord | undefined) => void,
  ): Promise<void> {
    const bucket = this.bucket(bucketName);
    const old = await bucket.exclusively(record.key, async () => {
      check(bucket.get(record.key));
      const replaced = await bucket.put(record);
      await this.#announce(bucketName, record, event);
      return replaced;
    });
    const kept = new Set(record.bodies.map(({ blob }) => blob));
    // A reader that has begun keeps its open file.
    await this.blobs.remove((old?.bodies ?? []).map(({ blob }) => blob).filter((blob) => !kept.has(blob)));
  }

  async delete(bucketName: string, key: string): Promise<void> {
    const bucket = this.bucket(bucketName);
    const old = await bucket.exclusively(key, () => bucket.delete(key));
    await this.blobs.remove((old?.bodies ?? []).map(({ blob }) => blob));
  }

  async startUpload(record: Omit<UploadRecord, 'id'>): Promise<UploadRecord> {
    const upload = { ...record, id: randomUUID().replaceAll('-', '') };
    await writeJson(join(this.#uploadFolder(upload.id), 'upload.json'), upload);
    this.#uploads.set(upload.id, { record: upload, parts: new Map() });
    return upload;
  }

  upload(id: string, bucket: string, key: string): OpenUpload {
    const upload = this.#uploads.get(id);
    if (upload?.record.bucket !== bucket || upload.record.key !== key) throw new S3Error('NoSuchUpload', id);
    return upload;
  }

  uploads(bucket: string): UploadRecord[] {
    return [...this.#uploads.values()]
      .map(({ record }) => record)
      .filter((record) => record.bucket === bucket);
  }

  async putPart(upload: OpenUpload, part: PartRecord): Promise<void> {
    const old = upload.parts.get(part.number);
    await writeJson(join(this.#uploadFolder(upload.record.id), `part-${part.number}.json`), part);
    if (!this.#uploads.has(upload.record.id)) throw new S3Error('NoSuchUpload', upload.record.id);
    upload.parts.set(part.number, part);
    if (old) await this.blobs.remove([old.blob]);
  }

  /** Forgets an upload, and its parts but for those that an object took over. */
  async endUpload(upload: OpenUpload, taken: ReadonlySet<string>): Promise<void> {
    this.#uploads.delete(upload.record.id);
    await rm(this.#uploadFolder(upload.record.id), { recursive: true, force: true });
    await this.blobs.remove(
      [...upload.parts.values()].map(({ blob }) => blob).filter((blob) => !taken.has(blob)),
    );
  }

  #uploadFolder(id: string): string {
    return join(this.#folder, 'uploads', id);
  }

  async #readUploads(): Promise<void> {
    const parts: [string, PartRecord][] = [];
    for await (const [file, value] of readJsonFiles(join(this.#folder, 'uploads'))) {
      const id = file.split('/').at(-2) ?? '';
      if (file.endsWith('/upload.json'))
        this.#uploads.set(id, { record: value as UploadRecord, parts: new Map() });
      else parts.push([id, value as PartRecord]); // both written above
    }
    for (const [id, part] of parts) this.#uploads.get(id)?.parts.set(part.number, part);
  }

  #usedBlobs(): Set<string> {
    const used = new Set<string>();
    for (const bucket of this.#buckets.values()) {
      for (const record of bucket.records()) for (const { blob } of record.bodies) used.add(blob);
    }
    for (const { parts } of this.#uploads.values()) for (const { blob } of parts.values()) used.add(blob);
    return used;
  }

  async #announce(bucketName: string, record: ObjectRecord, event: EventName): Promise<void> {
    const wanted = this.#settings.get(bucketName)?.notifications.some(({ prefix, suffix = '' }) => {
      return record.key.startsWith(prefix) && record.key.endsWith(suffix);
    });
    if (!wanted) return;
    const sequencer = this.#nextSequencer();
    await this.#outbox.add(
      sequencer,
      bucketName,
      eventOf({ bucket: bucketName, record, event, sequencer, region: this.#region }),
    );
  }

  /** Grows with time, over restarts too; hexadecimal, as S3's. */
  #nextSequencer(): string {
    const now = BigInt(Date.now()) << 20n;
    this.#lastSequencer = now > this.#lastSequencer ? now : this.#lastSequencer + 1n;
    return this.#lastSequencer.toString(16).toUpperCase().padStart(18, '0');
  }
}
