/**
 * Objects in S3: the one place that knows conditional writes, absent objects and paging. S3 is the database
 * (DESIGN, idea 2): state is written once, and whoever writes second finds the object there.
 *
 * The role needs `s3:ListBucket` on the bucket besides the object actions: without it S3 answers 403 instead
 * of 404 for an absent object (GetObject, HeadObject: "Permissions"), and absence could not be told from denial.
 */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { z } from 'zod';
import { batchesOf } from './batches.ts';
import { misfitsOf } from './misfits.ts';

/** What a player or a person is told about an object. */
export interface ObjectHeaders {
  readonly contentType: string;
  readonly cacheControl?: string;
  /** RFC 6266. */
  readonly contentDisposition?: string;
}

/** One line of a listing. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes, as S3 events spell it. */
  readonly etag: string;
  readonly lastModified: Date;
}

/**
 * Tries of a conditional write that meets another one in flight. S3 answers 409 only while that one lasts, and
 * asks for a new try: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
const CONFLICT_TRIES = 6;
/** Milliseconds before the second try; doubled for each further one. */
const CONFLICT_WAIT_MS = 50;

/**
 * Tries of an update. Each that fails is a success of another's: so many may update an object at once, and all succeed.
 */
const UPDATE_TRIES = 100;

/** Objects of one DeleteObjects, at most. */
const DELETED_AT_ONCE = 1000;

const JSON_HEADERS: ObjectHeaders = { contentType: 'application/json' };

/** JSON as we store it: keys in the order given, indented for people, one newline at the end. */
export function toStoredJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const isStatus = (error: unknown, status: number): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;

/**
 * An object is absent. S3 says `NoSuchKey` to a GET and a bodiless 404 to a HEAD; a bucket that does not exist
 * is a 404 too, but a mistake.
 */
const isAbsent = (error: unknown): boolean =>
  isStatus(error, 404) && !(error instanceof Error && error.name === 'NoSuchBucket');

/** S3's answer to a HEAD has no body that could say what is wrong: the SDK calls everything `UnknownError`. */
function headError(error: unknown, object: string): unknown {
  if (!(error instanceof S3ServiceException)) return error;
  return new Error(`S3 answered ${error.$metadata.httpStatusCode} to HEAD ${object}`, { cause: error });
}

/** An object that should be there is not. */
export class MissingObjectError extends Error {
  override readonly name = 'MissingObjectError';
}

/** An object that holds something else than it should: another version of the platform may have written it. */
export class UnreadableObjectError extends Error {
  override readonly name = 'UnreadableObjectError';
}

/** Others change an object all the time: a later try will do. */
export class BusyObjectError extends Error {
  override readonly name = 'BusyObjectError';
}

/** One bucket's objects. Errors of S3 other than those that a method's description names pass through. */
export class ObjectStore {
  readonly #s3: S3Client;
  readonly bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  /**
   * Writes an object unless its key is taken, and says which. A write of our own whose answer was lost and that
   * the SDK repeated also reads `exists`: callers must take `exists` as "it is there", not "another wrote it".
   */
  async putOnce(
    key: string,
    body: Uint8Array | string,
    headers: ObjectHeaders,
  ): Promise<'written' | 'exists'> {
    const written = await this.#putIf({ ...this.#putInput(key, body, headers), IfNoneMatch: '*' });
    return written ? 'written' : 'exists';
  }

  /** `putOnce` of a value as JSON. */
  putOnceJson(key: string, value: unknown): Promise<'written' | 'exists'> {
    return this.putOnce(key, toStoredJson(value), JSON_HEADERS);
  }

