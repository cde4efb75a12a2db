/** The upload bucket, which announces what arrives, and the production bucket, which only CloudFront reads. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  type CorsRule,
  INCOMPLETE_UPLOAD_DAYS,
  PLAYBACK_CORS,
  UPLOAD_CORS,
  UPLOAD_EXPIRIES,
  UPLOAD_NOTIFICATIONS,
} from '../jobs/platform.ts';

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
  /** Hears of new objects in the upload bucket. */
  readonly uploadsQueue: sqs.Queue;
  /** What becomes of the buckets with the stack; DESTROY deletes what is in them, too. */
  readonly removalPolicy: RemovalPolicy;
}

export class Storage extends Construct {
  readonly uploads: s3.IBucket;
  readonly production: s3.IBucket;

  constructor(scope: Construct, id: string, { uploadsQueue, removalPolicy }: StorageProps) {
    super(scope, id);
    const props = {
      ...PRIVATE_BUCKET,
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    } satisfies s3.BucketProps;
    const uploads = new s3.Bucket(this, 'Uploads', {
      ...props,
      cors: UPLOAD_CORS.map(corsRule),
      lifecycleRules: [
        ...props.lifecycleRules,
        ...UPLOAD_EXPIRIES.map(({ prefix, days }) => ({ prefix, expiration: Duration.days(days) })),
      ],
    });
    const production = new s3.Bucket(this, 'Production', { ...props, cors: [corsRule(PLAYBACK_CORS)] });
    for (const bucket of [uploads, production]) Validations.of(bucket).acknowledge(NO_ACCESS_LOGS);
    announce(uploads, uploadsQueue);
    // They implement the interface; CDK's types are not made for `exactOptionalPropertyTypes`.
    this.uploads = uploads as s3.IBucket;
    this.production = production as s3.IBucket;
  }
}

const corsRule = (rule: CorsRule): s3.CorsRule => ({
  allowedMethods: rule.allowedMethods.map((method) => s3.HttpMethods[method]),
  allowedOrigins: [...rule.allowedOrigins],
  allowedHeaders: [...rule.allowedHeaders],
  exposedHeaders: [...rule.exposedHeaders],
  maxAge: rule.maxAgeSeconds,
});

/**
 * Sends the events of new objects to a queue. By the bucket's own property: `addEventNotification` would bring a
 * Lambda that may rewrite any bucket's notifications. The queue's policy must be there before the bucket, which
 * tries it out, and so it cannot name the bucket: it lets in the buckets of this account.
 */
function announce(bucket: s3.Bucket, queue: sqs.Queue): void {
  const stack = Stack.of(bucket);
  const { statementAdded, policyDependable } = queue.addToResourcePolicy(
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
  if (!statementAdded || !policyDependable) throw new Error('The uploads queue must be of this stack');
  bucket.node.addDependency(policyDependable);

  const resource = bucket.node.defaultChild;
  if (!(resource instanceof s3.CfnBucket)) throw new Error('The uploads bucket must be of this stack');
  resource.notificationConfiguration = {
    queueConfigurations: UPLOAD_NOTIFICATIONS.map(({ prefix, suffix }) => ({
      event: 's3:ObjectCreated:*',
      queue: queue.queueArn,
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
