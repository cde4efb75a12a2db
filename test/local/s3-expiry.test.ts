/** Lifecycle rules of the S3 emulator. */
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { BUCKET, openBench } from './support/s3.ts';

const Bucket = BUCKET;

test('objects expire when the days of their prefix are over, and no others', async () => {
  let days = 1;
  const expiries = [
    {
      prefix: 'pending/',
      get days() {
        return days;
      },
    },
  ];
  const bench = await openBench({ buckets: [{ name: BUCKET, cors: [], notifications: [], expiries }] });
  const keys = async () => {
    const { Contents = [] } = await bench.s3.send(new ListObjectsV2Command({ Bucket }));
    return Contents.map(({ Key }) => Key);
  };
  try {
    for (const Key of ['other/pending/a', 'pending', 'pending/a', 'pending/b'])
      await bench.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    await bench.restart();
    expect(await keys()).toEqual(['other/pending/a', 'pending', 'pending/a', 'pending/b']);
    days = 0;
    await bench.restart();
    expect(await keys()).toEqual(['other/pending/a', 'pending']);
  } finally {
    await bench.close();
  }
});