  /**
   * Replaces an object as it was last seen, and says whether it was still so: for the few that are replaced, such
   * as a master playlist. A write of our own whose answer was lost and that the SDK repeated also reads `changed`.
   * @param etag as `etag` gave it; undefined where there was none
   */
  async replace(
    key: string,
    body: Uint8Array | string,
    headers: ObjectHeaders,
    etag: string | undefined,
  ): Promise<'written' | 'changed'> {
    const condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag };
    const written = await this.#putIf({ ...this.#putInput(key, body, headers), ...condition });
    return written ? 'written' : 'changed';
  }

  /**
   * Replaces an object by what `change` makes of it, anew as often as another replaces it meanwhile. What `change` reads
   * besides is never older than the version that is replaced.
   * @param change is given the text that is replaced, undefined where there is no such object; and gives the new one, or
   *   undefined to leave it as it is
   * @returns whether it was written
   * @throws a `BusyObjectError` where others replace it again and again
   */
  async update(
    key: string,
    headers: ObjectHeaders,
    change: (present: string | undefined) => Promise<string | undefined> | string | undefined,
  ): Promise<boolean> {
    for (let tries = 0; tries < UPDATE_TRIES; tries++) {
      const present = await this.#read(key);
      const body = await change(present?.text);
      if (body === undefined) return false;
      if ((await this.replace(key, body, headers, present?.etag)) === 'written') return true;
    }
    throw new BusyObjectError(`s3://${this.bucket}/${key} was replaced ${UPDATE_TRIES} times in between`);
  }

  /**
   * `update` of JSON: `change` is given what the object holds.
   * @param change is given undefined where there is no such object, and gives undefined to leave it as it is
   * @throws an `UnreadableObjectError` as `getJson` does
   */
  updateJson<T extends z.ZodType>(
    key: string,
    schema: T,
    change: (value: z.infer<T> | undefined) => z.infer<T> | undefined | Promise<z.infer<T> | undefined>,
  ): Promise<boolean> {
    return this.update(key, JSON_HEADERS, async (present) => {
      const changed = await change(this.#parse(key, schema, present));
      return changed === undefined ? undefined : toStoredJson(changed);
    });
  }

  /** Writes an object whatever is there: for marks and hints, of which the last one counts. */
  async put(key: string, body: Uint8Array | string, headers: ObjectHeaders): Promise<void> {
    await this.#s3.send(new PutObjectCommand(this.#putInput(key, body, headers)));
  }

  /**
   * Writes an object of any size from its parts, which may come in any order; it is there when all are, or not at all.
   * @param write uploads the parts by number from 1; S3 takes at most 10,000, each but the last of at least 5 MiB
   * @returns what `write` returns
   */
  async putInParts<T>(
    key: string,
    headers: ObjectHeaders,
    write: (put: (number: number, bytes: Buffer) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const object = { Bucket: this.bucket, Key: key };
    // S3 completes with checksums of parts what was begun with them alone; the SDK sends CRC-32 with every part.
    const begin = new CreateMultipartUploadCommand({
      ...this.#described(key, headers),
      ChecksumAlgorithm: 'CRC32',
    });
    const { UploadId } = await this.#s3.send(begin);
    const parts: CompletedPart[] = [];
    try {
      const result = await write(async (PartNumber, Body) => {
        const part = new UploadPartCommand({ ...object, UploadId, PartNumber, Body });
        const { ETag, ChecksumCRC32 } = await this.#s3.send(part);
        parts.push({ PartNumber, ETag, ChecksumCRC32 });
      });
      const Parts = parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
      const complete = { ...object, UploadId, MultipartUpload: { Parts } };
      await this.#s3.send(new CompleteMultipartUploadCommand(complete));
      return result;
    } catch (error) {
      // What can not be aborted now, S3's lifecycle rule drops in time.
      await this.#s3.send(new AbortMultipartUploadCommand({ ...object, UploadId })).catch(() => undefined);
      throw error;
    }
  }

  /** `put` of a value as JSON. */
  putJson(key: string, value: unknown): Promise<void> {
    return this.put(key, toStoredJson(value), JSON_HEADERS);
  }

  /** The ETag of an object, with its quotes; undefined where there is no such object. */
  async etag(key: string): Promise<string | undefined> {
    return (await this.#head(key))?.ETag;
  }

  /** Deletes an object; does nothing where there is none. */
  async delete(key: string): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  /** Deletes an object unless it was replaced since it was listed. */
  async deleteUnchanged({ key: Key, etag }: ListedObject): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.bucket, Key, IfMatch: `"${etag}"` });
    await this.#s3.send(command).catch((error: unknown) => {
      if (!isStatus(error, 412) && !isAbsent(error)) throw error;
    });
  }

  /**
   * Deletes every object whose key begins with the prefix.
   * @param options `whole`: only the object of this very key; `deadline`: milliseconds since 1970 after which it stops
   */
  async deleteAll(prefix: string, options: { whole: boolean; deadline: number }): Promise<void> {
    let keys: string[] = [];
    for await (const { key } of this.list(prefix)) {
      if (Date.now() > options.deadline) break;
      if (options.whole && key !== prefix) continue;
      keys.push(key);
      if (keys.length < DELETED_AT_ONCE) continue;
      await this.deleteKeys(keys);
      keys = [];
    }
    await this.deleteKeys(keys);
  }

  /** Deletes the objects of these keys. */
  async deleteKeys(keys: readonly string[]): Promise<void> {
    for (const batch of batchesOf(keys, DELETED_AT_ONCE)) {
      const Objects = batch.map((Key) => ({ Key }));
      const { Errors = [] } = await this.#s3.send(
        new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors;
      if (first)
        throw new Error(`s3://${this.bucket}/${first.Key} was not deleted: ${first.Code} ${first.Message}`);
    }
  }

  /** Aborts every multipart upload under keys that begin with the prefix. */
  async abortUploads(prefix: string): Promise<void> {
    const { Uploads = [] } = await this.#s3.send(
      new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: prefix }),
    );
    for (const { Key, UploadId } of Uploads)
      await this.#s3.send(new AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId }));
  }

  /** An object's text; undefined where there is no such object. */
  async getText(key: string): Promise<string | undefined> {
    return (await this.#read(key))?.text;
  }

  async #read(key: string): Promise<{ text: string; etag: string | undefined } | undefined> {
    try {
      const { Body, ETag } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      return { text: (await Body?.transformToString('utf-8')) ?? '', etag: ETag };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** A stretch of an object. Throws where there is no such object. @param length at least one byte */
  async getRange(key: string, offset: number, length: number): Promise<Buffer> {
    const Range = `bytes=${offset}-${offset + length - 1}`;
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key, Range }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    if (bytes.length === length) return bytes;
    throw new Error(`s3://${this.bucket}/${key} has ${bytes.length} bytes from ${offset}, not ${length}`);
  }

  /** Writes an object into a file, piece by piece. Throws `MissingObjectError` where there is no such object. */
  async download(key: string, path: string): Promise<void> {
    try {
      const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      if (!(Body instanceof Readable)) throw new TypeError('S3 answered without a body');
      await pipeline(Body, createWriteStream(path));
    } catch (error) {
      if (!isAbsent(error)) throw error;
      throw new MissingObjectError(`s3://${this.bucket}/${key} is not there`, { cause: error });
    }
  }

  /**
   * The value that an object's JSON holds, or undefined where there is no such object. Throws an
   * `UnreadableObjectError` that names the object where it is no JSON or does not fit the schema.
   */
  async getJson<T extends z.ZodType>(key: string, schema: T): Promise<z.infer<T> | undefined> {
    return this.#parse(key, schema, await this.getText(key));
  }

  #parse<T extends z.ZodType>(key: string, schema: T, text: string | undefined): z.infer<T> | undefined {
    if (text === undefined) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new UnreadableObjectError(`s3://${this.bucket}/${key} is not JSON`, { cause });
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new UnreadableObjectError(
      `s3://${this.bucket}/${key} does not hold what it should: ${misfitsOf(parsed.error).join('; ')}`,
    );
  }

  /** Whether there is an object of this key. */
  async exists(key: string): Promise<boolean> {
    return (await this.#head(key)) !== undefined;
  }

  /**
   * Every object whose key begins with the prefix, in S3's order (UTF-8 binary), over all pages.
   * @param after only those whose keys come after this one
   */
  async *list(prefix: string, after?: string): AsyncGenerator<ListedObject> {
    const pages = paginateListObjectsV2(
      { client: this.#s3 },
      { Bucket: this.bucket, Prefix: prefix, ...(after !== undefined && { StartAfter: after }) },
    );
    for await (const page of pages)
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        if (Key === undefined || LastModified === undefined) continue; // never sent without, though typed so
        yield {
          key: Key,
          size: Size ?? 0,
          etag: (ETag ?? '').replaceAll('"', ''),
          lastModified: LastModified,
        };
      }
  }

  /** The "folders" directly below a prefix that ends in `/`, each whole and with its closing slash. */
  async *listPrefixes(prefix: string): AsyncGenerator<string> {
    const pages = paginateListObjectsV2(
      { client: this.#s3 },
      { Bucket: this.bucket, Prefix: prefix, Delimiter: '/' },
    );
    for await (const page of pages)
      for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) yield Prefix;
  }

  /** A conditional write. Says whether the condition held. Throws a `BusyObjectError` where other writes are in flight for long. */
  async #putIf(input: PutObjectCommandInput): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#s3.send(new PutObjectCommand(input));
        return true;
      } catch (error) {
        // S3 says 404 where If-Match names a version of an object that was deleted since.
        if (isStatus(error, 412) || (input.IfMatch !== undefined && isAbsent(error))) return false;
        if (!isStatus(error, 409)) throw error;
        if (attempt === CONFLICT_TRIES)
          throw new BusyObjectError(`s3://${input.Bucket}/${input.Key} is being written`, { cause: error });
        await sleep(CONFLICT_WAIT_MS * 2 ** (attempt - 1));
      }
    }
  }

  async #head(key: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw headError(error, `s3://${this.bucket}/${key}`);
    }
  }

  #putInput(key: string, body: Uint8Array | string, headers: ObjectHeaders) {
    // The SDK does not know the length of an empty text.
    return { ...this.#described(key, headers), Body: body, ContentLength: Buffer.byteLength(body) };
  }

  #described(key: string, { contentType, cacheControl, contentDisposition }: ObjectHeaders) {
    return {
      Bucket: this.bucket,
      Key: key,
      ContentType: contentType,
      ...(cacheControl !== undefined && { CacheControl: cacheControl }),
      ...(contentDisposition !== undefined && { ContentDisposition: contentDisposition }),
    };
  }
}
