/** The queues of the platform, and the dead letters of each. */
import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { QUEUES, type QueueSettings } from '../jobs/platform.ts';

const propsOf = (settings: QueueSettings): sqs.QueueProps => ({
  visibilityTimeout: Duration.seconds(settings.visibilityTimeoutSeconds),
  retentionPeriod: Duration.seconds(settings.retentionSeconds),
  receiveMessageWaitTime: Duration.seconds(settings.receiveWaitSeconds),
  encryption: sqs.QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
});

export class Queues extends Construct {
  /** S3 events, read by dispatch. */
  readonly uploads: sqs.Queue;
  /** Tasks, read by workers. */
  readonly tasks: sqs.Queue;
  /** What happens to videos, read by notify. */
  readonly events: sqs.Queue;
  /** What dispatch could not handle and what workers lost, read by bury. */
  readonly uploadsDeadLetters: sqs.Queue;
  readonly tasksDeadLetters: sqs.Queue;
  /** What notify could not handle for a day. Once it can, SQS moves them back when told to (docs/webhooks.md). */
  readonly eventsDeadLetters: sqs.Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.uploadsDeadLetters = new sqs.Queue(this, 'UploadsDeadLetters', propsOf(QUEUES.deadLetters));
    this.tasksDeadLetters = new sqs.Queue(this, 'TasksDeadLetters', propsOf(QUEUES.deadLetters));
    this.eventsDeadLetters = new sqs.Queue(this, 'EventsDeadLetters', propsOf(QUEUES.deadLetters));
    this.uploads = this.#queue('Uploads', QUEUES.uploads, this.uploadsDeadLetters);
    this.tasks = this.#queue('Tasks', QUEUES.tasks, this.tasksDeadLetters);
    this.events = this.#queue('Events', QUEUES.events, this.eventsDeadLetters);
  }

  #queue(id: string, settings: QueueSettings, deadLetters: sqs.Queue): sqs.Queue {
    return new sqs.Queue(this, id, {
      ...propsOf(settings),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: settings.maxReceiveCount },
    });
  }
}

/** A queue as a function reads it: so many messages a call, of which single ones may fail. */
export const batchesOf = (
  queue: sqs.IQueue,
  batch: { readonly size: number; readonly windowSeconds: number; readonly maximumConcurrency: number },
): SqsEventSource =>
  new SqsEventSource(queue, {
    batchSize: batch.size,
    maxBatchingWindow: Duration.seconds(batch.windowSeconds),
    maxConcurrency: batch.maximumConcurrency,
    reportBatchItemFailures: true,
  });
