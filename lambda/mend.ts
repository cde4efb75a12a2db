/** Lambda `mend`, on a schedule: what stalled goes on or ends, and machines that should be gone are terminated. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { IotAnnouncer } from '../jobs/announcer.ts';
import { mendDeletions } from '../jobs/deletion.ts';
import { mendEnvironmentSchema, parseEnvironment, spendingSettingsOf } from '../jobs/environment.ts';
import { mendHistory } from '../jobs/history.ts';
import { invocations } from '../jobs/invocation.ts';
import { KeyValueStore, keyValueStoreClient } from '../jobs/key-value-store.ts';
import { mendUnfinished } from '../jobs/mend.ts';
import { mendEvents } from '../jobs/mend-events.ts';
import { mendMachines } from '../jobs/mend-machines.ts';
import { mendRevisions } from '../jobs/old-revisions.ts';
import { MEND_TIMEOUT_SECONDS } from '../jobs/platform.ts';
import { mendSpending } from '../jobs/spending.ts';
import { ObjectStore } from '../jobs/store.ts';
import { mendVisibility } from '../jobs/visibility.ts';

const environment = parseEnvironment(mendEnvironmentSchema, process.env);
const s3 = new S3Client({});
const stores = {
  uploads: new ObjectStore(s3, environment.UPLOAD_BUCKET),
  production: new ObjectStore(s3, environment.PRODUCTION_BUCKET),
};
const sqs = new SQSClient({});
const ec2 = new EC2Client({});
const edge = new KeyValueStore(keyValueStoreClient(), environment.KEY_VALUE_STORE);
const announcer = new IotAnnouncer(new IoTDataPlaneClient({}), environment.LIVE_TOPICS);

/** Milliseconds of a run that deletions, and beside them events, may take. */
const PART_MS = (MEND_TIMEOUT_SECONDS * 1000) / 2;

export const handler = invocations('mend', environment.PLATFORM, async (_: unknown) => {
  const { UPLOADS_QUEUE_URL, TASKS_QUEUE_URL, EVENTS_QUEUE_URL, PLATFORM, MAX_LIFETIME_SECONDS } =
    environment;
  const { DELETE_REVISIONS_AFTER_DAYS: revisionDays, DELETE_JOB_STATE_AFTER_DAYS: historyDays } = environment;
  const now = new Date();
  const deadline = now.getTime() + PART_MS;
  // First, for what waits for money must not be taken for stalled. Where that is not known, nothing waits.
  const [spending] = await Promise.allSettled([
    mendSpending({
      ec2,
      uploads: stores.uploads,
      platform: PLATFORM,
      spending: spendingSettingsOf(environment),
      now,
    }),
  ]);
  const heldBy = spending.status === 'fulfilled' ? spending.value : undefined;
  // Each whatever becomes of the other; the function fails where either did, so that its alarm tells.
  const results = await Promise.allSettled([
    mendUnfinished({
      stores,
      sqs,
      uploadsQueueUrl: UPLOADS_QUEUE_URL,
      tasksQueueUrl: TASKS_QUEUE_URL,
      now,
      announcer,
      held: heldBy !== undefined,
    }),
    mendDeletions(stores, now, deadline),
    mendVisibility(stores.uploads, edge, now, deadline),
    ...(revisionDays === undefined ? [] : [mendRevisions({ stores, keptDays: revisionDays, now, deadline })]),
    mendEvents({
      stores,
      sqs,
      eventsQueueUrl: EVENTS_QUEUE_URL,
      now,
      deadline,
      marksEnded: historyDays !== undefined,
    }),
    ...(historyDays === undefined
      ? []
      : [mendHistory({ uploads: stores.uploads, keptDays: historyDays, now, deadline })]),
    mendMachines({
      ec2,
      uploads: stores.uploads,
      platform: PLATFORM,
      maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
      now,
    }),
  ]);
  await announcer.settled();
  const reasons = [spending, ...results].flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  if (reasons.length > 0) throw new AggregateError(reasons, reasons.map(String).join('; '));
});
