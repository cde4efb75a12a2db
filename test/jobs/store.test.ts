/** Objects in S3: conditional writes, absent objects, paging. */

import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { z } from 'zod';
import { BusyObjectError, ObjectStore } from '../../jobs/store.ts';
import { jsonObject, s3Error } from '../support/s3-objects.ts';

const s3 = mockClient(S3Client);
const store = new ObjectStore(new S3Client({}), 'bucket');
const JSON_HEADERS = { contentType: 'application/json' };

const TAKEN = s3Error(412, 'PreconditionFailed');
const CONFLICT = s3Error(409, 'ConditionalRequestConflict');
const DENIED = s3Error(403, 'AccessDenied');

beforeEach(() => {
  s3.reset();
});

describe('putOnce', () => {
  test('asks S3 to write only where nothing is, and says that it wrote', async () => {
    s3.on(PutObjectCommand).resolves({});
    const headers = { contentType: 'video/mp4', cacheControl: 'immutable' };
    expect(await store.putOnce('k', 'body', headers)).toBe('written');
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: 'bucket',
      Key: 'k',
      Body: 'body',
      ContentType: 'video/mp4',
      CacheControl: 'immutable',
      ContentLength: 4,
      IfNoneMatch: '*',
    });
  });

  test('says that the object exists where the key is taken (412)', async () => {
    s3.on(PutObjectCommand).rejects(TAKEN);
    expect(await store.putOnce('k', 'body', JSON_HEADERS)).toBe('exists');
  });

  test.each([
    ['written', () => s3.on(PutObjectCommand).rejectsOnce(CONFLICT).rejectsOnce(CONFLICT).resolves({})],
    ['exists', () => s3.on(PutObjectCommand).rejectsOnce(CONFLICT).rejectsOnce(CONFLICT).rejects(TAKEN)],
  ])('tries again while another write is in flight (409), until it is %s', async (outcome, answers) => {
    answers();
    expect(await store.putOnce('k', 'body', JSON_HEADERS)).toBe(outcome);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(3);
  });

  test('gives up on a conflict that does not end, and says that a later try will do', async () => {
    s3.on(PutObjectCommand).rejects(CONFLICT);
    await expect(store.putOnce('k', 'body', JSON_HEADERS)).rejects.toThrow(BusyObjectError);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(6);
  });

  test('passes any other error through at once', async () => {
    s3.on(PutObjectCommand).rejects(DENIED);
    await expect(store.putOnce('k', 'body', JSON_HEADERS)).rejects.toBe(DENIED);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
  });

  test('JSON has its keys in the order given, and ends in one newline', async () => {
    s3.on(PutObjectCommand).resolves({});
    await store.putOnceJson('k', { b: 1, a: [2] });
    const { Body, ContentType, IfNoneMatch } = s3.commandCalls(PutObjectCommand)[0]?.args[0].input ?? {};
    expect({ Body, ContentType, IfNoneMatch }).toEqual({
      Body: '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n',
      ContentType: 'application/json',
      IfNoneMatch: '*',
    });
  });
});

describe('replace', () => {
  const conditions = () => {
    const { IfMatch, IfNoneMatch } = s3.commandCalls(PutObjectCommand)[0]?.args[0].input ?? {};
    return { IfMatch, IfNoneMatch };
  };

  test('writes where the object is as it was seen', async () => {
    s3.on(PutObjectCommand).resolves({});
    expect(await store.replace('k', 'body', JSON_HEADERS, '"e1"')).toBe('written');
    expect(conditions()).toEqual({ IfMatch: '"e1"' });
  });

  test('writes where there was none and is none', async () => {
    s3.on(PutObjectCommand).resolves({});
    expect(await store.replace('k', 'body', JSON_HEADERS, undefined)).toBe('written');
    expect(conditions()).toEqual({ IfNoneMatch: '*' });
  });

  test.each([
    ['is another one now', TAKEN],
    ['was deleted', s3Error(404, 'NoSuchKey')],
  ])('says so where the object %s', async (_, error) => {
    s3.on(PutObjectCommand).rejects(error);
    expect(await store.replace('k', 'body', JSON_HEADERS, '"e1"')).toBe('changed');
  });

  test('into a bucket that is not there is an error', async () => {
    s3.on(PutObjectCommand).rejects(s3Error(404, 'NoSuchBucket'));
    await expect(store.replace('k', 'body', JSON_HEADERS, '"e1"')).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
  });
});

