/** Conditional requests (RFC 9110, 13) as S3 answers them, and byte ranges (RFC 9110, 14). */
import type { IncomingHttpHeaders } from 'node:http';
import type { ByteRange } from './blobs.ts';
import type { ObjectRecord } from './bucket.ts';
import { S3Error } from './errors.ts';

const matches = (header: string, etag: string): boolean =>
  header
    .split(',')
    .some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '').replaceAll('"', '') === etag);

/** HTTP dates have whole seconds. */
const seconds = (date: string): number => Math.floor(Date.parse(date) / 1000);

/**
 * For GET, HEAD and (with the prefix `x-amz-copy-source-`) copies, in the order of RFC 9110, 13.2.2.
 * Throws `PreconditionFailed`.
 */
export function checkRead(
  headers: IncomingHttpHeaders,
  record: ObjectRecord,
  prefix = '',
): 'modified' | 'not modified' {
  const get = (name: string) => headers[`${prefix}${name}`]?.toString();
  const [ifMatch, ifNoneMatch] = [get('if-match'), get('if-none-match')];
  const [modified, unmodified] = [get('if-modified-since'), get('if-unmodified-since')];
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, record.etag)) throw new S3Error('PreconditionFailed', 'If-Match');
  } else if (unmodified !== undefined && seconds(record.lastModified) > seconds(unmodified)) {
    throw new S3Error('PreconditionFailed', 'If-Unmodified-Since');
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, record.etag) ? 'not modified' : 'modified';
  const isOld = modified !== undefined && seconds(record.lastModified) <= seconds(modified);
  return isOld ? 'not modified' : 'modified';
}

/** For PUT, CompleteMultipartUpload, CopyObject and DELETE. */
export function checkWrite(headers: IncomingHttpHeaders, existing: ObjectRecord | undefined): void {
  const ifMatch = headers['if-match'];
  if (headers['if-none-match'] !== undefined) {
    if (headers['if-none-match'] !== '*') throw new S3Error('NotImplemented', 'If-None-Match takes only *');
    if (existing) throw new S3Error('PreconditionFailed', 'If-None-Match');
  }
  if (ifMatch === undefined) return;
  if (!existing) throw new S3Error('NoSuchKey', 'If-Match');
  if (!matches(ifMatch, existing.etag)) throw new S3Error('PreconditionFailed', 'If-Match');
}

/** The one range that a header asks for; undefined where it asks for none, or for what S3 ignores. */
export function readRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || end <= start) throw new S3Error('InvalidRange', `'${header}' of ${size} bytes`);
  return { start, end };
}

/** The range that `x-amz-copy-source-range` asks for, which S3 takes in one form only; all of it without the header. */
export function copyRange(header: string | undefined, size: number): ByteRange {
  if (header === undefined) return { start: 0, end: size };
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  const range = { start: Number(first), end: Number(last) + 1 };
  if (first === '' || range.start >= range.end || range.end > size) {
    throw new S3Error('InvalidArgument', `x-amz-copy-source-range '${header}' of ${size} bytes`);
  }
  return range;
}
