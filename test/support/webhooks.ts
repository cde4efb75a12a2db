/** Everything between an object and a receiver: local S3, SQS, SSM and EventBridge, and the function in processes of its own. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { Webhook } from 'standardwebhooks';
import { Endpoints } from '../../jobs/endpoints.ts';
import type { Event } from '../../jobs/events.ts';
import { jobKeys, newVideoId, type VideoId } from '../../jobs/names.ts';
import { PRODUCTION_NOTIFICATIONS, QUEUES, UPLOAD_NOTIFICATIONS } from '../../jobs/platform.ts';
import { startEventBus } from '../../local/event-bus.ts';
import { startEventSource } from '../../local/lambda/event-source.ts';
import { startXray } from '../../local/xray/xray.ts';
import { AWS, KEY, REGION, startAws } from './aws.ts';

const PARAMETERS = '/spotreel/test';

export type WebhookWorld = Awaited<ReturnType<typeof startWebhookWorld>>;

/** Starts it. @param retrySeconds as the function is told; short, for nobody waits a day here */
export async function startWebhookWorld(retrySeconds: readonly number[]) {
  const aws = await startAws(
    {
      uploads: { cors: [], notifications: UPLOAD_NOTIFICATIONS },
      production: { cors: [], notifications: PRODUCTION_NOTIFICATIONS },
    },
    [
      { name: 'events-dead-letters', settings: QUEUES.deadLetters },
      {
        name: 'events',
        settings: { ...QUEUES.events, maxReceiveCount: retrySeconds.length + 1 },
        deadLetterQueue: 'events-dead-letters',
      },
      { name: 'uploads', settings: QUEUES.uploads },
      { name: 'heard', settings: QUEUES.uploads },
    ],
  );
  const { dataDir, sqs, urls, stores, clients } = aws;
  const { uploads } = stores;
  const bus = await startEventBus({
    port: 0,
    region: REGION,
    send: (queue, event) => sqs.send(queue, event),
  });
  const xray = await startXray({ dataDir: join(dataDir, 'xray'), port: 0 });
  const source = await startEventSource({
    entry: join(import.meta.dirname, '../../lambda/notify.ts'),
    env: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
      AWS_ENDPOINT_URL_S3: urls.s3,
      AWS_ENDPOINT_URL_SQS: urls.sqs,
      AWS_ENDPOINT_URL_SSM: urls.ssm,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
      AWS_ENDPOINT_URL_XRAY: xray.url,
      UPLOAD_BUCKET: 'uploads',
      PRODUCTION_BUCKET: 'production',
      EVENTS_QUEUE_URL: sqs.queueUrl('events'),
      PLATFORM: 'test',
      PARAMETERS,
      WEBHOOK_REACH: 'loopback',
      RETRY_SECONDS: JSON.stringify(retrySeconds),
    },
    timeoutSeconds: 30,
    sqs: clients.sqs,
    queueUrl: sqs.queueUrl('events'),
    region: REGION,
    batch: { size: 10, windowSeconds: 0, maximumConcurrency: 2 },
    logFile: join(dataDir, 'notify.log'),
  });
  return {
    stores,
    sqs,
    client: clients.sqs,
    ssm: clients.ssm,
    eventBridge: new EventBridgeClient({ ...AWS, endpoint: bus.url }),
    endpoints: new Endpoints(uploads, clients.ssm, PARAMETERS),
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
      await bus.close();
      await xray.close();
      await aws.close();
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
