/** The upload bucket, which announces what arrives, and the production bucket, which only CloudFront reads. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  type CorsRule,
  INCOMPLETE_UPLOAD_DAYS,
  type Notification,
  PLAYBACK_CORS,
  PRODUCTION_NOTIFICATIONS,
  UPLOAD_CORS,
  UPLOAD_NOTIFICATIONS,
} from '../jobs/platform.ts';
import { type Lifecycle, uploadRules } from './lifecycle.ts';
import type { Queues } from './queues.ts';

/** What all our buckets are. */
export const PRIVATE_BUCKET = {
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
  encryption: s3.BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(INCOMPLETE_UPLOAD_DAYS) }],
} as const satisfies s3.BucketProps;

export const NO_ACCESS_LOGS = {
  id: 'AwsSolutions-S1',
  reason:
    'Access logs would be one more bucket, which grows and bills while idle; CloudTrail can tell the same.',
};

export interface StorageProps {
  /** Hear of new objects. */
  readonly queues: Pick<Queues, Notification['queue']>;
  /** What becomes of the buckets with the stack; DESTROY deletes what is in them, too. */
  readonly removalPolicy: RemovalPolicy;
  readonly lifecycle: Lifecycle;
}

export class Storage extends Construct {
  readonly uploads: s3.IBucket;
  readonly production: s3.IBucket;

  constructor(scope: Construct, id: string, { queues, removalPolicy, lifecycle }: StorageProps) {
    super(scope, id);
    const props = {
      ...PRIVATE_BUCKET,
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    } satisfies s3.BucketProps;
    const uploads = new s3.Bucket(this, 'Uploads', {
      ...props,
      cors: UPLOAD_CORS.map(corsRule),
      lifecycleRules: uploadRules(lifecycle),
    });
    const production = new s3.Bucket(this, 'Production', { ...props, cors: [corsRule(PLAYBACK_CORS)] });
    production.addToResourcePolicy(openToCloudFront(production));
    for (const bucket of [uploads, production]) Validations.of(bucket).acknowledge(NO_ACCESS_LOGS);
    for (const queue of [queues.uploads, queues.events]) letBucketsIn(queue);
    announce(uploads, queues, UPLOAD_NOTIFICATIONS);
    announce(production, queues, PRODUCTION_NOTIFICATIONS);
    // They implement the interface; CDK's types are not made for `exactOptionalPropertyTypes`.
    this.uploads = uploads as s3.IBucket;
    this.production = production as s3.IBucket;
  }
}

/**
 * Lets CloudFront read: the distributions of this account, for the one that will is made after the bucket, perhaps in
 * another stack. Listing is what makes S3 say 404 instead of 403 for what is not there.
 */
const openToCloudFront = (bucket: s3.Bucket) =>
  new iam.PolicyStatement({
    actions: ['s3:GetObject', 's3:ListBucket'],
    principals: [new iam.ServicePrincipal('cloudfront.amazonaws.com')],
    resources: [bucket.bucketArn, bucket.arnForObjects('*')],
    conditions: {
      ArnLike: {
        'aws:SourceArn': Stack.of(bucket).formatArn({
          service: 'cloudfront',
          region: '',
          resource: 'distribution',
          resourceName: '*',
        }),
      },
    },
  });

const corsRule = (rule: CorsRule): s3.CorsRule => ({
  allowedMethods: rule.allowedMethods.map((method) => s3.HttpMethods[method]),
  allowedOrigins: [...rule.allowedOrigins],
  allowedHeaders: [...rule.allowedHeaders],
  exposedHeaders: [...rule.exposedHeaders],
  maxAge: rule.maxAgeSeconds,
});

/**
 * Lets S3 send to a queue. The policy must be there before any bucket that announces to the queue, which tries it out,
 * and so it cannot name the bucket: it lets in the buckets of this account.
 */
function letBucketsIn(queue: sqs.Queue): void {
  const stack = Stack.of(queue);
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      actions: ['sqs:SendMessage'],
      principals: [new iam.ServicePrincipal('s3.amazonaws.com')],
      resources: [queue.queueArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: {
          'aws:SourceArn': stack.formatArn({ service: 's3', region: '', account: '', resource: '*' }),
        },
      },
    }),
  );
}

/**
 * Sends the events of new objects to queues. By the bucket's own property: `addEventNotification` would bring a
 * Lambda that may rewrite any bucket's notifications.
 */
function announce(
  bucket: s3.Bucket,
  queues: StorageProps['queues'],
  notifications: readonly Notification[],
): void {
  for (const name of new Set(notifications.map(({ queue }) => queue)))
    bucket.node.addDependency(queues[name].node.findChild('Policy'));
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof s3.CfnBucket)) throw new Error('The bucket must be of this stack');
  resource.notificationConfiguration = {
    queueConfigurations: notifications.map(({ queue, prefix, suffix }) => ({
      event: 's3:ObjectCreated:*',
      queue: queues[queue].queueArn,
      filter: {
        s3Key: {
          rules: [
            { name: 'prefix', value: prefix },
            ...(suffix === undefined ? [] : [{ name: 'suffix', value: suffix }]),
          ],
        },
      },
    })),
  };
}
