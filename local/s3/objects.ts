/** Operations on one object. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Received, receive } from './body.ts';
import type { ObjectRecord } from './bucket.ts';
import { type ByteRange, checkRead, checkWrite, readRange } from './conditions.ts';
import type { Blobs } from './disk.ts';
import { S3Error } from './errors.ts';
import type { EventName } from './events.ts';
import { parsePath, type S3Request, storedHeaders } from './request.ts';
import type { Storage } from './storage.ts';
import { answerXml } from './xml.ts';

export function sendXml(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, {
      ...headers,
      'content-type': 'application/xml',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}

export function requireObject(storage: Storage, bucket: string, key: string): ObjectRecord {
  const record = storage.bucket(bucket).get(key);
  if (!record) throw new S3Error('NoSuchKey', key);
  return record;
}

/** The bytes of a range over an object's bodies. */
export async function* readBytes(
  blobs: Blobs,
  record: ObjectRecord,
  { start, end }: ByteRange,
): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const { blob, size } of record.bodies) {
    const [from, to] = [Math.max(0, start - offset), Math.min(size, end - offset)];
    if (from < to)
      yield* createReadStream(blobs.path(blob), { start: from, end: to - 1, highWaterMark: 256 * 1024 });
    offset += size;
  }
}

/** `response-content-type` and its like override what was stored. */
function answerHeaders(record: ObjectRecord, query: URLSearchParams): Record<string, string> {
  const overrides = [...query]
    .filter(([name]) => name.startsWith('response-'))
    .map(([name, value]) => [name.slice('response-'.length), value]);
  return { ...record.headers, ...Object.fromEntries(overrides) };
}

const validators = (record: ObjectRecord): Record<string, string> => ({
  etag: `"${record.etag}"`,
  'last-modified': new Date(record.lastModified).toUTCString(),
  'accept-ranges': 'bytes',
});

/** GET and HEAD. */
export async function getObject({
  storage,
  method,
  bucket,
  key,
  query,
  headers,
  response,
}: S3Request): Promise<void> {
  const record = requireObject(storage, bucket, key);
  try {
    checkRead(headers, record);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== 'NotModified') throw error;
    response.writeHead(304, validators(record)).end();
    return;
  }
  const range = readRange(headers.range, record.size);
  const { start, end } = range ?? { start: 0, end: record.size };
  const wantsChecksum = headers['x-amz-checksum-mode']?.toString().toUpperCase() === 'ENABLED' && !range;
  response.writeHead(range ? 206 : 200, {
    ...answerHeaders(record, query),
    ...validators(record),
    'content-length': end - start,
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${record.size}` }),
    ...(wantsChecksum && record.checksum && checksumHeaders(record.checksum)),
  });
  if (method === 'HEAD') return void response.end();
  await pipeline(readBytes(storage.blobs, record, { start, end }), response).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error; // the client has read enough
    },
  );
}

export const checksumHeaders = ({
  algorithm,
  value,
  type,
}: NonNullable<ObjectRecord['checksum']>): Record<string, string> => ({
  [`x-amz-checksum-${algorithm}`]: value,
  'x-amz-checksum-type': type,
});

/** The record of a body that was received whole. */
export function recordOf(
  key: string,
  blob: string,
  received: Received,
  headers: Record<string, string>,
): ObjectRecord {
  return {
    key,
    size: received.size,
    etag: received.md5,
    lastModified: new Date().toISOString(),
    bodies: [{ blob, size: received.size }],
    headers,
    ...(received.checksum && { checksum: { ...received.checksum, type: 'FULL_OBJECT' } }),
  };
}

/** Stores a new object; its body is removed again where the write is refused. */
export async function store(
  storage: Storage,
  bucket: string,
  record: ObjectRecord,
  event: EventName,
  check: (existing: ObjectRecord | undefined) => void,
): Promise<void> {
  try {
    await storage.commit(bucket, record, event, check);
  } catch (error) {
    if (error instanceof S3Error) await storage.blobs.remove(record.bodies.map(({ blob }) => blob));
    throw error;
  }
}

export async function putObject({
  storage,
  bucket,
  key,
  headers,
  signed,
  body,
  response,
}: S3Request): Promise<void> {
  const target = storage.bucket(bucket);
  checkWrite(headers, target.get(key)); // early, before the body; again with the commit
  const { blob, result } = await storage.blobs.write((write) => receive(body, headers, signed, write));
  const record = recordOf(key, blob, result, storedHeaders(headers));
  await store(storage, bucket, record, 'ObjectCreated:Put', (existing) => checkWrite(headers, existing));
  response
    .writeHead(200, { etag: `"${record.etag}"`, ...(record.checksum && checksumHeaders(record.checksum)) })
    .end();
}

export async function deleteObject({ storage, bucket, key, response }: S3Request): Promise<void> {
  await storage.delete(bucket, key);
  response.writeHead(204).end();
}

/** The object that `x-amz-copy-source` names. */
export function copySource({ storage, headers }: S3Request): ObjectRecord {
  const header = headers['x-amz-copy-source']?.toString() ?? '';
  const { bucket, key } = parsePath(header.startsWith('/') ? header : `/${header}`);
  const record = requireObject(storage, bucket, key);
  checkRead(headers, record, 'x-amz-copy-source-');
  return record;
}

export async function copyObject(request: S3Request): Promise<void> {
  const { storage, bucket, key, headers, response } = request;
  const source = copySource(request);
  const replaces = headers['x-amz-metadata-directive'] === 'REPLACE';
  const md5 = createHash('md5');
  const { blob } = await storage.blobs.write(async (write) => {
    for await (const bytes of readBytes(storage.blobs, source, { start: 0, end: source.size })) {
      md5.update(bytes);
      await write(bytes);
    }
  });
  const record: ObjectRecord = {
    key,
    size: source.size,
    etag: md5.digest('hex'),
    lastModified: new Date().toISOString(),
    bodies: [{ blob, size: source.size }],
    headers: replaces ? storedHeaders(headers) : source.headers,
  };
  await store(storage, bucket, record, 'ObjectCreated:Copy', (existing) => checkWrite(headers, existing));
  const result = { LastModified: record.lastModified, ETag: `"${record.etag}"` };
  sendXml(response, 200, answerXml('CopyObjectResult', result));
}