describe('update', () => {
  test('asks anew, after it looked anew, where another wrote meanwhile', async () => {
    s3.on(GetObjectCommand)
      .resolvesOnce({ ...jsonObject('one'), ETag: '"e1"' })
      .resolvesOnce({ ...jsonObject('two'), ETag: '"e2"' });
    s3.on(PutObjectCommand).rejectsOnce(TAKEN).resolves({});
    const change = (present: string | undefined) => `not ${present}`;
    expect(await store.update('k', JSON_HEADERS, change)).toBe(true);
    const writes = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
    expect(writes).toMatchObject([
      { Body: 'not one', IfMatch: '"e1"' },
      { Body: 'not two', IfMatch: '"e2"' },
    ]);
  });

  test('makes an object where there is none, unless another is faster', async () => {
    s3.on(GetObjectCommand).rejects(s3Error(404, 'NoSuchKey'));
    s3.on(PutObjectCommand).resolves({});
    await store.update('k', JSON_HEADERS, (present) => `not ${present}`);
    const writes = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
    expect(writes).toMatchObject([{ Body: 'not undefined', IfNoneMatch: '*' }]);
  });

  test('leaves the object where there is nothing to change, and says so', async () => {
    s3.on(GetObjectCommand).resolves({ ...jsonObject('one'), ETag: '"e1"' });
    expect(await store.update('k', JSON_HEADERS, () => undefined)).toBe(false);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(0);
  });
});

describe('getJson', () => {
  const schema = z.object({ n: z.number() });

  test('gives the value of an object', async () => {
    s3.on(GetObjectCommand).resolves(jsonObject({ n: 1 }));
    expect(await store.getJson('k', schema)).toEqual({ n: 1 });
  });

  test('gives undefined where there is no object', async () => {
    s3.on(GetObjectCommand).rejects(s3Error(404, 'NoSuchKey'));
    expect(await store.getJson('k', schema)).toBeUndefined();
  });

  test.each([
    ['is denied', DENIED],
    ['finds no bucket', s3Error(404, 'NoSuchBucket')],
  ])('throws where it %s', async (_, error) => {
    s3.on(GetObjectCommand).rejects(error);
    await expect(store.getJson('k', schema)).rejects.toBe(error);
  });

  test.each([
    ['is no JSON', '{', 's3://bucket/a/k is not JSON'],
    ['does not fit', '{"n":"one"}', 's3://bucket/a/k does not hold what it should: n: '],
  ])('names the object where it %s', async (_, text, message) => {
    s3.on(GetObjectCommand).resolves(jsonObject(text));
    await expect(store.getJson('a/k', schema)).rejects.toThrow(message);
  });
});

describe('exists', () => {
  test.each([
    ['true where S3 answers', () => s3.on(HeadObjectCommand).resolves({}), true],
    ['false where S3 answers 404', () => s3.on(HeadObjectCommand).rejects(s3Error(404, 'NotFound')), false],
  ])('is %s', async (_, answer, expected) => {
    answer();
    expect(await store.exists('k')).toBe(expected);
  });

  test.each([
    ['denied: absence could not be told from denial', DENIED, 403],
    ['refused', s3Error(503, 'UnknownError'), 503],
  ])(
    'throws where it is %s, and names the object and the status, for S3 has no words',
    async (_, cause, status) => {
      s3.on(HeadObjectCommand).rejects(cause);
      await expect(store.exists('a/k')).rejects.toMatchObject({
        message: `S3 answered ${status} to HEAD s3://bucket/a/k`,
        cause,
      });
    },
  );

  test('throws what it is where S3 did not answer', async () => {
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:80');
    s3.on(HeadObjectCommand).rejects(cause);
    await expect(store.exists('k')).rejects.toBe(cause);
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('listings', () => {
  const lastModified = new Date(0);

  test('list goes over all pages, with ETags as events spell them', async () => {
    s3.on(ListObjectsV2Command, { Prefix: 'p/', ContinuationToken: undefined })
      .resolves({
        Contents: [{ Key: 'p/1', Size: 1, ETag: '"aa"', LastModified: lastModified }],
        IsTruncated: true,
        NextContinuationToken: 'more',
      })
      .on(ListObjectsV2Command, { Prefix: 'p/', ContinuationToken: 'more' })
      .resolves({ Contents: [{ Key: 'p/2', Size: 0, ETag: '"bb"', LastModified: lastModified }] });
    expect(await collect(store.list('p/'))).toEqual([
      { key: 'p/1', size: 1, etag: 'aa', lastModified },
      { key: 'p/2', size: 0, etag: 'bb', lastModified },
    ]);
  });

  test('an empty prefix lists nothing', async () => {
    s3.on(ListObjectsV2Command).resolves({});
    expect(await collect(store.list('p/'))).toEqual([]);
    expect(await collect(store.listPrefixes('p/'))).toEqual([]);
  });

  test('listPrefixes gives what lies directly below, over all pages', async () => {
    s3.on(ListObjectsV2Command, { Prefix: 'v/', Delimiter: '/', ContinuationToken: undefined })
      .resolves({ CommonPrefixes: [{ Prefix: 'v/a/' }], IsTruncated: true, NextContinuationToken: 'more' })
      .on(ListObjectsV2Command, { Prefix: 'v/', Delimiter: '/', ContinuationToken: 'more' })
      .resolves({ CommonPrefixes: [{ Prefix: 'v/b/' }] });
    expect(await collect(store.listPrefixes('v/'))).toEqual(['v/a/', 'v/b/']);
  });
});
