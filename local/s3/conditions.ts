/** Conditional requests (RFC 9110, 13) as S3 answers them, and byte ranges (RFC 9110, 14). */
import type { IncomingHttpHeaders } from 'node:http';
import type { ObjectRecord } from './bucket.ts';
import { S3Error } from './errors.ts';

const matches = (header: string, etag: string): boolean =>
  header
    .split(',')
    .some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '').replaceAll('"', '') === etag);

/** HTTP dates have whole seconds. */
const seconds = (iso: string): number => Math.floor(Date.parse(iso) / 1000);
const since = (header: string): number => Math.floor(Date.parse(header) / 1000);

/** For GET, HEAD and (with the `x-amz-copy-source-` prefix) copies. */
export function checkRead(headers: IncomingHttpHeaders, record: ObjectRecord, prefix = ''): void {
  const get = (name: string) => headers[`${prefix}${name}`]?.toString();
  const [ifMatch, ifNoneMatch] = [get('if-match'), get('if-none-match')];
  const [modified, unmodified] = [get('if-modified-since'), get('if-unmodified-since')];
  const refusal = prefix === '' ? 'NotModified' : 'PreconditionFailed';
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, record.etag)) throw new S3Error('PreconditionFailed', 'If-Match');
  } else if (unmodified !== undefined && seconds(record.lastModified) > since(unmodified)) {
    throw new S3Error('PreconditionFailed', 'If-Unmodified-Since');
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, record.etag)) throw new S3Error(refusal);
  } else if (modified !== undefined && seconds(record.lastModified) <= since(modified))
    throw new S3Error(refusal);
}

/** For PUT and CompleteMultipartUpload. */
export function checkWrite(headers: IncomingHttpHeaders, existing: ObjectRecord | undefined): void {
  const ifMatch = headers['if-match'];
  if (headers['if-none-match'] !== undefined) {
    if (headers['if-none-match'] !== '*') throw new S3Error('NotImplemented', 'If-None-Match takes only *');
    if (existing) throw new S3Error('PreconditionFailed', 'If-None-Match');
  }
  if (ifMatch === undefined) return;
  if (!existing) throw new S3Error('NoSuchKey');
  if (!matches(ifMatch, existing.etag)) throw new S3Error('PreconditionFailed', 'If-Match');
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The one range that a header asks for; undefined where it asks for none, or for what S3 ignores. */
export function readRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || end <= start) throw new S3Error('InvalidRange', `${header} of ${size} bytes`);
  return { start, end };
}
