/** A request as the operations see it: authenticated, its bucket and key decoded. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { S3Error } from './errors.ts';
import type { Signed } from './sigv4.ts';
import type { Storage } from './storage.ts';

/** Bytes of UTF-8 that a key may have. */
const LONGEST_KEY = 1024;

export interface S3Request {
  readonly storage: Storage;
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly signed: Signed;
  readonly body: IncomingMessage;
  readonly response: ServerResponse;
}

/** Bucket and key of a path-style path. Throws where the escapes or the key's length are wrong. */
export function parsePath(rawPath: string): { bucket: string; key: string } {
  const [, bucket = '', ...rest] = rawPath.split('/');
  let key: string;
  try {
    key = decodeURIComponent(rest.join('/'));
  } catch {
    throw new S3Error('InvalidArgument', `the path '${rawPath}' is not UTF-8`);
  }
  if (Buffer.byteLength(key) > LONGEST_KEY)
    throw new S3Error('KeyTooLongError', `${Buffer.byteLength(key)} bytes`);
  return { bucket: decodeURIComponent(bucket), key };
}

/** Headers of an upload that come back with the object. */
const STORED = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];

export function storedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const stored: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (STORED.includes(name) || name.startsWith('x-amz-meta-')) stored[name] = String(value);
  }
  // `aws-chunked` is how the body travelled, not what it is.
  const encoding = (stored['content-encoding'] ?? '')
    .split(',')
    .filter((one) => one.trim() !== 'aws-chunked' && one !== '');
  if (encoding.length > 0) stored['content-encoding'] = encoding.join(',').trim();
  else delete stored['content-encoding'];
  return { 'content-type': 'binary/octet-stream', ...stored };
}
