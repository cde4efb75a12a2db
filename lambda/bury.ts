/** Lambda `bury`: dead letters of both queues, each handled for itself, with partial batch responses. */
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { aboutMessage } from '../jobs/about.ts';
import { IotAnnouncer } from '../jobs/announcer.ts';
import { buryMessage } from '../jobs/bury.ts';
import { buryEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { invocations } from '../jobs/invocation.ts';
import { withLogFields } from '../jobs/log.ts';
import { logMetrics } from '../jobs/metrics.ts';
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

export const handler = invocations('bury', environment.PLATFORM, async (event: SQSEvent) => {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { messageId, body } of event.Records)
    await withLogFields(aboutMessage(body), async () => {
      try {
        await buryMessage(graveyard, body);
      } catch (error) {
        logMetrics(
          'error',
          'dead-letter-failed',
          { messageId, body, error: String(error) },
          { DeadLetters: 1 },
        );
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    });
  await announcer.settled();
  return { batchItemFailures } satisfies SQSBatchResponse;
});
