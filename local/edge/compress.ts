/**
 * Compression as CloudFront does it, so that what is compressed on AWS is compressed here (HLS.md 10.1).
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
 */
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { Answer } from './answer.ts';

/** Those of CloudFront's list that this platform serves; media is none of them. */
const COMPRESSED_TYPES = new Set([
  'application/json',
  'application/vnd.apple.mpegurl',
  'image/svg+xml',
  'text/css',
  'text/html',
  'text/javascript',
]);

/** Sizes in bytes between which CloudFront compresses. */
const COMPRESSED_BYTES = { from: 1_000, to: 10_000_000 };

/** In CloudFront's order of preference. Brotli's default quality is for files made once: 20 times slower than 4. */
const ENCODERS = {
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: () => createGzip(),
};

export type Encoding = keyof typeof ENCODERS;

/** The encoding to use for a viewer's `Accept-Encoding` header; a weight of zero refuses one (RFC 9110, 12.5.3). */
export function acceptedEncoding(header: string | undefined): Encoding | undefined {
  const accepted = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((part) => part.split(';').map((word) => word.trim()))
    .filter(([, weight]) => !/^q=0(\.0*)?$/.test(weight ?? ''))
    .map(([name]) => name);
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding));
}

/** Whether an answer's content is compressed for those who accept it. */
export function isCompressible({ status, headers }: Answer): boolean {
  const type = (headers['content-type'] ?? '').split(';')[0] ?? '';
  const bytes = Number(headers['content-length']);
  return (
    [200, 403, 404].includes(status) &&
    COMPRESSED_TYPES.has(type) &&
    headers['content-encoding'] === undefined &&
    bytes >= COMPRESSED_BYTES.from &&
    bytes <= COMPRESSED_BYTES.to
  );
}

/** The headers of an answer once it is compressed: no known length or ranges, and a weak ETag. */
export function compressedHeaders(headers: Answer['headers'], encoding: Encoding): Record<string, string> {
  const { 'content-length': _, 'accept-ranges': __, etag, ...kept } = headers;
  const weak = etag === undefined ? {} : { etag: etag.startsWith('W/') ? etag : `W/${etag}` };
  return { ...kept, ...weak, 'content-encoding': encoding };
}

/** A stream that compresses what is written to it. */
export const compressor = (encoding: Encoding) => ENCODERS[encoding]();
