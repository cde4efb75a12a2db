/** Everything between an object and a receiver: local S3, SQS, SSM and EventBridge, and the function in processes of its own. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { Webhook } from 'standardwebhooks';
import { Endpoints } from '../../jobs/endpoints.ts';
import type { Event } from '../../jobs/events.ts';
import { jobKeys, newVideoId, type VideoId } from '../../jobs/names.ts';
import { PRODUCTION_NOTIFICATIONS, QUEUES, UPLOAD_NOTIFICATIONS } from '../../jobs/platform.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { startEventBus } from '../../local/event-bus.ts';
import { startEventSource } from '../../local/lambda/event-source.ts';
import { startS3 } from '../../local/s3/server.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import { startSsm } from '../../local/ssm/ssm.ts';

const REGION = 'us-east-1';
const KEY = { accessKeyId: 'owner', secretAccessKey: 'secret' };
const PARAMETERS = '/spotreel/test';

export type WebhookWorld = Awaited<ReturnType<typeof startWebhookWorld>>;

/** Starts it. @param retrySeconds as the function is told; short, for nobody waits a day here */
export async function startWebhookWorld(retrySeconds: readonly number[]) {
  const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-webhooks-'));
  const sqs = await startSqs({
    dataDir: join(dataDir, 'sqs'),
    port: 0,
    region: REGION,
    queues: [
      { name: 'events-dead-letters', settings: QUEUES.deadLetters },
      {
        name: 'events',
        settings: { ...QUEUES.events, maxReceiveCount: retrySeconds.length + 1 },
        deadLetterQueue: 'events-dead-letters',
      },
      { name: 'uploads', settings: QUEUES.uploads },
      { name: 'heard', settings: QUEUES.uploads },
    ],
  });
  const s3Server = await startS3({
    dataDir: join(dataDir, 's3'),
    port: 0,
    region: REGION,
    incompleteUploadDays: 1,
    credentials: (id) => (id === KEY.accessKeyId ? KEY : undefined),
    buckets: [
      { name: 'uploads', cors: [], notifications: UPLOAD_NOTIFICATIONS },
      { name: 'production', cors: [], notifications: PRODUCTION_NOTIFICATIONS },
    ],
    notify: (queue, event) => sqs.send(queue, event),
  });
  const ssm = await startSsm({ dataDir: join(dataDir, 'ssm'), port: 0 });
  const bus = await startEventBus({
    port: 0,
    region: REGION,
    send: (queue, event) => sqs.send(queue, event),
  });
  const aws = { region: REGION, credentials: KEY };
  const client = new SQSClient({ ...aws, endpoint: sqs.url });
  const s3 = new S3Client({ ...aws, endpoint: s3Server.url, forcePathStyle: true });
  const uploads = new ObjectStore(s3, 'uploads');
  const stores = { uploads, production: new ObjectStore(s3, 'production') };
  const source = await startEventSource({
    entry: join(import.meta.dirname, '../../lambda/notify.ts'),
    env: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
      AWS_ENDPOINT_URL_S3: s3Server.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_SSM: ssm.url,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
      UPLOAD_BUCKET: 'uploads',
      PRODUCTION_BUCKET: 'production',
      EVENTS_QUEUE_URL: sqs.queueUrl('events'),
      PLATFORM: 'test',
      PARAMETERS,
      WEBHOOK_REACH: 'loopback',
      RETRY_SECONDS: JSON.stringify(retrySeconds),
    },
    timeoutSeconds: 30,
    sqs: client,
    queueUrl: sqs.queueUrl('events'),
    region: REGION,
    batch: { size: 10, windowSeconds: 0, maximumConcurrency: 2 },
    logFile: join(dataDir, 'notify.log'),
  });
  return {
    stores,
    sqs,
    client,
    ssm: new SSMClient({ ...aws, endpoint: ssm.url }),
    eventBridge: new EventBridgeClient({ ...aws, endpoint: bus.url }),
    endpoints: new Endpoints(uploads, new SSMClient({ ...aws, endpoint: ssm.url }), PARAMETERS),
    /** Claims a video, which is an event. */
    async upload(): Promise<VideoId> {
      const video = newVideoId();
      await uploads.putOnceJson(jobKeys.claim(video), {
        ...{ video, bucket: 'uploads', key: `uploads/${video}/source`, etag: 'e', size: 5 },
        uploadedAt: new Date().toISOString(),
      });
      return video;
    },
    async close(): Promise<void> {
      await source.close();
      await Promise.all([bus.close(), ssm.close()]);
      await s3Server.close();
      await sqs.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** A request as a receiver had it. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Somebody's server. @param answer the status of each answer, by the number of the request from 0 on */
export async function startReceiver(answer: (count: number) => number = () => 204) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(answer(received.length - 1), { location: '/elsewhere' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no address');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The event of a request, as the spec's own library takes it. Throws where the signature is not the secret's. */
export function verified({ headers, body }: Received, secret: string): Event {
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return new Webhook(secret).verify(body, flat) as Event; // the library gives what the body holds
}
