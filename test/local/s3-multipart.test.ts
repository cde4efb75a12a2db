/** Multipart uploads of the S3 emulator, by the AWS SDK. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  paginateListParts,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ObjectStore } from '../../jobs/store.ts';
import { eventually } from './support/processes.ts';
import { BUCKET, md5, openBench } from './support/s3.ts';

const Bucket = BUCKET;
const bench = await openBench();
const { s3, events } = bench;
afterAll(() => bench.close());
beforeEach(() => {
  events.length = 0;
});

const put = (Key: string, Body: string | Uint8Array, more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = async (Key: string, more: object = {}) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
};
const blobs = () => readdir(join(bench.folder, 'blobs'));
const named = (name: string) => expect.objectContaining({ name });

describe('multipart uploads', () => {
  const MB = 1024 * 1024;
  const part = (PartNumber: number, UploadId: string | undefined, Key: string, Body: Uint8Array) =>
    s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
  const create = (Key: string) =>
    s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'video/mp4' }));
  const complete = (Key: string, UploadId: string | undefined, Parts: object[], more: object = {}) =>
    s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
    );

  test('parts in any order become one object; ranges cross them; the event says how it came', async () => {
    const Key = 'uploads/big';
    const { UploadId } = await create(Key);
    const [one, two] = [randomBytes(5 * MB), randomBytes(1000)];
    const second = await part(2, UploadId, Key, two);
    const first = await part(1, UploadId, Key, one);
    const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    expect(Parts.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 5 * MB],
      [2, 1000],
    ]);
    expect(
      (await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.map((upload) => upload.Key),
    ).toEqual([Key]);
    const { ETag } = await complete(Key, UploadId, [
      { PartNumber: 1, ETag: first.ETag },
      { PartNumber: 2, ETag: second.ETag },
    ]);
    expect(ETag).toBe(
      `"${md5(Buffer.concat([Buffer.from(md5(one), 'hex'), Buffer.from(md5(two), 'hex')]))}-2"`,
    );
    const { Body, ContentType } = await s3.send(
      new GetObjectCommand({ Bucket, Key, Range: `bytes=${5 * MB - 3}-${5 * MB + 3}` }),
    );
    expect(ContentType).toBe('video/mp4');
    expect(Buffer.from((await Body?.transformToByteArray()) ?? [])).toEqual(
      Buffer.concat([one.subarray(-3), two.subarray(0, 4)]),
    );
    await eventually(() => (events.length > 0 ? true : undefined));
    expect(events.map((event) => JSON.parse(event).Records[0].eventName)).toEqual([
      'ObjectCreated:CompleteMultipartUpload',
    ]);
  });

  test('what S3 refuses is refused', async () => {
    const Key = 'multi';
    const { UploadId } = await create(Key);
    const small = await part(1, UploadId, Key, Buffer.from('small'));
    const next = await part(2, UploadId, Key, Buffer.from('next'));
    await expect(
      complete(Key, UploadId, [
        { PartNumber: 1, ETag: small.ETag },
        { PartNumber: 2, ETag: next.ETag },
      ]),
    ).rejects.toEqual(named('EntityTooSmall'));
    await expect(complete(Key, UploadId, [{ PartNumber: 1, ETag: '"00"' }])).rejects.toEqual(
      named('InvalidPart'),
    );
    await expect(
      complete(Key, UploadId, [
        { PartNumber: 2, ETag: next.ETag },
        { PartNumber: 1, ETag: small.ETag },
      ]),
    ).rejects.toEqual(named('InvalidPartOrder'));
    await complete(Key, UploadId, [{ PartNumber: 1, ETag: small.ETag }]);
    await expect(complete(Key, UploadId, [{ PartNumber: 1, ETag: small.ETag }])).rejects.toEqual(
      named('NoSuchUpload'),
    );
    const again = await create(Key);
    const other = await part(1, again.UploadId, Key, Buffer.from('other'));
    await expect(
      complete(Key, again.UploadId, [{ PartNumber: 1, ETag: other.ETag }], { IfNoneMatch: '*' }),
    ).rejects.toEqual(named('PreconditionFailed'));
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: again.UploadId }));
    await expect(part(1, again.UploadId, Key, Buffer.from('x'))).rejects.toEqual(named('NoSuchUpload'));
    expect(await get(Key)).toBe('small');
  });

  test('a part can be a range of another object', async () => {
    await put('whole', '0123456789');
    const { UploadId } = await create('copied');
    const { CopyPartResult } = await s3.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: 'copied',
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/whole`,
        CopySourceRange: 'bytes=2-5',
      }),
    );
    await complete('copied', UploadId, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    expect(await get('copied')).toBe('2345');
  });

  test.each(['bytes=2-', 'bytes=-2', 'bytes=5-3', 'bytes=2-10', 'nonsense'])(
    'a part can not be the range %s of ten bytes',
    async (CopySourceRange) => {
      await put('whole', '0123456789');
      const { UploadId } = await create('copied');
      const copy = {
        Bucket,
        Key: 'copied',
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/whole`,
        CopySourceRange,
      };
      await expect(s3.send(new UploadPartCopyCommand(copy))).rejects.toEqual(named('InvalidArgument'));
    },
  );

  test.each([0, 10_001, 1.5])('part number %d is refused', async (number) => {
    const { UploadId } = await create('numbers');
    await expect(part(number, UploadId, 'numbers', Buffer.of(1))).rejects.toEqual(named('InvalidArgument'));
  });

  test('a part that comes again replaces the one before, and only parts that are named count', async () => {
    const Key = 'again';
    const before = (await blobs()).length;
    const { UploadId } = await create(Key);
    await part(1, UploadId, Key, Buffer.from('first'));
    await part(2, UploadId, Key, Buffer.from('left out'));
    const { ETag } = await part(1, UploadId, Key, Buffer.from('second'));
    await complete(Key, UploadId, [{ PartNumber: 1, ETag }]);
    expect(await get(Key)).toBe('second');
    await eventually(async () => ((await blobs()).length <= before + 1 ? true : undefined));
  });

  test('who reads an object of parts reads it to its end, though it is replaced meanwhile', async () => {
    const Key = 'read';
    const { UploadId } = await create(Key);
    const data = [1, 2, 3].map(() => randomBytes(8 * MB));
    const parts = data.map(async (bytes, index) => ({
      PartNumber: index + 1,
      ETag: (await part(index + 1, UploadId, Key, bytes)).ETag,
    }));
    await complete(Key, UploadId, await Promise.all(parts));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    await put(Key, 'new');
    await put(Key, 'newer'); // by its answer the first one's bodies would be gone
    expect(Buffer.concat(data).equals((await Body?.transformToByteArray()) ?? Buffer.of())).toBe(true);
    expect(await get(Key)).toBe('newer');
  });

  test('a part that arrives after its upload was aborted is refused and not kept', async () => {
    const Key = 'aborted';
    const { UploadId } = await create(Key);
    const command = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1 });
    const before = await blobs();
    const added = async () => (await blobs()).filter((blob) => !before.includes(blob)).length;
    const sending = request(await getSignedUrl(s3, command), {
      method: 'PUT',
      headers: { 'content-length': 2 },
    });
    const answered = once(sending, 'response');
    sending.write('x');
    await eventually(async () => ((await added()) === 1 ? true : undefined));
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    sending.end('y');
    const [response] = await answered;
    response.resume();
    expect(response.statusCode).toBe(404);
    expect(await added()).toBe(0);
  });

  test('of many that complete one key on condition, one wins', async () => {
    const Key = 'contested';
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, index) => {
        const { UploadId } = await create(Key);
        const { ETag } = await part(1, UploadId, Key, Buffer.from(`${index}`));
        return complete(Key, UploadId, [{ PartNumber: 1, ETag }], { IfNoneMatch: '*' });
      }),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refusals = tries.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.name] : []));
    expect(refusals).toEqual(Array(7).fill('PreconditionFailed'));
  });

  test('parts and uploads are listed in pages', async () => {
    const ids: string[] = [];
    for (const Key of ['page/b', 'page/a', 'page/b']) ids.push((await create(Key)).UploadId ?? '');
    for (const number of [3, 1, 2]) await part(number, ids[1], 'page/a', Buffer.of(number));
    const parts: (number | undefined)[] = [];
    const byParts = paginateListParts(
      { client: s3, pageSize: 2 },
      { Bucket, Key: 'page/a', UploadId: ids[1] },
    );
    for await (const { Parts = [] } of byParts) parts.push(...Parts.map(({ PartNumber }) => PartNumber));
    expect(parts).toEqual([1, 2, 3]);

    const uploads: [string | undefined, string | undefined][] = [];
    for (let from: object | undefined = {}; from; ) {
      const page: ListMultipartUploadsCommandOutput = await s3.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'page/', MaxUploads: 1, ...from }),
      );
      uploads.push(
        ...(page.Uploads ?? []).map(({ Key, UploadId }): [typeof Key, typeof Key] => [Key, UploadId]),
      );
      from = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined;
    }
    expect(uploads.map(([key]) => key)).toEqual(['page/a', 'page/b', 'page/b']);
    expect(uploads.map(([, id]) => id).toSorted()).toEqual(ids.toSorted());
  });
});

describe('checksums of multipart uploads', () => {
  const data = [Buffer.alloc(5 * 1024 * 1024, 3), Buffer.from('the end')];
  const base64 = (hash: string, bytes: Uint8Array) => createHash(hash).update(bytes).digest('base64');
  const crc = (bytes: Uint8Array) => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(crc32(bytes));
    return buffer.toString('base64');
  };
  const whole = Buffer.concat(data);

  /** Uploads both parts with the SDK's checksums. */
  async function upload(ChecksumAlgorithm: 'CRC32' | 'SHA256', ChecksumType: 'COMPOSITE' | 'FULL_OBJECT') {
    const Key = `sums-${ChecksumAlgorithm}-${ChecksumType}`;
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm, ChecksumType }),
    );
    const Parts: CompletedPart[] = [];
    for (const [index, Body] of data.entries()) {
      const PartNumber = index + 1;
      const answer = await s3.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm }),
      );
      const { ETag, ChecksumCRC32, ChecksumSHA256 } = answer;
      Parts.push({
        PartNumber,
        ETag,
        ...(ChecksumCRC32 && { ChecksumCRC32 }),
        ...(ChecksumSHA256 && { ChecksumSHA256 }),
      });
    }
    const finish = (parts = Parts, more: object = {}) =>
      s3.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key,
          UploadId,
          MultipartUpload: { Parts: parts },
          ...more,
        }),
      );
    return { Key, Parts, finish };
  }

  test("COMPOSITE is the checksum of the parts' checksums", async () => {
    const { Key, finish } = await upload('SHA256', 'COMPOSITE');
    const sums = Buffer.concat(data.map((bytes) => createHash('sha256').update(bytes).digest()));
    const expected = { ChecksumSHA256: `${base64('sha256', sums)}-2`, ChecksumType: 'COMPOSITE' };
    expect(await finish()).toMatchObject(expected);
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))).toMatchObject(
      expected,
    );
  });

  test('FULL_OBJECT is the checksum of all bytes, which the SDK checks as it reads', async () => {
    const { Key, Parts, finish } = await upload('CRC32', 'FULL_OBJECT');
    const expected = { ChecksumCRC32: crc(whole), ChecksumType: 'FULL_OBJECT' };
    const bare = Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    expect(await finish(bare, { ChecksumCRC32: crc(whole), MpuObjectSize: whole.length })).toMatchObject(
      expected,
    );
    const read = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(read).toMatchObject(expected);
    expect(whole.equals((await read.Body?.transformToByteArray()) ?? Buffer.of())).toBe(true);
  });

  test.each([
    ['a wrong checksum of all bytes', {}, { ChecksumCRC32: crc(Buffer.from('other')) }, 'BadDigest'],
    ['a checksum of another algorithm', {}, { ChecksumSHA256: base64('sha256', whole) }, 'InvalidRequest'],
    ['another size', {}, { MpuObjectSize: 1 }, 'InvalidRequest'],
    ['a wrong checksum of a part', { ChecksumCRC32: crc(Buffer.from('other')) }, {}, 'InvalidPart'],
  ])('%s is refused', async (_, ofParts, more, code) => {
    const { Parts, finish } = await upload('CRC32', 'FULL_OBJECT');
    await expect(
      finish(
        Parts.map((one) => ({ ...one, ...ofParts })),
        more,
      ),
    ).rejects.toEqual(named(code));
  });

  test('COMPOSITE needs the checksum of every part', async () => {
    const { Parts, finish } = await upload('SHA256', 'COMPOSITE');
    const bare = Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await expect(finish(bare)).rejects.toEqual(named('InvalidRequest'));
  });

  test('checksums of parts complete nothing that was begun without', async () => {
    const Key = 'sums-unannounced';
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' } as const;
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
    const complete = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload });
    await expect(s3.send(complete)).rejects.toEqual(named('InvalidPart'));
  });

  test('what workers write in parts has their checksum', async () => {
    await new ObjectStore(s3, Bucket).putInParts('in-parts', { contentType: 'video/mp4' }, async (put) => {
      for (const [index, bytes] of data.entries()) await put(index + 1, bytes);
    });
    const { ChecksumCRC32, ContentLength } = await s3.send(
      new HeadObjectCommand({ Bucket, Key: 'in-parts', ChecksumMode: 'ENABLED' }),
    );
    expect(ContentLength).toBe(whole.length);
    expect(ChecksumCRC32).toMatch(/-2$/);
  });

  test.each([
    ['SHA256', 'FULL_OBJECT'],
    ['CRC64NVME', 'COMPOSITE'],
    ['MD5', 'FULL_OBJECT'],
  ] as const)('%s can not be %s', async (ChecksumAlgorithm, ChecksumType) => {
    const create = new CreateMultipartUploadCommand({ Bucket, Key: 'x', ChecksumAlgorithm, ChecksumType });
    await expect(s3.send(create)).rejects.toEqual(named('InvalidRequest'));
  });

  test('a part of another algorithm than the upload is refused', async () => {
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'x', ChecksumAlgorithm: 'SHA256' }),
    );
    const other = {
      Bucket,
      Key: 'x',
      UploadId,
      PartNumber: 1,
      Body: 'x',
      ChecksumAlgorithm: 'CRC32',
    } as const;
    await expect(s3.send(new UploadPartCommand(other))).rejects.toEqual(named('InvalidRequest'));
  });
});

test('what nobody completed is dropped with its parts when its days are over, and not before', async () => {
  const Key = 'uploads/forgotten';
  const uploads = async () => (await old.s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [];
  const files = () => readdir(join(old.folder, 'blobs'));
  let incompleteUploadDays = 1;
  const old = await openBench({
    get incompleteUploadDays() {
      return incompleteUploadDays;
    },
  });
  try {
    const { UploadId } = await old.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    await old.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }));
    await old.restart();
    expect(await uploads()).toHaveLength(1);
    incompleteUploadDays = 0;
    await old.restart();
    expect(await uploads()).toEqual([]);
    await eventually(async () => ((await files()).length === 0 ? true : undefined));
  } finally {
    await old.close();
  }
});
