/** Objects, buckets, listings, CORS and events of the S3 emulator, by the AWS SDK. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { parseS3Event } from '../../jobs/messages.ts';
import { eventually } from './support/processes.ts';
import { BUCKET, codeOf, md5, openBench, REGION, signedFetcher } from './support/s3.ts';

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
const named = (name: string) => expect.objectContaining({ name });
const status = (code: number) =>
  expect.objectContaining({ $metadata: expect.objectContaining({ httpStatusCode: code }) });
const signedFetch = signedFetcher(bench.server.url);

describe('objects', () => {
  test('come back with bytes, ETag, content type, cache control and metadata', async () => {
    const { ETag } = await put('a/b.txt', 'hello', {
      ContentType: 'text/plain',
      CacheControl: 'max-age=5',
      Metadata: { maker: 'me' },
    });
    expect(ETag).toBe(`"${md5('hello')}"`);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a/b.txt' }));
    expect(head).toMatchObject({
      ContentLength: 5,
      ContentType: 'text/plain',
      CacheControl: 'max-age=5',
      Metadata: { maker: 'me' },
    });
    expect(await get('a/b.txt')).toBe('hello');
    expect(
      await s3.send(new GetObjectCommand({ Bucket, Key: 'a/b.txt', ResponseContentType: 'x/y' })),
    ).toMatchObject({ ContentType: 'x/y' });
  });

  test.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
  ])('range %s', async (Range, text, ContentRange) => {
    await put('digits', '0123456789');
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    expect(answer).toMatchObject({ ContentRange, $metadata: { httpStatusCode: 206 } });
    expect(await answer.Body?.transformToString()).toBe(text);
  });

  test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])(
    'range %s has nothing of ten bytes: 416',
    async (Range) => {
      await put('digits', '0123456789');
      await expect(get('digits', { Range })).rejects.toMatchObject({
        name: 'InvalidRange',
        $metadata: { httpStatusCode: 416 },
      });
    },
  );

  test.each(['bytes=5-3', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=-'])(
    'range %s means nothing to S3: all bytes',
    async (Range) => {
      await put('digits', '0123456789');
      expect(await get('digits', { Range })).toBe('0123456789');
    },
  );

  test('conditional reads', async () => {
    const { ETag } = await put('cond', 'x');
    await expect(get('cond', { IfMatch: '"nope"' })).rejects.toEqual(status(412));
    await expect(get('cond', { IfNoneMatch: ETag })).rejects.toEqual(status(304));
    await expect(get('cond', { IfModifiedSince: new Date(Date.now() + 60_000) })).rejects.toEqual(
      status(304),
    );
    await expect(get('cond', { IfUnmodifiedSince: new Date(0) })).rejects.toEqual(status(412));
    expect(await get('cond', { IfMatch: ETag })).toBe('x');
  });

  test('conditional writes: one of many wins, If-Match needs the present ETag', async () => {
    const Key = `once-${randomBytes(4).toString('hex')}`;
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => put(Key, `${index}`, { IfNoneMatch: '*' })),
    );
    expect(tries.filter(({ status: outcome }) => outcome === 'fulfilled')).toHaveLength(1);
    expect(tries.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.name] : []))).toEqual(
      Array(19).fill('PreconditionFailed'),
    );
    const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    await expect(put(Key, 'new', { IfMatch: '"other"' })).rejects.toEqual(named('PreconditionFailed'));
    await put(Key, 'new', { IfMatch: ETag });
    await expect(put('not-there', 'new', { IfMatch: ETag })).rejects.toEqual(status(404));
  });

  test('keys are any UTF-8 up to 1024 bytes, and never paths', async () => {
    for (const Key of [
      '../../etc/passwd',
      'a//b',
      '.',
      'Grüße + & 100% 🎬 "quoted".mp4',
      'x'.repeat(1024),
      'line\u00a0break',
    ]) {
      await put(Key, Key);
      expect(await get(Key)).toBe(Key);
    }
    await expect(put('x'.repeat(1025), 'x')).rejects.toEqual(named('KeyTooLongError'));
  });

  test('copy, delete, delete many', async () => {
    await put('from +ü', 'copied', { ContentType: 'video/mp4' });
    await s3.send(
      new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/${encodeURIComponent('from +ü')}` }),
    );
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).toMatchObject({
      ContentType: 'video/mp4',
      ETag: `"${md5('copied')}"`,
    });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'to' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'never-there' }));
    await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'from +ü' }, { Key: 'x' }] } }),
    );
    await expect(get('from +ü')).rejects.toEqual(named('NoSuchKey'));
  });

  test.each([
    [{}, 'video/mp4', { a: 'source' }],
    [{ MetadataDirective: 'REPLACE', ContentType: 'x/y', Metadata: { a: 'new' } }, 'x/y', { a: 'new' }],
  ] as const)('a copy %j has type %s and metadata %j', async (more, ContentType, Metadata) => {
    await put('from', 'x', { ContentType: 'video/mp4', Metadata: { a: 'source' } });
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from`, ...more }));
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).toMatchObject({
      ContentType,
      Metadata,
    });
  });

  test.each([
    [{ CopySourceIfMatch: '"other"' }, 412],
    [{ CopySourceIfNoneMatch: `"${md5('x')}"` }, 412],
    [{ IfNoneMatch: '*' }, 412],
    [{ CopySource: `${Bucket}/not-there` }, 404],
    [{ CopySource: `${Bucket}/from?versionId=1` }, 501],
  ])('a copy with %j is refused', async (more, code) => {
    await put('from', 'x');
    await put('to', 'old');
    const copy = new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from`, ...more });
    await expect(s3.send(copy)).rejects.toEqual(status(code));
    expect(await get('to')).toBe('old');
  });

  test('a delete may name the ETag that it means', async () => {
    await put('exact', 'x');
    await expect(
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'exact', IfMatch: '"other"' })),
    ).rejects.toEqual(status(412));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'exact', IfMatch: `"${md5('x')}"` }));
    await expect(get('exact')).rejects.toEqual(named('NoSuchKey'));
  });

  test('who reads an object reads it to its end, though it is replaced or deleted meanwhile', async () => {
    const old = randomBytes(8 * 1024 * 1024);
    await put('replaced', old);
    const first = await s3.send(new GetObjectCommand({ Bucket, Key: 'replaced' }));
    const second = await s3.send(new GetObjectCommand({ Bucket, Key: 'replaced', Range: 'bytes=-1000000' }));
    await put('replaced', 'new');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'replaced' }));
    expect(old.equals((await first.Body?.transformToByteArray()) ?? Buffer.of())).toBe(true);
    expect(old.subarray(-1_000_000).equals((await second.Body?.transformToByteArray()) ?? Buffer.of())).toBe(
      true,
    );
  });

  test.each([
    ['PUT', 'acl'],
    ['PUT', 'tagging'],
    ['GET', 'versionId=1'],
    ['GET', 'partNumber=1'],
  ])('%s of an object with ?%s is not taken for the object itself: 501', async (method, query) => {
    await put('plain', 'x');
    const url = await getSignedUrl(s3, new GetObjectTaggingCommand({ Bucket, Key: 'plain' }));
    expect((await fetch(url)).status).toBe(501);
    const signed = await signedFetch(method, `plain?${query}`);
    expect([signed.status, await get('plain')]).toEqual([501, 'x']);
  });
});

test.each([
  ['POST', '?delete=', '<Delete></Delete>', 400, 'MalformedXML'],
  ['POST', '?delete=', '<Delete>', 400, 'MalformedXML'],
  ['POST', '?delete=', '<Other/>', 400, 'MalformedXML'],
  [
    'POST',
    '?delete=',
    `<Delete>${'<Object><Key>a</Key></Object>'.repeat(1001)}</Delete>`,
    400,
    'MalformedXML',
  ],
  ['GET', '?list-type=2&max-keys=-1', undefined, 400, 'InvalidArgument'],
  ['GET', '?list-type=2&max-keys=few', undefined, 400, 'InvalidArgument'],
  ['GET', '?prefix=a', undefined, 501, 'NotImplemented'],
  ['GET', '%FF', undefined, 400, 'InvalidArgument'],
  ['PATCH', 'a', 'x', 501, 'NotImplemented'],
])('%s of %s with %s is refused: %i %s', async (method, target, body, code, name) => {
  const response = await signedFetch(method, target, body === undefined ? {} : { body });
  expect([response.status, await codeOf(response)]).toEqual([code, name]);
});

describe('buckets', () => {
  test('that are not there are said to be none', async () => {
    await s3.send(new HeadBucketCommand({ Bucket }));
    for (const command of [
      new ListObjectsV2Command({ Bucket: 'other' }),
      new PutObjectCommand({ Bucket: 'other', Key: 'x', Body: 'x' }),
      new CreateMultipartUploadCommand({ Bucket: 'other', Key: 'x' }),
    ]) {
      // The union of commands is more than the overloads of `send` can tell apart.
      await expect(s3.send(command as ListObjectsV2Command)).rejects.toEqual(named('NoSuchBucket'));
    }
  });

  test('can be made, listed and located', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'another' }));
    await s3.send(new CreateBucketCommand({ Bucket: 'another' })); // one's own, again: us-east-1 lets it pass
    const { Buckets = [] } = await s3.send(new ListBucketsCommand());
    expect(Buckets.map(({ Name }) => Name)).toEqual(['another', Bucket]);
    const location = await s3.send(new GetBucketLocationCommand({ Bucket: 'another' }));
    expect(location.LocationConstraint || undefined).toBeUndefined();
    await expect(s3.send(new CreateBucketCommand({ Bucket: 'No_Name' }))).rejects.toEqual(
      named('InvalidBucketName'),
    );
  });
});

describe('listings', () => {
  const keys = ['l/a', 'l/b/1', 'l/b/2', 'l/c', 'l/\u{1F3AC}', 'l/\uff5e', 'l/z z'];
  beforeAll(async () => {
    for (const key of keys) await put(key, 'x');
  });

  test('come in UTF-8 binary order, page by page', async () => {
    const seen: string[] = [];
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await s3.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: 'l/',
          MaxKeys: 2,
          ...(ContinuationToken && { ContinuationToken }),
        }),
      );
      seen.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      if (!page.IsTruncated) break;
      ContinuationToken = page.NextContinuationToken;
    }
    expect(seen).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  test.each([1, 2, 1000])('folders are grouped by the delimiter, %i a page', async (MaxKeys) => {
    const seen: string[] = [];
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await s3.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: 'l/',
          Delimiter: '/',
          MaxKeys,
          ...(ContinuationToken && { ContinuationToken }),
        }),
      );
      seen.push(
        ...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
        ...(page.Contents ?? []).map(({ Key = '' }) => Key),
      );
      if (!page.IsTruncated) break;
      ContinuationToken = page.NextContinuationToken;
    }
    expect(seen.toSorted()).toEqual(['l/b/', ...keys.filter((key) => !key.startsWith('l/b/'))].toSorted());
  });

  test('name a folder once, though it gets a new key between two pages', async () => {
    const list = (more: object) =>
      s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'l/', Delimiter: '/', MaxKeys: 2, ...more }));
    const { CommonPrefixes, NextContinuationToken } = await list({});
    expect(CommonPrefixes).toEqual([{ Prefix: 'l/b/' }]);
    await put('l/b/3', 'x');
    expect((await list({ ContinuationToken: NextContinuationToken })).CommonPrefixes).toBeUndefined();
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'l/b/3' }));
  });

  test('names of any character survive encoding-type=url, with and without a delimiter', async () => {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'l/', EncodingType: 'url' }));
    expect(page.Contents?.map(({ Key = '' }) => decodeURIComponent(Key)).toSorted()).toEqual(keys.toSorted());
    expect(page.Contents?.map(({ Key }) => Key)).toContain('l/z%20z');
  });

  test('may be of no entry at all', async () => {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'l/', MaxKeys: 0 }));
    expect(page).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  test('start after a key', async () => {
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'l/', StartAfter: 'l/b/1', MaxKeys: 1 }),
    );
    expect(Contents.map(({ Key }) => Key)).toEqual(['l/b/2']);
  });
});

describe('browsers', () => {
  const preflight = (method: string) =>
    fetch(`${bench.server.url}/${Bucket}/uploads/x`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      },
    });

  test('may PUT and read the ETag', async () => {
    const answer = await preflight('PUT');
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'uploads/x' }));
    const response = await fetch(url, {
      method: 'PUT',
      body: 'x',
      headers: { origin: 'https://example.com' },
    });
    expect(response.headers.get('access-control-expose-headers')).toContain('ETag');
  });

  test.each([
    ['https://app.example.com', 'x-amz-meta-a', 'https://app.example.com'],
    ['https://example.org', 'x-amz-meta-a', null],
    ['https://app.example.com', 'authorization', null],
  ])('of a rule for some: from %s with %s', async (origin, header, allowed) => {
    const rule = {
      allowedMethods: ['PUT'],
      allowedOrigins: ['https://*.example.com'],
      allowedHeaders: ['x-amz-*'],
      exposedHeaders: [],
      maxAgeSeconds: 1,
    } as const;
    const strict = await openBench({ buckets: [{ name: Bucket, cors: [rule], notifications: [] }] });
    const asks = { 'access-control-request-method': 'PUT', 'access-control-request-headers': header };
    const answer = await fetch(`${strict.server.url}/${Bucket}/x`, {
      method: 'OPTIONS',
      headers: { origin, ...asks },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe(allowed);
    await strict.close();
  });

  test('may not DELETE', async () => expect((await preflight('DELETE')).status).toBe(403));
});

describe('events', () => {
  test.each([
    ['uploads/x', 1],
    ['jobs/abc/plan.json', 1],
    ['jobs/abc/claim.json', 1],
    ['jobs/abc/edits.json', 0],
    ['elsewhere', 0],
  ])('%s: %i', async (key, count) => {
    await put(key, 'x');
    await put('uploads/last', 'x'); // events go out in the order of their objects
    await eventually(() => (events.some((event) => event.includes('uploads/last')) ? true : undefined));
    expect(events).toHaveLength(count + 1);
  });

  test('say what S3 says, with the key form-urlencoded', async () => {
    const Key = "uploads/Grüße + & (1) ~'100%' 🎬.mp4";
    await put(Key, 'x');
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'uploads/copy',
        CopySource: `${Bucket}/${encodeURIComponent(Key)}`,
      }),
    );
    await eventually(() => (events.length === 2 ? true : undefined));
    const [created, copied] = events.map((event) => JSON.parse(event).Records[0]);
    expect(created).toMatchObject({
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: REGION,
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      eventName: 'ObjectCreated:Put',
      s3: {
        bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` },
        object: {
          key: 'uploads/Gr%C3%BC%C3%9Fe+%2B+%26+%281%29+%7E%27100%25%27+%F0%9F%8E%AC.mp4',
          size: 1,
          eTag: md5('x'),
          sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
        },
      },
    });
    expect(parseS3Event(JSON.parse(events[0] ?? ''))).toEqual([expect.objectContaining({ key: Key })]);
    expect(copied.eventName).toBe('ObjectCreated:Copy');
    expect(copied.s3.object.sequencer > created.s3.object.sequencer).toBe(true);
  });

  test('are sent again until their queue takes them', async () => {
    let refusals = 1;
    const taken: string[] = [];
    const impatient = await openBench({
      async notify(_, event) {
        if (refusals-- > 0) throw new Error('not now');
        taken.push(event);
      },
    });
    const said = jest.spyOn(console, 'error').mockImplementation(() => {});
    await impatient.s3.send(new PutObjectCommand({ Bucket, Key: 'uploads/x', Body: 'x' }));
    await eventually(() => (taken.length === 1 ? true : undefined));
    expect(said).toHaveBeenCalledWith(expect.stringContaining('not now'));
    said.mockRestore();
    await impatient.close();
  });
});

test('ends at once, whatever its clients are reading then', async () => {
  const own = await openBench();
  const Key = 'read';
  await own.s3.send(new PutObjectCommand({ Bucket, Key, Body: randomBytes(4 * 1024 * 1024) }));
  // The moments between a connection's end and its `close` event are rare: one in a few of these rounds hits one.
  for (let round = 0; round < 25; round++) {
    const { s3: client } = own;
    const reads = Array.from({ length: 6 }, async () => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      await Body?.transformToByteArray();
    });
    const settled = Promise.allSettled(reads);
    await sleep(Math.random() * 40);
    await own.restart(); // the test's own time limit ends one that waits for ever
    await settled;
  }
  await own.close();
});
