/** Claims: whose source a video is. */

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { claimOf, claimSchema, claimVideo } from '../../jobs/claim.ts';
import type { CreatedObject } from '../../jobs/messages.ts';
import { indexKey, newVideoId, sourceKey, videoIdOf } from '../../jobs/names.ts';
import { recordPending } from '../../jobs/pending.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { s3Error } from '../support/s3-objects.ts';

const s3 = mockClient(S3Client);
const store = new ObjectStore(new S3Client({}), 'bucket');
const id = newVideoId();
const created = (key: string, etag = 'e1'): CreatedObject => ({
  bucket: 'bucket',
  key,
  size: 5,
  etag,
  time: '2026-01-02T03:04:05.000Z',
});

beforeEach(() => {
  s3.reset();
});

describe('a claim names', () => {
  test('the id of the upload, and no file name, for an upload that has an id', () => {
    expect(claimOf(created(sourceKey(id)))).toEqual({
      video: id,
      bucket: 'bucket',
      key: sourceKey(id),
      etag: 'e1',
      size: 5,
      uploadedAt: '2026-01-02T03:04:05.000Z',
    });
  });

  test.each([
    ['uploads/Köln & Bonn.mov', 'Köln & Bonn.mov'],
    ['uploads/2026/may/cat 🐈.mp4', 'cat 🐈.mp4'],
    ['uploads/notanid/source', 'source'],
  ])('a derived id and the last part of the key for a dropped %s', (key, fileName) => {
    expect(claimOf(created(key))).toMatchObject({ video: videoIdOf(created(key)), fileName });
  });
});

describe('claimVideo', () => {
  test('writes the claim where there is none', async () => {
    s3.on(PutObjectCommand).resolves({});
    expect(await claimVideo(store, created('uploads/a.mp4'))).toMatchObject({
      video: videoIdOf(created('uploads/a.mp4')),
      result: 'written',
    });
    const { Key, Body, IfNoneMatch } = s3.commandCalls(PutObjectCommand)[0]?.args[0].input ?? {};
    expect({ Key, IfNoneMatch }).toEqual({
      Key: `jobs/${videoIdOf(created('uploads/a.mp4'))}/claim.json`,
      IfNoneMatch: '*',
    });
    expect(claimSchema.parse(JSON.parse(String(Body)))).toEqual(claimOf(created('uploads/a.mp4')));
  });

  test.each([
    ['repeated', 'the same object', created(sourceKey(id))],
    [
      'repeated',
      'the same object in a later event',
      { ...created(sourceKey(id)), time: '2027-01-01T00:00:00Z' },
    ],
    ['taken', 'other content under the same key', created(sourceKey(id), 'e2')],
  ])('is %s by %s, and has the one place in the index', async (result, _, object) => {
    const objects: Objects = new Map();
    serveS3(s3, objects);
    await claimVideo(store, created(sourceKey(id)));
    expect(await claimVideo(store, object)).toMatchObject({ video: id, result });
    expect([...objects.keys()]).toEqual([
      `bucket/jobs/${id}/claim.json`,
      `bucket/${indexKey('2026-01-02T03:04:05.000Z', id)}`,
    ]);
  });

  test('takes over what the upload of its id said of itself, and nothing for a dropped file', async () => {
    serveS3(s3, new Map());
    const said = { fileName: 'a.mov', title: 'A', metadata: { album: 'x' }, settings: { audioKbps: 64 } };
    const pending = { ...said, type: 'video/mp4', size: 5, createdAt: '2026-01-02T03:04:00.000Z' };
    await recordPending(store, id, { ...pending, createdBy: 'anyone' });
    expect((await claimVideo(store, created(sourceKey(id)))).claim).toMatchObject(said);
    expect((await claimVideo(store, created(`uploads/${id}/other`))).claim).not.toHaveProperty('title');
  });

  test('throws where the claim that was there is gone, so that the event comes again', async () => {
    s3.on(PutObjectCommand).rejects(s3Error(412, 'PreconditionFailed'));
    s3.on(GetObjectCommand).rejects(s3Error(404, 'NoSuchKey'));
    await expect(claimVideo(store, created(sourceKey(id)))).rejects.toThrow(`jobs/${id}/claim.json`);
  });
});
