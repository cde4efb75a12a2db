/** Lambda `bury`: dead letters of both queues, each handled for itself, with partial batch responses. */
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { IotAnnouncer } from '../jobs/announcer.ts';
import { buryMessage } from '../jobs/bury.ts';
import { buryEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { log } from '../jobs/log.ts';
import { ObjectStore } from '../jobs/store.ts';

const environment = parseEnvironment(buryEnvironmentSchema, process.env);
const s3 = new S3Client({});
const announcer = new IotAnnouncer(new IoTDataPlaneClient({}), environment.LIVE_TOPICS);
const graveyard = {
  uploads: new ObjectStore(s3, environment.UPLOAD_BUCKET),
  production: new ObjectStore(s3, environment.PRODUCTION_BUCKET),
  sqs: new SQSClient({}),
  tasksQueueUrl: environment.TASKS_QUEUE_URL,
  settings: environment.ENCODE_SETTINGS,
  announcer,
};

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { messageId, body } of event.Records) {
    try {
      await buryMessage(graveyard, body);
    } catch (error) {
      log('error', 'dead-letter-failed', { messageId, body, error: String(error) });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  await announcer.settled();
  return { batchItemFailures };
}
