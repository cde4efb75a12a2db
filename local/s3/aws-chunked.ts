/**
 * Bodies that travel as `aws-chunked`: in pieces, each signed or none, with checksums in a trailer or not.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
import { createHash } from 'node:crypto';
import { S3Error } from './errors.ts';
import { chunkSignature, isEqual, type Signed, trailerSignature } from './sigv4.ts';

/** Bytes of the line before a chunk, `<size in hexadecimal>;chunk-signature=<...>`, or of one in the trailer. */
const LONGEST_LINE = 16 * 1024;

/** The trailer's headers, their names in lower case. */
export type Trailer = Map<string, string>;

const NOTHING: Buffer = Buffer.alloc(0);

/** Reads lines and exact lengths from a stream of buffers. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #rest = NOTHING;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#source.next();
    if (done) throw new S3Error('IncompleteBody', 'the last chunk is missing');
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
      // Who gets the piece may free the memory under it.
      this.#rest = piece.length < this.#rest.length ? this.#rest.subarray(piece.length) : NOTHING;
      left -= piece.length;
      yield piece;
    }
  }
}

/** Takes a body apart: yields what is in it, and fills `trailer`. Throws where a size or a signature is wrong. */
export async function* unchunk(
  source: AsyncIterable<Buffer>,
  signed: Signed,
  trailer: Trailer,
): AsyncGenerator<Buffer> {
  const isSigned = signed.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
  const reader = new Reader(source);
  let previous = signed.signature;
  for (let length = -1; length !== 0; ) {
    const [size = '', extension = ''] = (await reader.line()).split(';');
    if (!/^[0-9a-fA-F]+$/.test(size)) throw new S3Error('IncompleteBody', `'${size}' is no chunk size`);
    length = Number.parseInt(size, 16);
    const hash = isSigned ? createHash('sha256') : undefined;
    for await (const bytes of reader.bytes(length)) {
      hash?.update(bytes);
      yield bytes;
    }
    if (hash) {
      const expected = chunkSignature(signed, previous, hash.digest('hex'));
      if (!isEqual(extension, `chunk-signature=${expected}`))
        throw new S3Error('SignatureDoesNotMatch', 'a chunk is not signed so');
      previous = expected;
    }
    if (length > 0 && (await reader.line()) !== '')
      throw new S3Error('IncompleteBody', 'a chunk is longer than its size');
  }
  if (signed.payload.endsWith('-TRAILER'))
    await readTrailer(reader, signed, isSigned ? previous : undefined, trailer);
}

/** @param previous the last chunk's signature; undefined where nothing of the body is signed */
async function readTrailer(
  reader: Reader,
  signed: Signed,
  previous: string | undefined,
  trailer: Trailer,
): Promise<void> {
  let text = '';
  let signature: string | undefined;
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const [, name = '', value = ''] = /^([^:]*):(.*)$/.exec(line) ?? [];
    if (name.toLowerCase() === 'x-amz-trailer-signature') {
      signature = value.trim();
      break;
    }
    text += `${name.toLowerCase()}:${value.trim()}\n`;
    trailer.set(name.toLowerCase(), value.trim());
  }
  if (previous !== undefined && !isEqual(signature ?? '', trailerSignature(signed, previous, text)))
    throw new S3Error('SignatureDoesNotMatch', 'the trailer is not signed so');
}
