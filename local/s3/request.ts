/** What an operation gets, its request authenticated and taken apart, and what it gives. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type XmlElementContent, xml, xmlDocument } from '../aws/xml.ts';
import type { Call } from '../iam/policy.ts';
import { S3Error } from './errors.ts';
import type { Signed } from './sigv4.ts';
import type { Storage } from './storage.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Bytes of UTF-8 that a key may have. */
const LONGEST_KEY = 1024;

export interface S3Request {
  readonly storage: Storage;
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** Those that a presigned URL carries in its query are among them. */
  readonly headers: IncomingHttpHeaders;
  readonly signed: Signed;
  /** Whether whoever signed has a permission. */
  readonly may: (call: Call) => boolean;
  readonly body: AsyncIterable<Buffer>;
}

export type Operation = (request: S3Request) => Promise<Answer>;

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | AsyncIterable<Buffer>;
  /** Called when the answer is sent, or can not be. */
  readonly done?: () => void;
}

export const emptyAnswer = (status: number, headers: OutgoingHttpHeaders = {}): Answer => ({
  status,
  headers: { ...headers, ...(status !== 204 && status !== 304 && { 'content-length': 0 }) },
});

export function xmlAnswer(
  root: string,
  content: XmlElementContent,
  headers: OutgoingHttpHeaders = {},
  status = 200,
): Answer {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: xmlDocument(root, NAMESPACE, content),
  };
}

/** An error as S3 answers it. */
export function errorAnswer(status: number, code: string, message: string, resource: string): Answer {
  const content = { Code: code, Message: message, Resource: resource };
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${xml('Error', content)}`,
  };
}

/** The ARN of a bucket, or of an object in it. */
export const arnOf = (bucket: string, key?: string): string =>
  `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;

/** A key that S3 would store. Throws `KeyTooLongError`. */
export function checkedKey(key: string): string {
  const bytes = Buffer.byteLength(key);
  if (bytes > LONGEST_KEY) throw new S3Error('KeyTooLongError', `${bytes} bytes of at most ${LONGEST_KEY}`);
  return key;
}

/** Bucket and key of a path-style path. Throws where the escapes or the key's length are wrong. */
export function parsePath(rawPath: string): { bucket: string; key: string } {
  const [, bucket = '', ...rest] = rawPath.split('/');
  try {
    return { bucket: decodeURIComponent(bucket), key: checkedKey(decodeURIComponent(rest.join('/'))) };
  } catch (error) {
    if (error instanceof URIError) throw new S3Error('InvalidArgument', `the path '${rawPath}' is not UTF-8`);
    throw error;
  }
}

/** Headers of an upload that come back with the object, beside its `x-amz-meta-` ones. */
const STORED = new Set([
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
]);

export function storedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const stored: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of Object.entries(headers)) {
    if (STORED.has(name) || name.startsWith('x-amz-meta-')) stored[name] = String(value);
  }
  // `aws-chunked` is how the body travelled, not what it is.
  const encodings = (stored['content-encoding'] ?? '').split(',').map((one) => one.trim());
  const own = encodings.filter((one) => one !== 'aws-chunked' && one !== '');
  delete stored['content-encoding'];
  return own.length > 0 ? { ...stored, 'content-encoding': own.join(',') } : stored;
}
