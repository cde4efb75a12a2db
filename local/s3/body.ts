/** The body of an upload: streamed to where it goes, checked against every length, digest and signature with it. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Trailer, unchunk } from './aws-chunked.ts';
import { type Algorithm, algorithmOf, type Checksum, checksum } from './checksums.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

/** Bytes of one PUT or part, at most. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const LARGEST = 5 * 1024 ** 3;

/** Bytes of a request's XML, at most; CompleteMultipartUpload's 10,000 parts take about 2 MB. */
const LARGEST_XML = 8 * 1024 * 1024;

/** Headers that are about checksums without being one. */
const NO_CHECKSUM = new Set(['x-amz-checksum-mode', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']);

export type Write = (bytes: Buffer) => Promise<void>;

/** What a body turned out to be. */
export interface Received {
  /** Bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly md5: string;
  /** The one that the client named, or else the one that was asked for. */
  readonly checksum: Checksum | undefined;
}

/** The checksum of a request's headers; its value is still to come where a trailer brings it. */
export interface Claim {
  readonly algorithm: Algorithm;
  readonly value: string | undefined;
}

/** An algorithm by its name in a request. Throws for one that is not built here, for it would go unchecked. */
export function requireAlgorithm(name: string): Algorithm {
  const algorithm = algorithmOf(name);
  if (!algorithm) throw new S3Error('InvalidRequest', `the checksum algorithm '${name}' is not supported`);
  return algorithm;
}

export function claimedChecksum(headers: IncomingHttpHeaders): Claim | undefined {
  const names = Object.keys(headers).filter(
    (name) => name.startsWith('x-amz-checksum-') && !NO_CHECKSUM.has(name),
  );
  if (names.length > 1)
    throw new S3Error('InvalidRequest', `one checksum is expected, not ${names.join(', ')}`);
  const [name = headers['x-amz-trailer']?.toString()] = names;
  if (name === undefined) return undefined;
  return {
    algorithm: requireAlgorithm(name.replace('x-amz-checksum-', '')),
    value: headers[name]?.toString(),
  };
}

interface Digests extends Received {
  readonly sha256: string | undefined;
}

/** Streams bytes on through `write`, digesting them on the way: only what is asked for, beside the MD5 of the ETag. */
export async function digest(
  source: AsyncIterable<Buffer>,
  write: Write,
  algorithm: Algorithm | undefined,
  wantsSha256 = false,
): Promise<Digests> {
  const md5 = createHash('md5');
  const sha256 = wantsSha256 ? createHash('sha256') : undefined;
  const sum = algorithm && checksum(algorithm);
  let size = 0;
  for await (const bytes of source) {
    size += bytes.length;
    md5.update(bytes);
    sha256?.update(bytes);
    sum?.update(bytes);
    await write(bytes);
  }
  return {
    size,
    md5: md5.digest('hex'),
    sha256: sha256?.digest('hex'),
    checksum: algorithm && sum && { algorithm, value: sum.digest() },
  };
}

/** Checks a body against the digests that a request's headers claim. Throws the `S3Error` that S3 answers. */
export function checkDigests(
  received: Received,
  headers: IncomingHttpHeaders,
  trailer: Trailer = new Map(),
): void {
  const contentMd5 = headers['content-md5']?.toString();
  if (contentMd5 !== undefined) {
    const claimed = Buffer.from(contentMd5, 'base64');
    if (claimed.length !== 16) throw new S3Error('InvalidDigest', contentMd5);
    if (claimed.toString('hex') !== received.md5) throw new S3Error('BadDigest', 'Content-MD5');
  }
  const claim = claimedChecksum(headers);
  if (!claim) return;
  const name = `x-amz-checksum-${claim.algorithm}`;
  const value = claim.value ?? trailer.get(name);
  if (value === undefined) throw new S3Error('MalformedTrailerError', `there is no ${name}`);
  if (value !== received.checksum?.value)
    throw new S3Error('BadDigest', `${name} is '${value}', but '${received.checksum?.value}' was received`);
}

/**
 * Reads a body to the end through `write`, and checks it.
 * Throws the `S3Error` that S3 answers where a length, digest or signature is wrong.
 * @param wanted the checksum to compute where the request claims none
 */
export async function receive(
  { body, headers, signed }: Pick<S3Request, 'body' | 'headers' | 'signed'>,
  write: Write,
  wanted?: Algorithm,
): Promise<Received> {
  const isChunked = signed.payload.startsWith('STREAMING-');
  const declared = headers[isChunked ? 'x-amz-decoded-content-length' : 'content-length'];
  if (declared === undefined) throw new S3Error('MissingContentLength');
  if (Number(declared) > LARGEST)
    throw new S3Error('EntityTooLarge', `${declared} bytes of at most ${LARGEST}`);
  const trailer: Trailer = new Map();
  const bytes = isChunked ? unchunk(body, signed, trailer) : body;
  const isDigest = /^[0-9a-f]{64}$/.test(signed.payload);
  const received = await digest(bytes, write, claimedChecksum(headers)?.algorithm ?? wanted, isDigest);
  if (received.size !== Number(declared))
    throw new S3Error('IncompleteBody', `${received.size} bytes of ${declared}`);
  if (isDigest && received.sha256 !== signed.payload) throw new S3Error('XAmzContentSHA256Mismatch');
  checkDigests(received, headers, trailer);
  return received;
}

/** A small body, such as a request's XML. */
export async function receiveText(request: Pick<S3Request, 'body' | 'headers' | 'signed'>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const headers = { 'content-length': '0', ...request.headers };
  await receive({ ...request, headers }, async (bytes) => {
    size += bytes.length;
    if (size > LARGEST_XML) throw new S3Error('EntityTooLarge', `more than ${LARGEST_XML} bytes of XML`);
    chunks.push(bytes);
  });
  return Buffer.concat(chunks).toString('utf8');
}
