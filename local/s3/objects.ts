/** Operations on one object. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { ByteRange } from './blobs.ts';
import { digest, type Received, receive } from './body.ts';
import type { ObjectRecord } from './bucket.ts';
import type { Algorithm, Checksum } from './checksums.ts';
import { checkRead, checkWrite, readRange } from './conditions.ts';
import { S3Error } from './errors.ts';
import { type Answer, emptyAnswer, parsePath, type S3Request, storedHeaders, xmlAnswer } from './request.ts';
import type { Storage } from './storage.ts';

/** `response-content-type` and its like override what was stored. */
function overrides(query: URLSearchParams): Record<string, string> {
  const wanted = [...query].filter(([name]) => name.startsWith('response-'));
  return Object.fromEntries(wanted.map(([name, value]) => [name.slice('response-'.length), value]));
}

const validators = (record: ObjectRecord): OutgoingHttpHeaders => ({
  etag: `"${record.etag}"`,
  'last-modified': new Date(record.lastModified).toUTCString(),
});

export const checksumHeaders = (checksum: (Checksum & { type?: string }) | undefined): OutgoingHttpHeaders =>
  checksum
    ? {
        [`x-amz-checksum-${checksum.algorithm}`]: checksum.value,
        ...(checksum.type && { 'x-amz-checksum-type': checksum.type }),
      }
    : {};

/** GET and HEAD. */
export async function getObject({
  storage,
  method,
  bucket,
  key,
  query,
  headers,
}: S3Request): Promise<Answer> {
  const record = storage.object(bucket, key);
  if (checkRead(headers, record) === 'not modified') return emptyAnswer(304, validators(record));
  const range = readRange(headers.range, record.size);
  const { start, end } = range ?? { start: 0, end: record.size };
  const wantsChecksum = headers['x-amz-checksum-mode']?.toString().toUpperCase() === 'ENABLED' && !range;
  const answer = {
    status: range ? 206 : 200,
    headers: {
      ...record.headers,
      ...overrides(query),
      ...validators(record),
      'accept-ranges': 'bytes',
      'content-length': end - start,
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${record.size}` }),
      ...(wantsChecksum && checksumHeaders(record.checksum)),
    },
  };
  if (method === 'HEAD') return answer;
  const done = storage.blobs.hold(record.bodies);
  return { ...answer, body: storage.blobs.read(record.bodies, { start, end }), done };
}

/** The record of an object with one body, which was received whole. */
export const recordOf = (
  key: string,
  blob: string,
  { size, md5, checksum }: Received,
  headers: Record<string, string>,
): ObjectRecord => ({
  key,
  size,
  etag: md5,
  lastModified: new Date().toISOString(),
  bodies: [{ blob, size }],
  headers,
  ...(checksum && { checksum: { ...checksum, type: 'FULL_OBJECT' } }),
});

export async function putObject(request: S3Request): Promise<Answer> {
  const { storage, bucket, key, headers } = request;
  // Before the body, to spare the disk what will be refused; what counts is the same check with the commit.
  checkWrite(headers, storage.bucket(bucket).get(key));
  return storage.blobs.write(
    (write) => receive(request, write),
    (blob, received) => {
      const record = recordOf(key, blob, received, storedHeaders(headers));
      checkWrite(headers, storage.bucket(bucket).get(key));
      storage.putObject(bucket, record, 'ObjectCreated:Put');
      return emptyAnswer(200, { etag: `"${record.etag}"`, ...checksumHeaders(record.checksum) });
    },
  );
}

export async function deleteObject({ storage, bucket, key, headers }: S3Request): Promise<Answer> {
  checkWrite(headers, storage.bucket(bucket).get(key));
  storage.deleteObject(bucket, key);
  return emptyAnswer(204);
}

/** The object that `x-amz-copy-source` names. Throws where it is not there or not as its conditions ask. */
export function copySource({ storage, headers }: S3Request): ObjectRecord {
  const header = headers['x-amz-copy-source']?.toString() ?? '';
  const [path = '', version] = header.split('?');
  if (version !== undefined) throw new S3Error('NotImplemented', `object versions: '${header}'`);
  const { bucket, key } = parsePath(path.startsWith('/') ? path : `/${path}`);
  const record = storage.object(bucket, key);
  if (checkRead(headers, record, 'x-amz-copy-source-') === 'not modified')
    throw new S3Error('PreconditionFailed', 'x-amz-copy-source');
  return record;
}

/** Copies a range of an object into a new body, then calls `commit`. */
export async function copyBody<R>(
  storage: Storage,
  source: ObjectRecord,
  range: ByteRange,
  algorithm: Algorithm | undefined,
  commit: (blob: string, received: Received) => R,
): Promise<R> {
  const release = storage.blobs.hold(source.bodies);
  try {
    const bytes = storage.blobs.read(source.bodies, range);
    return await storage.blobs.write((write) => digest(bytes, write, algorithm), commit);
  } finally {
    release();
  }
}

export async function copyObject(request: S3Request): Promise<Answer> {
  const { storage, bucket, key, headers } = request;
  const source = copySource(request);
  const replaces = headers['x-amz-metadata-directive'] === 'REPLACE';
  const whole = { start: 0, end: source.size };
  return copyBody(storage, source, whole, source.checksum?.algorithm, (blob, received) => {
    const record = recordOf(key, blob, received, replaces ? storedHeaders(headers) : source.headers);
    checkWrite(headers, storage.bucket(bucket).get(key));
    storage.putObject(bucket, record, 'ObjectCreated:Copy');
    const result = { LastModified: record.lastModified, ETag: `"${record.etag}"` };
    return xmlAnswer('CopyObjectResult', result);
  });
}
