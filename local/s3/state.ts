/**
 * Everything that S3 knows, in memory: the journal's records applied one after the other. A record is one change,
 * whole: an object comes together with its event and with the end of the upload that made it.
 */
import { Bucket, type ChecksumType, type ObjectRecord } from './bucket.ts';
import type { Algorithm, Checksum } from './checksums.ts';
import type { PendingEvent } from './events.ts';

export interface PartRecord {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  /** MD5 in hexadecimal. */
  readonly etag: string;
  /** ISO 8601. */
  readonly lastModified: string;
  readonly checksum?: Checksum;
}

export interface UploadRecord {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  /** ISO 8601. */
  readonly initiated: string;
  /** Headers of the object to be. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: { readonly algorithm: Algorithm; readonly type: ChecksumType };
}

export interface OpenUpload extends UploadRecord {
  readonly parts: Map<number, PartRecord>;
}

export type Change =
  | { readonly kind: 'bucket'; readonly name: string; readonly created: string }
  | {
      readonly kind: 'object';
      readonly bucket: string;
      readonly record: ObjectRecord;
      readonly event?: PendingEvent;
      /** The multipart upload that the object came of. */
      readonly uploadId?: string;
    }
  | { readonly kind: 'deletion'; readonly bucket: string; readonly key: string }
  | { readonly kind: 'upload'; readonly upload: UploadRecord }
  | { readonly kind: 'part'; readonly uploadId: string; readonly part: PartRecord }
  | { readonly kind: 'abort'; readonly uploadId: string }
  | { readonly kind: 'event'; readonly event: PendingEvent }
  | { readonly kind: 'delivery'; readonly sequencer: string };

export class State {
  readonly buckets = new Map<string, Bucket>();
  readonly uploads = new Map<string, OpenUpload>();
  readonly events = new Map<string, PendingEvent>();

  /** Applies a change. @returns the bodies that nothing refers to any more */
  apply(change: Change): string[] {
    switch (change.kind) {
      case 'bucket':
        this.buckets.set(change.name, new Bucket(change.name, change.created));
        return [];
      case 'object':
        return this.#putObject(change);
      case 'deletion': {
        const freed = this.#bodiesOf(change.bucket, change.key);
        this.buckets.get(change.bucket)?.delete(change.key);
        return freed;
      }
      case 'upload':
        this.uploads.set(change.upload.id, { ...change.upload, parts: new Map() });
        return [];
      case 'part': {
        const parts = this.uploads.get(change.uploadId)?.parts;
        const replaced = parts?.get(change.part.number);
        parts?.set(change.part.number, change.part);
        return replaced ? [replaced.blob] : [];
      }
      case 'abort':
        return this.#endUpload(change.uploadId);
      case 'event':
        this.events.set(change.event.sequencer, change.event);
        return [];
      case 'delivery':
        this.events.delete(change.sequencer);
        return [];
    }
  }

  /** The changes that lead from nothing to here. */
  *snapshot(): Iterable<Change> {
    for (const bucket of this.buckets.values()) {
      yield { kind: 'bucket', name: bucket.name, created: bucket.created };
      for (const record of bucket.records()) yield { kind: 'object', bucket: bucket.name, record };
    }
    for (const { parts, ...upload } of this.uploads.values()) {
      yield { kind: 'upload', upload };
      for (const part of parts.values()) yield { kind: 'part', uploadId: upload.id, part };
    }
    for (const event of this.events.values()) yield { kind: 'event', event };
  }

  /** Every body that an object or a part refers to. */
  usedBlobs(): Set<string> {
    const used = new Set<string>();
    for (const bucket of this.buckets.values()) {
      for (const { bodies } of bucket.records()) for (const { blob } of bodies) used.add(blob);
    }
    for (const { parts } of this.uploads.values()) for (const { blob } of parts.values()) used.add(blob);
    return used;
  }

  #putObject({ bucket, record, event, uploadId }: Extract<Change, { kind: 'object' }>): string[] {
    const freed = this.#bodiesOf(bucket, record.key);
    if (uploadId !== undefined) freed.push(...this.#endUpload(uploadId));
    this.buckets.get(bucket)?.put(record);
    if (event) this.events.set(event.sequencer, event);
    const used = new Set(record.bodies.map(({ blob }) => blob));
    return freed.filter((blob) => !used.has(blob));
  }

  #bodiesOf(bucket: string, key: string): string[] {
    return (this.buckets.get(bucket)?.get(key)?.bodies ?? []).map(({ blob }) => blob);
  }

  #endUpload(id: string): string[] {
    const parts = this.uploads.get(id)?.parts.values() ?? [];
    this.uploads.delete(id);
    return Array.from(parts, ({ blob }) => blob);
  }
}
