/** The two queues of the platform, each with its dead letters. */
import { Duration } from 'aws-cdk-lib';
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

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.uploads = this.#queue('Uploads', QUEUES.uploads);
    this.tasks = this.#queue('Tasks', QUEUES.tasks);
  }

  #queue(id: string, settings: QueueSettings): sqs.Queue {
    const deadLetters = new sqs.Queue(this, `${id}DeadLetters`, propsOf(QUEUES.deadLetters));
    return new sqs.Queue(this, id, {
      ...propsOf(settings),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: settings.maxReceiveCount },
    });
  }
}
