/** Lambda `dispatch` on the uploads queue: claims videos, queues their plan, asks EC2 Fleet for machines. */
import { Duration, Stack } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { OPEN_PREFIX, UNTOLD_PREFIX } from '../jobs/names.ts';
import { DISPATCH_BATCH } from '../jobs/platform.ts';
import type { Permission } from './allow.ts';
import { claimingOf } from './claiming.ts';
import { Launcher, type LauncherProps } from './launcher.ts';
import { mayPublishLive } from './live.ts';

export class Dispatch extends Construct {
  constructor(scope: Construct, id: string, props: LauncherProps) {
    super(scope, id);
    const code = {
      description: 'Spotreel: from new objects to claims, plan tasks and machines',
      entry: 'dispatch.ts',
      permissions: [...permissionsOf(props), mayPublishLive(Stack.of(this), props.liveTopics)],
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

function permissionsOf({ storage, queues }: LauncherProps): Permission[] {
  return [
    ...claimingOf(storage),
    {
      actions: ['s3:PutObject'],
      resources: [OPEN_PREFIX, UNTOLD_PREFIX].map((prefix) => storage.uploads.arnForObjects(`${prefix}*`)),
      why: 'Keys are made at run time; the prefix holds nothing else.',
    },
    { actions: ['sqs:SendMessage'], resources: [queues.tasks.queueArn] },
  ];
}
