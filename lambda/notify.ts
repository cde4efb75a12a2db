/** Lambda `notify`: messages of the events queue, a batch a call, with partial batch responses. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { XRayClient } from '@aws-sdk/client-xray';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { Endpoints } from '../jobs/endpoints.ts';
import { notifyEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { invocations } from '../jobs/invocation.ts';
import { handleEventsMessage } from '../jobs/notify.ts';
import { ObjectStore } from '../jobs/store.ts';

const environment = parseEnvironment(notifyEnvironmentSchema, process.env);
const s3 = new S3Client({});
const uploads = new ObjectStore(s3, environment.UPLOAD_BUCKET);
const notifier = {
  stores: { uploads, production: new ObjectStore(s3, environment.PRODUCTION_BUCKET) },
  sqs: new SQSClient({}),
  eventBridge: new EventBridgeClient({}),
  xray: new XRayClient({}),
  endpoints: new Endpoints(uploads, new SSMClient({}), environment.PARAMETERS),
  eventsQueueUrl: environment.EVENTS_QUEUE_URL,
  platform: environment.PLATFORM,
  reach: environment.WEBHOOK_REACH,
  retrySeconds: environment.RETRY_SECONDS,
};

export const handler = invocations('notify', environment.PLATFORM, async (event: SQSEvent) => {
  const handled = event.Records.map(async ({ messageId, receiptHandle, body, attributes }) => {
    const receiveCount = Number(attributes.ApproximateReceiveCount);
    const message = { messageId, receiptHandle, receiveCount, body };
    return { itemIdentifier: messageId, done: await handleEventsMessage(notifier, message) };
  });
  const batchItemFailures = (await Promise.all(handled)).flatMap(({ itemIdentifier, done }) =>
    done ? [] : [{ itemIdentifier }],
  );
  return { batchItemFailures } satisfies SQSBatchResponse;
});
