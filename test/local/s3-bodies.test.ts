/** Bodies of uploads: `aws-chunked` with and without signatures and trailers, and every checksum that can come along. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checksum, fullObject } from '../../local/s3/checksums.ts';
import { BUCKET, codeOf, openBench, sha256, sign, signedFetcher, signer } from './support/s3.ts';

const Bucket = BUCKET;
const bench = await openBench();
const { s3 } = bench;
const { url } = bench.server;
const signedFetch = signedFetcher(url);
afterAll(() => bench.close());

const get = async (Key: string) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};
const crcOf = (data: Buffer) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(crc32(data));
  return buffer.toString('base64');
};

describe('aws-chunked', () => {
  const pieces = [randomBytes(70_000), randomBytes(3), randomBytes(8192)];
  const data = Buffer.concat(pieces);
  const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
  const CRC = 'x-amz-checksum-crc32';

  interface Twist {
    /** Changes one chunk after it was signed. */
    readonly chunk?: (bytes: Buffer, index: number) => Buffer;
    readonly chunks?: (chunks: Buffer[]) => Buffer[];
    readonly trailer?: (lines: string[]) => string[];
    readonly length?: number;
    readonly crc?: string;
  }

  /** Sends `data` as an SDK would, but for a twist. */
  async function send(key: string, payload: string, twist: Twist = {}): Promise<Response> {
    const hasTrailer = payload.endsWith('-TRAILER');
    const signed = sign(url, 'PUT', key, payload, {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(twist.length ?? data.length),
      ...(hasTrailer && { 'x-amz-trailer': CRC }),
    });
    const signText = signer(signed.scope);
    let previous = signed.signature;
    const chunkOf = (bytes: Buffer, index: number): Buffer => {
      const text = [
        `AWS4-HMAC-SHA256-PAYLOAD`,
        signed.date,
        signed.scope,
        previous,
        sha256(''),
        sha256(bytes),
      ];
      previous = signText(text.join('\n'));
      const extension = payload.startsWith(SIGNED) ? `;chunk-signature=${previous}` : '';
      const twisted = twist.chunk?.(bytes, index) ?? bytes;
      const end = bytes.length === 0 ? '' : '\r\n';
      return Buffer.concat([
        Buffer.from(`${twisted.length.toString(16)}${extension}\r\n`),
        twisted,
        Buffer.from(end),
      ]);
    };
    const chunks = [...pieces, Buffer.alloc(0)].map(chunkOf);
    const lines = [`${CRC}:${twist.crc ?? crcOf(data)}`];
    if (payload.startsWith(SIGNED)) {
      const text = lines.map((line) => `${line}\n`).join('');
      const toSign = ['AWS4-HMAC-SHA256-TRAILER', signed.date, signed.scope, previous, sha256(text)];
      lines.push(`x-amz-trailer-signature:${signText(toSign.join('\n'))}`);
    }
    const trailer = (twist.trailer?.(lines) ?? lines).map((line) => `${line}\r\n`).join('');
    const body = Buffer.concat([
      ...(twist.chunks?.(chunks) ?? chunks),
      Buffer.from(`${hasTrailer ? trailer : ''}\r\n`),
    ]);
    return fetch(signed.url, { method: 'PUT', headers: signed.headers, body });
  }

  test.each([SIGNED, `${SIGNED}-TRAILER`, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])(
    '%s: what was sent is stored, and its encoding is not the object’s',
    async (payload) => {
      expect((await send('chunked', payload)).status).toBe(200);
      expect(data.equals(await get('chunked'))).toBe(true);
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'chunked', ChecksumMode: 'ENABLED' }));
      expect(head.ContentEncoding).toBeUndefined();
      expect(head.ChecksumCRC32).toBe(payload.endsWith('-TRAILER') ? crcOf(data) : undefined);
    },
  );

  const flip = (bytes: Buffer, index: number) =>
    index === 1 ? Buffer.from(bytes.map((byte) => byte ^ 1)) : bytes;
  const swap = ([a, b, ...rest]: Buffer[]) => [b, a, ...rest].filter((chunk) => chunk !== undefined);
  const longer = ([, second = Buffer.of(), ...rest]: Buffer[]) => [
    Buffer.concat([second.subarray(0, -2), Buffer.from('more\r\n')]),
    ...rest,
  ];
  const UNSIGNED = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  test.each<[string, string, Twist, number, string]>([
    ['a changed chunk', SIGNED, { chunk: flip }, 403, 'SignatureDoesNotMatch'],
    ['chunks in another order', SIGNED, { chunks: swap }, 403, 'SignatureDoesNotMatch'],
    ['a chunk less', SIGNED, { chunks: (all) => all.toSpliced(1, 1) }, 403, 'SignatureDoesNotMatch'],
    ['a chunk longer than its size', UNSIGNED, { chunks: longer }, 400, 'IncompleteBody'],
    ['no last chunk', SIGNED, { chunks: (all) => all.slice(0, -1) }, 400, 'IncompleteBody'],
    ['another length than declared', SIGNED, { length: data.length + 1 }, 400, 'IncompleteBody'],
    ['a changed chunk', UNSIGNED, { chunk: flip }, 400, 'BadDigest'],
    ['a wrong checksum', UNSIGNED, { crc: 'AAAAAA==' }, 400, 'BadDigest'],
    ['no checksum in the trailer', UNSIGNED, { trailer: () => [] }, 400, 'MalformedTrailerError'],
    ['a wrong checksum, signed', `${SIGNED}-TRAILER`, { crc: 'AAAAAA==' }, 400, 'BadDigest'],
    [
      'a trailer that is not signed',
      `${SIGNED}-TRAILER`,
      { trailer: (lines) => lines.slice(0, 1) },
      403,
      'SignatureDoesNotMatch',
    ],
    [
      'a trailer that was changed',
      `${SIGNED}-TRAILER`,
      { trailer: ([, signature = '']) => [`${CRC}:AAAAAA==`, signature] },
      403,
      'SignatureDoesNotMatch',
    ],
  ])('%s is refused (%s)', async (name, payload, twist, status, code) => {
    const key = `refused-${name.replaceAll(/\W/g, '-')}`;
    const response = await send(key, payload, twist);
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
    await expect(get(key)).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('a chunk without a size is refused', async () => {
    const headers = { 'x-amz-decoded-content-length': '1' };
    const response = await signedFetch('PUT', 'x', { payload: SIGNED, headers, body: 'no size\r\nx\r\n' });
    expect([response.status, await codeOf(response)]).toEqual([400, 'IncompleteBody']);
  });

  test('the SDK sends a stream so, and it arrives whole', async () => {
    const Body = Readable.from([data.subarray(0, 7), data.subarray(7)]);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: data.length }));
    expect(data.equals(await get('stream'))).toBe(true);
  });
});

