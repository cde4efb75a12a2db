/** AWS's services on loopback, without machines: S3 with the platform's two buckets, SQS and SSM, and their clients. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { ObjectStore } from '../../jobs/store.ts';
import { type S3Options, startS3 } from '../../local/s3/server.ts';
import { type SqsOptions, startSqs } from '../../local/sqs/sqs.ts';
import { startSsm } from '../../local/ssm/ssm.ts';

export const REGION = 'us-east-1';
export const KEY = { accessKeyId: 'owner', secretAccessKey: 'secret' };
/** What the clients of every service are made with, besides its endpoint. */
export const AWS = { region: REGION, credentials: KEY };

type Bucket = Omit<S3Options['buckets'][number], 'name'>;

/** Starts them. S3's events go to the queues that the buckets name. */
export async function startAws(
  buckets: { readonly uploads: Bucket; readonly production: Bucket },
  queues: SqsOptions['queues'],
) {
  const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-aws-'));
  const sqs = await startSqs({ dataDir: join(dataDir, 'sqs'), port: 0, region: REGION, queues });
  const s3Server = await startS3({
    dataDir: join(dataDir, 's3'),
    port: 0,
    region: REGION,
    incompleteUploadDays: 1,
    credentials: (id) => (id === KEY.accessKeyId ? KEY : undefined),
    buckets: [
      { name: 'uploads', ...buckets.uploads },
      { name: 'production', ...buckets.production },
    ],
    notify: (queue, event) => sqs.send(queue, event),
  });
  const ssm = await startSsm({ dataDir: join(dataDir, 'ssm'), port: 0, region: REGION });
  const s3 = new S3Client({
    ...AWS,
    endpoint: s3Server.url,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  return {
    dataDir,
    sqs,
    urls: { s3: s3Server.url, sqs: sqs.url, ssm: ssm.url },
    s3,
    stores: { uploads: new ObjectStore(s3, 'uploads'), production: new ObjectStore(s3, 'production') },
    clients: {
      sqs: new SQSClient({ ...AWS, endpoint: sqs.url }),
      ssm: new SSMClient({ ...AWS, endpoint: ssm.url }),
    },
    async close(): Promise<void> {
      await Promise.all([ssm.close(), s3Server.close()]);
      await sqs.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
