/** Lambda `dispatch`: messages of the uploads queue, a batch a call, with partial batch responses. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { aboutMessage } from '../jobs/about.ts';
import { IotAnnouncer } from '../jobs/announcer.ts';
import { dispatchMessages } from '../jobs/dispatch.ts';
import { Capacity, capacitySettingsOf } from '../jobs/ensure-capacity.ts';
import { dispatchEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { invocations } from '../jobs/invocation.ts';
import { logMetrics } from '../jobs/metrics.ts';
import { ObjectStore } from '../jobs/store.ts';

const environment = parseEnvironment(dispatchEnvironmentSchema, process.env);
const uploads = new ObjectStore(new S3Client({}), environment.UPLOAD_BUCKET);
const sqs = new SQSClient({});
const ec2 = new EC2Client({});
const announcer = new IotAnnouncer(new IoTDataPlaneClient({}), environment.LIVE_TOPICS);

export const handler = invocations('dispatch', environment.PLATFORM, async (event: SQSEvent) => {
  const capacity = new Capacity(ec2, uploads, capacitySettingsOf(environment));
  const { TASKS_QUEUE_URL: tasksQueueUrl, ENCODE_SETTINGS: settings } = environment;
  const dispatcher = { uploads, sqs, tasksQueueUrl, capacity, settings, announcer };
  const messages = event.Records.map(({ messageId, body, attributes }) => {
    return { messageId, body, receiveCount: Number(attributes.ApproximateReceiveCount) };
  });
  const failed = await dispatchMessages(dispatcher, messages);
  await announcer.settled();
  for (const { message, error } of failed) {
    const { messageId, receiveCount, body } = message;
    const fields = { ...aboutMessage(body), messageId, receiveCount, error: String(error) };
    // The call succeeds, and SQS counts no age of what was received three times.
    logMetrics('error', 'message-failed', fields, { FunctionErrors: 1 });
  }
  const batchItemFailures = failed.map(({ message }) => ({ itemIdentifier: message.messageId }));
  return { batchItemFailures } satisfies SQSBatchResponse;
});