/** Of "123456789": RFC 3720 and the catalogue of CRCs for the CRCs, `sha1sum` and `sha256sum` for the rest. */
const VECTORS = {
  CRC32: 'y/Q5Jg==',
  CRC32C: '4waSgw==',
  CRC64NVME: 'rosUhgp5mIg=',
  SHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
  SHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
} as const;
const algorithms = Object.keys(VECTORS) as (keyof typeof VECTORS)[]; // its keys are what they are

describe('checksums', () => {
  test.each(algorithms)('%s is verified, stored and given back', async (algorithm) => {
    const value = VECTORS[algorithm];
    const put = { Bucket, Key: `sum-${algorithm}`, Body: '123456789', [`Checksum${algorithm}`]: value };
    const answer = await s3.send(new PutObjectCommand(put));
    expect(answer[`Checksum${algorithm}`]).toBe(value);
    const read = new GetObjectCommand({ Bucket, Key: put.Key, ChecksumMode: 'ENABLED' });
    expect(await s3.send(read)).toMatchObject({
      [`Checksum${algorithm}`]: value,
      ChecksumType: 'FULL_OBJECT',
    });
    const wrong = new PutObjectCommand({ ...put, Key: `wrong-${algorithm}`, Body: '12345678' });
    await expect(s3.send(wrong)).rejects.toMatchObject({
      name: 'BadDigest',
      $metadata: { httpStatusCode: 400 },
    });
    await expect(get(`wrong-${algorithm}`)).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('a range comes without the checksum of the whole', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'ranged', Body: '123456789' }));
    const range = { Bucket, Key: 'ranged', Range: 'bytes=0-3', ChecksumMode: 'ENABLED' } as const;
    expect((await s3.send(new GetObjectCommand(range))).ChecksumCRC32).toBeUndefined();
  });

  const header = (algorithm: string, value: string) => ({ [`x-amz-checksum-${algorithm}`]: value });
  test.each([
    [
      'two checksums',
      { ...header('crc32', VECTORS.CRC32), ...header('sha1', VECTORS.SHA1) },
      'InvalidRequest',
    ],
    ['a checksum that nobody here can compute', header('xxhash64', 'x'), 'InvalidRequest'],
    [
      'a checksum promised for a trailer that can not come',
      { 'x-amz-trailer': 'x-amz-checksum-crc32' },
      'MalformedTrailerError',
    ],
    ['a Content-MD5 that is none', { 'content-md5': 'nonsense' }, 'InvalidDigest'],
    [
      'a wrong Content-MD5',
      { 'content-md5': createHash('md5').update('other').digest('base64') },
      'BadDigest',
    ],
  ])('%s is refused', async (_, headers, code) => {
    const response = await signedFetch('PUT', 'refused', { headers, body: '123456789' });
    expect([response.status, await codeOf(response)]).toEqual([400, code]);
    await expect(get('refused')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('more than 5 GiB in one PUT are refused before they are sent', async () => {
    const headers = { 'x-amz-decoded-content-length': String(5 * 1024 ** 3 + 1) };
    const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const response = await signedFetch('PUT', 'huge', { payload, headers, body: '' });
    expect([response.status, await codeOf(response)]).toEqual([400, 'EntityTooLarge']);
  });

  test('a body without a length is refused', async () => {
    const { headers } = sign(url, 'PUT', 'x', 'UNSIGNED-PAYLOAD');
    const body = Readable.toWeb(Readable.from(['x']));
    const response = await fetch(`${url}/${Bucket}/x`, { method: 'PUT', headers, body, duplex: 'half' });
    expect([response.status, await codeOf(response)]).toEqual([411, 'MissingContentLength']);
  });

  test.each(['crc32', 'crc32c', 'crc64nvme'] as const)(
    '%s of parts adds up to that of the whole, and pieces of any length make the same',
    (algorithm) => {
      const sumOf = (...pieces: Uint8Array[]) => {
        const sum = checksum(algorithm);
        for (const piece of pieces) sum.update(piece);
        return sum.digest();
      };
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1 }), (parts) => {
          const whole = sumOf(Buffer.concat(parts));
          const sums = parts.map((part) => ({ value: sumOf(part), size: part.length }));
          return sumOf(...parts) === whole && fullObject(algorithm, sums) === whole;
        }),
      );
    },
  );
});
