/**
 * Everything that is stored: a journal of changes, the state that they add up to, the bodies, and the events on
 * their way. A change applies at once, so that checking and writing in one go is atomic; whoever answers a client
 * waits for `flushed()` first, so that nothing is acknowledged, shown or refused because of what a crash could undo.
 */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorsRule, ExpiryRule, Notification } from '../../jobs/platform.ts';
import { type Journal, openJournal } from '../journal.ts';
import { Blobs } from './blobs.ts';
import type { Bucket, ObjectRecord } from './bucket.ts';
import { S3Error } from './errors.ts';
import { type EventName, eventOf } from './events.ts';
import { Outbox } from './outbox.ts';
import { type Change, type OpenUpload, type PartRecord, State, type UploadRecord } from './state.ts';

export interface BucketSettings {
  readonly name: string;
  readonly cors: readonly CorsRule[];
  /** Created objects of which keys are announced, and to whom. */
  readonly notifications: readonly Notification[];
  /** @default - nothing expires */
  readonly expiries?: readonly ExpiryRule[];
}

export const DAY_MS = 24 * 3600 * 1000;

export interface StorageOptions {
  readonly dataDir: string;
  readonly region: string;
  readonly buckets: readonly BucketSettings[];
  readonly notify: (queue: string, eventJson: string) => Promise<void>;
}

export class Storage {
  readonly region: string;
  readonly blobs: Blobs;
  readonly #state: State;
  readonly #journal: Journal<Change>;
  readonly #settings: ReadonlyMap<string, BucketSettings>;
  readonly #outbox: Outbox;
  readonly #afterwards = new Set<Promise<void>>();
  #lastSequencer = 0n;

  private constructor(options: StorageOptions, state: State, journal: Journal<Change>, blobs: Blobs) {
    this.region = options.region;
    this.blobs = blobs;
    this.#state = state;
    this.#journal = journal;
    this.#settings = new Map(options.buckets.map((settings) => [settings.name, settings]));
    this.#outbox = new Outbox(options.notify, ({ sequencer }) =>
      this.#change({ kind: 'delivery', sequencer }),
    );
  }

  static async open(options: StorageOptions): Promise<Storage> {
    await mkdir(options.dataDir, { recursive: true });
    const state = new State();
    const journal = await openJournal<Change>({
      path: join(options.dataDir, 'index.log'),
      replay: (change) => void state.apply(change),
      snapshot: () => state.snapshot(),
    });
    const blobs = await Blobs.open(join(options.dataDir, 'blobs'), state.usedBlobs());
    const storage = new Storage(options, state, journal, blobs);
    for (const { name } of options.buckets) if (!state.buckets.has(name)) storage.createBucket(name);
    for (const event of state.events.values()) storage.#outbox.send(event);
    return storage;
  }

  /** Resolves when every change so far is on disk; rejects for good once that has failed. */
  flushed(): Promise<void> {
    return this.#journal.flushed();
  }

  /** Events that are not delivered by then are sent again at the next start. */
  async close(): Promise<void> {
    await this.#outbox.close();
    await Promise.all(this.#afterwards);
    await this.#journal.close();
  }

  get buckets(): Bucket[] {
    return [...this.#state.buckets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  bucket(name: string): Bucket {
    const bucket = this.#state.buckets.get(name);
    if (!bucket) throw new S3Error('NoSuchBucket', name);
    return bucket;
  }

  corsRules(bucket: string): readonly CorsRule[] {
    return this.#settings.get(bucket)?.cors ?? [];
  }

  createBucket(name: string): void {
    this.#change({ kind: 'bucket', name, created: new Date().toISOString() });
  }

  object(bucket: string, key: string): ObjectRecord {
    const record = this.bucket(bucket).get(key);
    if (!record) throw new S3Error('NoSuchKey', key);
    return record;
  }

  /**
   * Makes a record the object of its key, and tells of it.
   * @param uploadId the multipart upload that ends with this
   */
  putObject(bucket: string, record: ObjectRecord, eventName: EventName, uploadId?: string): void {
    this.bucket(bucket); // that it is there
    const queue = this.#queueFor(bucket, record.key);
    const event =
      queue === undefined
        ? undefined
        : eventOf({
            queue,
            bucket,
            record,
            eventName,
            sequencer: this.#nextSequencer(),
            region: this.region,
          });
    this.#change({
      kind: 'object',
      bucket,
      record,
      ...(event && { event }),
      ...(uploadId !== undefined && { uploadId }),
    });
    // An event must not be ahead of its object.
    if (event) this.#afterFlush(async () => this.#outbox.send(event));
  }

  deleteObject(bucket: string, key: string): void {
    if (this.bucket(bucket).get(key)) this.#change({ kind: 'deletion', bucket, key });
  }

  startUpload(record: Omit<UploadRecord, 'id'>): UploadRecord {
    const upload = { ...record, id: randomUUID().replaceAll('-', '') };
    this.#change({ kind: 'upload', upload });
    return upload;
  }

  upload(id: string, bucket: string, key: string): OpenUpload {
    const upload = this.#state.uploads.get(id);
    if (upload?.bucket !== bucket || upload.key !== key) throw new S3Error('NoSuchUpload', id);
    return upload;
  }

  uploads(bucket: string): OpenUpload[] {
    return [...this.#state.uploads.values()].filter((upload) => upload.bucket === bucket);
  }

  /** Drops the parts of uploads that were begun before a time and never completed. */
  abortUploadsBefore(time: Date): void {
    for (const { id, initiated } of [...this.#state.uploads.values()])
      if (new Date(initiated) < time) this.abortUpload(id);
  }

  /** Deletes what has expired by the buckets' lifecycle rules. */
  deleteExpired(now: Date): void {
    for (const { name, expiries = [] } of this.#settings.values())
      for (const { prefix, days } of expiries) {
        const before = now.getTime() - days * DAY_MS;
        for (const key of [...this.bucket(name).keysAfter(prefix, '')])
          if (Date.parse(this.object(name, key).lastModified) < before) this.deleteObject(name, key);
      }
  }

  putPart(uploadId: string, part: PartRecord): void {
    this.#change({ kind: 'part', uploadId, part });
  }

  abortUpload(uploadId: string): void {
    this.#change({ kind: 'abort', uploadId });
  }

  #change(change: Change): void {
    this.#journal.append(change);
    const freed = this.#state.apply(change);
    // Until the change is on disk, a crash would bring back what refers to them.
    if (freed.length > 0) this.#afterFlush(() => this.blobs.remove(freed));
  }

  /** Does something when all changes so far are on disk; where that fails, the answer to the client says so. */
  #afterFlush(work: () => Promise<void>): void {
    const done = this.flushed()
      .then(work, () => {})
      .finally(() => this.#afterwards.delete(done));
    this.#afterwards.add(done);
  }

  /** The queue that is told of an object; S3 lets at most one rule match. */
  #queueFor(bucket: string, key: string): string | undefined {
    const notifications = this.#settings.get(bucket)?.notifications ?? [];
    return notifications.find(({ prefix, suffix = '' }) => key.startsWith(prefix) && key.endsWith(suffix))
      ?.queue;
  }

  /** Grows with time, over restarts too; hexadecimal, as S3's. */
  #nextSequencer(): string {
    const now = BigInt(Date.now()) << 20n;
    this.#lastSequencer = now > this.#lastSequencer ? now : this.#lastSequencer + 1n;
    return this.#lastSequencer.toString(16).toUpperCase().padStart(18, '0');
  }
}
