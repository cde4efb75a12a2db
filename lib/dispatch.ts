/** Lambda `dispatch` on the uploads queue: claims videos, queues their plan, asks EC2 Fleet for machines. */
import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { DELETED_PREFIX, INDEX_PREFIX, JOBS_PREFIX, OPEN_PREFIX, PENDING_PREFIX } from '../jobs/names.ts';
import { DISPATCH_BATCH } from '../jobs/platform.ts';
import { mayList, type Permission } from './allow.ts';
import { Launcher, type LauncherProps } from './launcher.ts';

export class Dispatch extends Construct {
  constructor(scope: Construct, id: string, props: LauncherProps) {
    super(scope, id);
    const code = {
      description: 'Spotreel: from new objects to claims, plan tasks and machines',
      entry: 'dispatch.ts',
      permissions: permissionsOf(props),
    };
    const { handler } = new Launcher(this, 'Launcher', code, props);
    handler.addEventSource(
      new SqsEventSource(props.queues.uploads, {
        batchSize: DISPATCH_BATCH.size,
        maxBatchingWindow: Duration.seconds(DISPATCH_BATCH.windowSeconds),
        maxConcurrency: DISPATCH_BATCH.maximumConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }
}

function permissionsOf({ storage: { uploads }, queues: { tasks } }: LauncherProps): Permission[] {
  return [
    {
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [uploads.arnForObjects(`${JOBS_PREFIX}*`)],
      why: 'Keys are made at run time; the prefix holds nothing else.',
    },
    {
      actions: ['s3:PutObject'],
      resources: [uploads.arnForObjects(`${OPEN_PREFIX}*`)],
      why: 'Keys are made at run time; the prefix holds nothing else.',
    },
    {
      actions: ['s3:GetObject', 's3:DeleteObject'],
      resources: [uploads.arnForObjects(`${DELETED_PREFIX}*`)],
      why: 'Keys are made at run time; the prefix holds nothing else.',
    },
    {
      actions: ['s3:GetObject'],
      resources: [uploads.arnForObjects(`${PENDING_PREFIX}*`)],
      why: 'Keys are made at run time; the prefix holds nothing else.',
    },
    {
      actions: ['s3:PutObject'],
      resources: [uploads.arnForObjects(`${INDEX_PREFIX}*`)],
      why: 'Keys are made at run time; the prefix holds nothing else.',
    },
    // For 404 instead of 403 where nothing is there yet.
    mayList(uploads, JOBS_PREFIX, PENDING_PREFIX, DELETED_PREFIX),
    { actions: ['sqs:SendMessage'], resources: [tasks.queueArn] },
  ];
}
