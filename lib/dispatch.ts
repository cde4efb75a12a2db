/** Lambda `dispatch` on the uploads queue: claims videos, queues their plan, asks EC2 Fleet for machines. */
import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { FAILED_PATTERN, OLD_PREFIX, OPEN_PREFIX, UNTOLD_PREFIX } from '../jobs/names.ts';
import { DISPATCH_BATCH } from '../jobs/platform.ts';
import { mayUse, type Permission } from './allow.ts';
import { claimingOf } from './claiming.ts';
import { Launcher, type LauncherProps } from './launcher.ts';
import { mayPublishLive } from './live.ts';
import { batchesOf } from './queues.ts';

export class Dispatch extends Construct {
  constructor(scope: Construct, id: string, props: LauncherProps) {
    super(scope, id);
    const code = {
      description: 'Spotreel: from new objects to claims, plan tasks and machines',
      entry: 'dispatch.ts',
      permissions: [...permissionsOf(props), mayPublishLive(Stack.of(this), props.liveTopics)],
    };
    const { handler } = new Launcher(this, 'Launcher', code, props);
    handler.addEventSource(batchesOf(props.queues.uploads, DISPATCH_BATCH));
  }
}

function permissionsOf({ storage, queues }: LauncherProps): Permission[] {
  return [
    ...claimingOf(storage),
    mayUse(storage.uploads, ['s3:PutObject'], UNTOLD_PREFIX, OLD_PREFIX),
    mayUse(storage.uploads, ['s3:PutObject', 's3:DeleteObject'], OPEN_PREFIX),
    {
      actions: ['s3:DeleteObject'],
      resources: [storage.uploads.arnForObjects(FAILED_PATTERN)],
      why: 'The failure of any encode, which goes on again, and nothing else.',
    },
    { actions: ['sqs:SendMessage'], resources: [queues.tasks.queueArn] },
  ];
}
