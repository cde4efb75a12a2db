/** Lambda `notify` on the events queue: tells EventBridge and webhooks what happens to videos. */
import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { notifyEnvironmentSchema } from '../jobs/environment.ts';
import {
  DELETED_PREFIX,
  EVENTS_PATTERN,
  JOBS_PREFIX,
  VIDEOS_PREFIX,
  WEBHOOKS_PREFIX,
} from '../jobs/names.ts';
import { NOTIFY_BATCH, NOTIFY_TIMEOUT_SECONDS, WEBHOOK_RETRY_SECONDS } from '../jobs/platform.ts';
import { mayList, mayUse, type Permission, parameterArn } from './allow.ts';
import { PlatformFunction } from './function.ts';
import { batchesOf, type Queues } from './queues.ts';
import type { Storage } from './storage.ts';

export interface NotifyProps {
  /** Names this deployment in events. */
  readonly platform: string;
  readonly storage: Storage;
  readonly queues: Queues;
  /** Where endpoints' secrets are kept in SSM's Parameter Store. */
  readonly parameters: string;
}

export class Notify extends Construct {
  constructor(scope: Construct, id: string, props: NotifyProps) {
    super(scope, id);
    const { platform, storage, queues, parameters } = props;
    const environment: Record<keyof z.input<typeof notifyEnvironmentSchema>, string> = {
      UPLOAD_BUCKET: storage.uploads.bucketName,
      PRODUCTION_BUCKET: storage.production.bucketName,
      EVENTS_QUEUE_URL: queues.events.queueUrl,
      PLATFORM: platform,
      PARAMETERS: parameters,
      WEBHOOK_REACH: 'public',
      RETRY_SECONDS: JSON.stringify(WEBHOOK_RETRY_SECONDS),
    };
    const { handler } = new PlatformFunction(this, 'Function', {
      description: 'Spotreel: webhooks, EventBridge and X-Ray hear what happens to videos',
      entry: 'notify.ts',
      timeoutSeconds: NOTIFY_TIMEOUT_SECONDS,
      environment,
      permissions: permissionsOf(Stack.of(this), props),
    });
    handler.addEventSource(batchesOf(queues.events, NOTIFY_BATCH));
  }
}

function permissionsOf(
  stack: Stack,
  { storage: { uploads, production }, queues, parameters }: NotifyProps,
): Permission[] {
  return [
    mayUse(uploads, ['s3:GetObject'], JOBS_PREFIX, DELETED_PREFIX),
    {
      actions: ['s3:PutObject'],
      resources: [uploads.arnForObjects(EVENTS_PATTERN)],
      why: 'Events of any video, and nothing else.',
    },
    mayUse(uploads, ['s3:GetObject', 's3:PutObject'], WEBHOOKS_PREFIX),
    mayUse(production, ['s3:GetObject'], VIDEOS_PREFIX),
    // Listings, and 404 instead of 403 for what is not there.
    mayList(uploads, JOBS_PREFIX, DELETED_PREFIX, WEBHOOKS_PREFIX),
    mayList(production, VIDEOS_PREFIX),
    { actions: ['sqs:SendMessage'], resources: [queues.events.queueArn] },
    {
      actions: ['ssm:GetParameter'],
      resources: [parameterArn(stack, `${parameters}/webhooks/*`)],
      why: 'Secrets are named by their endpoints; the path holds nothing else.',
    },
    {
      actions: ['events:PutEvents'],
      resources: [stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' })],
    },
    {
      actions: ['xray:PutTraceSegments'],
      resources: ['*'],
      why: 'The action knows no resources.',
    },
  ];
}
