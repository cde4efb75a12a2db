/** Lambda `bury` on the dead letters of both queues: ends videos whose work was lost again and again. */
import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { buryEnvironmentSchema } from '../jobs/environment.ts';
import { ATTEMPTS_PATTERN, OPEN_PREFIX, UNTOLD_PREFIX, VIDEOS_PREFIX } from '../jobs/names.ts';
import { BURY_BATCH, BURY_TIMEOUT_SECONDS } from '../jobs/platform.ts';
import { mayList, mayUse, type Permission } from './allow.ts';
import { claimingOf } from './claiming.ts';
import { PlatformFunction } from './function.ts';
import { mayPublishLive } from './live.ts';
import { batchesOf, type Queues } from './queues.ts';
import type { Storage } from './storage.ts';

export interface BuryProps {
  readonly storage: Storage;
  readonly queues: Queues;
  /** Names this deployment. */
  readonly platform: string;
  /** What the topics of the platform's messages begin with. */
  readonly liveTopics: string;
  readonly encodeSettings: Readonly<Record<string, unknown>>;
}

export class Bury extends Construct {
  constructor(scope: Construct, id: string, props: BuryProps) {
    super(scope, id);
    const { platform, storage, queues, encodeSettings } = props;
    const environment: Record<keyof z.input<typeof buryEnvironmentSchema>, string> = {
      PLATFORM: platform,
      UPLOAD_BUCKET: storage.uploads.bucketName,
      PRODUCTION_BUCKET: storage.production.bucketName,
      TASKS_QUEUE_URL: queues.tasks.queueUrl,
      ENCODE_SETTINGS: JSON.stringify(encodeSettings),
      LIVE_TOPICS: props.liveTopics,
    };
    const { handler } = new PlatformFunction(this, 'Function', {
      description: 'Spotreel: from dead letters to another try, or to a video that failed with a reason',
      entry: 'bury.ts',
      timeoutSeconds: BURY_TIMEOUT_SECONDS,
      environment,
      permissions: [...permissionsOf(props), mayPublishLive(Stack.of(this), props.liveTopics)],
    });
    for (const queue of [queues.tasksDeadLetters, queues.uploadsDeadLetters])
      handler.addEventSource(batchesOf(queue, BURY_BATCH));
  }
}

function permissionsOf({ storage, queues }: BuryProps): Permission[] {
  const { uploads, production } = storage;
  return [
    ...claimingOf(storage),
    {
      actions: ['s3:DeleteObject'],
      resources: [uploads.arnForObjects(ATTEMPTS_PATTERN)],
      why: 'Attempts of any video, and nothing else.',
    },
    mayUse(uploads, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], OPEN_PREFIX),
    mayList(uploads, OPEN_PREFIX),
    mayUse(uploads, ['s3:PutObject'], UNTOLD_PREFIX),
    mayUse(production, ['s3:GetObject'], VIDEOS_PREFIX),
    mayList(production, VIDEOS_PREFIX),
    { actions: ['sqs:SendMessage'], resources: [queues.tasks.queueArn] },
  ];
}
