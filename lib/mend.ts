/** Lambda `mend` on a schedule: videos that stalled, sources that no event told of, machines that should be gone. */
import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { type mendEnvironmentSchema, PLATFORM_TAG } from '../jobs/environment.ts';
import {
  DELETED_PREFIX,
  ENDED_PREFIX,
  JOBS_PREFIX,
  OLD_PREFIX,
  OPEN_PREFIX,
  UNSETTLED_PREFIX,
  UNTOLD_PREFIX,
  VIDEOS_PREFIX,
  WORKERS_PREFIX,
} from '../jobs/names.ts';
import { MEND_MINUTES, MEND_TIMEOUT_SECONDS } from '../jobs/platform.ts';
import { mayList, mayUse, type Permission } from './allow.ts';
import { deletionOf } from './deletion.ts';
import type { EdgeStore } from './edge-store.ts';
import { type Deployed, PlatformFunction } from './function.ts';
import type { Lifecycle } from './lifecycle.ts';
import { mayPublishLive } from './live.ts';
import type { Queues } from './queues.ts';
import { ledgerOf, type SpendingProps, spendingEnvironment } from './spending.ts';
import type { Storage } from './storage.ts';

export interface MendProps extends SpendingProps {
  /** The value of the machines' tag. */
  readonly platform: string;
  readonly storage: Storage;
  readonly queues: Queues;
  readonly edgeStore: EdgeStore;
  /** What the topics of the platform's messages begin with. */
  readonly liveTopics: string;
  readonly maxLifetime: Duration;
  readonly lifecycle: Lifecycle;
}

export class Mend extends Construct {
  constructor(scope: Construct, id: string, props: MendProps) {
    super(scope, id);
    const { platform, storage, queues, maxLifetime, liveTopics, edgeStore } = props;
    const { deleteRevisionsAfterDays, deleteJobStateAfterDays } = props.lifecycle;
    type Days = 'DELETE_REVISIONS_AFTER_DAYS' | 'DELETE_JOB_STATE_AFTER_DAYS';
    const environment: Omit<Deployed<typeof mendEnvironmentSchema>, Days> & { [name in Days]?: string } = {
      ...edgeStore.environment,
      UPLOAD_BUCKET: storage.uploads.bucketName,
      PRODUCTION_BUCKET: storage.production.bucketName,
      UPLOADS_QUEUE_URL: queues.uploads.queueUrl,
      TASKS_QUEUE_URL: queues.tasks.queueUrl,
      EVENTS_QUEUE_URL: queues.events.queueUrl,
      PLATFORM: platform,
      MAX_LIFETIME_SECONDS: String(maxLifetime.toSeconds()),
      LIVE_TOPICS: liveTopics,
      ...spendingEnvironment(props),
      ...(deleteRevisionsAfterDays !== undefined && {
        DELETE_REVISIONS_AFTER_DAYS: String(deleteRevisionsAfterDays),
      }),
      ...(deleteJobStateAfterDays !== undefined && {
        DELETE_JOB_STATE_AFTER_DAYS: String(deleteJobStateAfterDays),
      }),
    };
    const { handler } = new PlatformFunction(this, 'Function', {
      description: 'Spotreel: what stalled goes on or ends; machines that should be gone are terminated',
      entry: 'mend.ts',
      timeoutSeconds: MEND_TIMEOUT_SECONDS,
      environment,
      permissions: [
        ...permissionsOf(Stack.of(this), props),
        mayPublishLive(Stack.of(this), liveTopics),
        edgeStore.mayWrite,
      ],
    });
    handler.configureAsyncInvoke({ retryAttempts: 0 }); // the next run is the retry
    new events.Rule(this, 'Schedule', {
      schedule: events.Schedule.rate(Duration.minutes(MEND_MINUTES)),
      targets: [new LambdaFunction(handler, { retryAttempts: 0 })],
    });
  }
}

function permissionsOf(stack: Stack, { platform, storage, queues }: MendProps): Permission[] {
  const { uploads, production } = storage;
  return [
    mayUse(uploads, ['s3:GetObject', 's3:PutObject'], JOBS_PREFIX, OLD_PREFIX),
    mayUse(uploads, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], OPEN_PREFIX),
    mayUse(uploads, ['s3:PutObject'], UNTOLD_PREFIX),
    mayUse(uploads, ['s3:GetObject', 's3:DeleteObject'], WORKERS_PREFIX),
    mayUse(production, ['s3:GetObject'], VIDEOS_PREFIX),
    ...ledgerOf(storage),
    ...deletionOf({ uploads, production }),
    mayUse(uploads, ['s3:DeleteObject'], DELETED_PREFIX),
    mayUse(uploads, ['s3:PutObject', 's3:DeleteObject'], UNSETTLED_PREFIX, ENDED_PREFIX),
    // Listings, and 404 instead of 403 for what is not there.
    mayList(uploads, WORKERS_PREFIX, UNSETTLED_PREFIX, ENDED_PREFIX),
    { actions: ['sqs:SendMessage'], resources: [queues.uploads.queueArn, queues.events.queueArn] },
    {
      actions: ['sqs:GetQueueAttributes'],
      resources: [queues.uploads.queueArn, queues.tasks.queueArn],
    },
    {
      actions: ['ec2:DescribeInstances'],
      resources: ['*'],
      why: 'EC2 knows no narrower resource for it.',
    },
    {
      actions: ['ec2:TerminateInstances'],
      resources: [stack.formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' })],
      conditions: { StringEquals: { [`aws:ResourceTag/${PLATFORM_TAG}`]: platform } },
      why: 'Machines come and go; they must carry the tag of this platform.',
    },
  ];
}
