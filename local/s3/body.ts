/**
 * The body of an upload: plain or `aws-chunked`, checked against every length, digest and signature that came with it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ALGORITHMS, type Algorithm, checksum, isAlgorithm } from './checksums.ts';
import { S3Error } from './errors.ts';
import { chunkSignature, type Signed, sha256, trailerSignature } from './sigv4.ts';

/** The line before a chunk: `<size in hexadecimal>;chunk-signature=<...>`. */
const LONGEST_LINE = 16 * 1024;

/** Reads lines and exact lengths from a stream of buffers. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#source.next();
    if (done) throw new S3Error('IncompleteBody');
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#rest.toString('latin1', 0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      if (this.#rest.length > LONGEST_LINE) throw new S3Error('IncompleteBody', 'a chunk has no size');
      await this.#more();
    }
  }

  async *bytes(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0) await this.#more();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}

/** Takes an `aws-chunked` body apart; the trailer's headers go to `onTrailer`. */
async function* unchunk(
  source: AsyncIterable<Buffer>,
  signed: Signed,
  onTrailer: (name: string, value: string) => void,
): AsyncGenerator<Buffer> {
  const isSigned = signed.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
  const reader = new Reader(source);
  let previous = signed.signature;
  for (;;) {
    const [size = '', extension = ''] = (await reader.line()).split(';');
    if (!/^[0-9a-fA-F]+$/.test(size)) throw new S3Error('IncompleteBody', `'${size}' is no chunk size`);
    const length = Number.parseInt(size, 16);
    const hash = isSigned ? createHash('sha256') : undefined;
    for await (const bytes of reader.bytes(length)) {
      hash?.update(bytes);
      yield bytes;
    }
    if (hash) {
      const expected = chunkSignature(signed, previous, hash.digest('hex'));
      if (extension !== `chunk-signature=${expected}`)
        throw new S3Error('SignatureDoesNotMatch', 'of a chunk');
      previous = expected;
    }
    if (length === 0) break;
    if ((await reader.line()) !== '') throw new S3Error('IncompleteBody', 'a chunk is longer than its size');
  }
  if (!signed.payload.endsWith('-TRAILER')) return;
  let trailer = '';
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const [name = '', ...value] = line.split(':');
    if (name.toLowerCase() === 'x-amz-trailer-signature') {
      const expected = trailerSignature(signed, previous, trailer);
      if (value.join(':').trim() !== expected) throw new S3Error('SignatureDoesNotMatch', 'of the trailer');
      return;
    }
    trailer += `${name.toLowerCase()}:${value.join(':').trim()}\n`;
    onTrailer(name.toLowerCase(), value.join(':').trim());
  }
  if (isSigned) throw new S3Error('SignatureDoesNotMatch', 'the trailer is not signed');
}

/** What a body turned out to be. */
export interface Received {
  readonly size: number;
  readonly md5: string;
  /** The additional checksum, if one was asked for. */
  readonly checksum: { readonly algorithm: Algorithm; readonly value: string } | undefined;
}

/** The algorithm that a request's headers name, and the value they claim, if any (a trailer brings it later). */
function claimedChecksum(headers: IncomingHttpHeaders): {
  algorithm: Algorithm | undefined;
  value: string | undefined;
} {
  for (const algorithm of ALGORITHMS) {
    const value = headers[`x-amz-checksum-${algorithm}`]?.toString();
    if (value !== undefined) return { algorithm, value };
  }
  const named =
    headers['x-amz-trailer']?.toString().replace('x-amz-checksum-', '') ??
    headers['x-amz-sdk-checksum-algorithm']?.toString();
  const lower = named?.toLowerCase() ?? '';
  return { algorithm: isAlgorithm(lower) ? lower : undefined, value: undefined };
}

/**
 * Reads a body to the end through `write`, and checks it.
 * Throws the `S3Error` that S3 answers where a length, digest or signature is wrong.
 */
export async function receive(
  source: AsyncIterable<Buffer>,
  headers: IncomingHttpHeaders,
  signed: Signed,
  write: (bytes: Buffer) => Promise<void>,
): Promise<Received> {
  const claimed = claimedChecksum(headers);
  let expected = claimed.value;
  const isChunked = signed.payload.startsWith('STREAMING-');
  const declared = headers[isChunked ? 'x-amz-decoded-content-length' : 'content-length'];
  if (declared === undefined) throw new S3Error('MissingContentLength');
  const body = isChunked
    ? unchunk(source, signed, (name, value) => {
        if (name === `x-amz-checksum-${claimed.algorithm}`) expected = value;
      })
    : source;

  const md5 = createHash('md5');
  const isDigest = /^[0-9a-f]{64}$/.test(signed.payload);
  const digest = isDigest ? createHash('sha256') : undefined;
  const sum = claimed.algorithm && checksum(claimed.algorithm);
  let size = 0;
  for await (const bytes of body) {
    size += bytes.length;
    md5.update(bytes);
    digest?.update(bytes);
    sum?.update(bytes);
    await write(bytes);
  }
  if (size !== Number(declared)) throw new S3Error('IncompleteBody', `${size} bytes of ${declared}`);
  if (digest && digest.digest('hex') !== signed.payload) throw new S3Error('XAmzContentSHA256Mismatch');
  const md5Digest = md5.digest();
  const contentMd5 = headers['content-md5'];
  if (contentMd5 !== undefined && contentMd5 !== md5Digest.toString('base64'))
    throw new S3Error('BadDigest', 'Content-MD5');
  const value = sum?.digest();
  if (expected !== undefined && value !== expected) throw new S3Error('BadDigest', `${claimed.algorithm}`);
  return {
    size,
    md5: md5Digest.toString('hex'),
    checksum: claimed.algorithm && value !== undefined ? { algorithm: claimed.algorithm, value } : undefined,
  };
}

/** A small body, such as a request's XML. */
export async function receiveText(
  source: AsyncIterable<Buffer>,
  headers: IncomingHttpHeaders,
  signed: Signed,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const withLength = { 'content-length': '0', ...headers };
  await receive(source, withLength, signed, async (bytes) => {
    size += bytes.length;
    // CompleteMultipartUpload's 10,000 parts take about 2 MB.
    if (size > 8 * 1024 * 1024) throw new S3Error('EntityTooLarge');
    chunks.push(bytes);
  });
  return Buffer.concat(chunks).toString('utf8');
}

export { sha256 };
