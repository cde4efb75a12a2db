/**
 * The pages (`web/`) in a bucket of their own, filled by CDK's Lambda while a deployment lasts. Not beside the videos:
 * that Lambda lists the whole of its bucket, which among many videos would outlast it.
 */
import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import {
  BucketDeployment,
  type BucketDeploymentProps,
  CacheControl,
  Source,
} from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { CACHE_CONTROL } from '../jobs/platform.ts';
import { NAMED_BY_CONTENT, pagesFolder } from '../web/files.ts';
import { allow } from './allow.ts';
import { NO_ACCESS_LOGS, PRIVATE_BUCKET } from './storage.ts';

/**
 * CDK shares one Lambda among all deployments of a stack of equal memory; ours has a role of its own. Never changed: it is
 * part of the deployments' logical ids, and the old one's deletion would empty what the new one has just filled.
 */
const MEMORY_MIB = 640;

export class Pages extends Construct {
  readonly bucket: s3.IBucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const bucket = new s3.Bucket(this, 'Bucket', { ...PRIVATE_BUCKET, removalPolicy: RemovalPolicy.DESTROY });
    Validations.of(bucket).acknowledge(NO_ACCESS_LOGS);
    // It implements the interface; CDK's types are not made for `exactOptionalPropertyTypes`.
    this.bucket = bucket as s3.IBucket;

    const files = new Asset(this, 'Files', { path: pagesFolder() });
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = this.#role(files, logGroup);
    // By its name: the bucket itself would be tagged as the deployment's own, and what is so tagged is not emptied with
    // the stack, whose deletion then fails (aws/aws-cdk#33397).
    const destinationBucket = s3.Bucket.fromBucketName(this, 'Destination', bucket.bucketName);
    const deploy = (
      name: string,
      which: Pick<BucketDeploymentProps, 'exclude' | 'include' | 'retainOnDelete' | 'cacheControl'>,
    ) => {
      const deployment = new BucketDeployment(this, name, {
        destinationBucket,
        sources: [Source.bucket(files.bucket, files.s3ObjectKey)],
        ...which,
        memoryLimit: MEMORY_MIB,
        role: role.withoutPolicyUpdates(), // else it may read every asset of the account
        logGroup,
      });
      deployment.node.addDependency(role);
      return deployment;
    };
    const named = `${NAMED_BY_CONTENT}/*`;
    const assets = deploy('Assets', {
      exclude: ['*'],
      include: [named],
      cacheControl: [CacheControl.fromString(CACHE_CONTROL.immutable)],
    });
    const pages = deploy('Deployment', {
      exclude: [named],
      cacheControl: [CacheControl.fromString(CACHE_CONTROL.replaceable)],
      retainOnDelete: false, // empties the whole bucket
    });
    // What pages name is there before them.
    pages.node.addDependency(assets);
    this.#acknowledgeRuntime();
  }

  #role(files: Asset, logGroup: logs.LogGroup): iam.Role {
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    allow(role, [
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
      { actions: ['s3:GetObject'], resources: [files.bucket.arnForObjects(files.s3ObjectKey)] },
      {
        actions: ['s3:PutObject', 's3:DeleteObject'],
        resources: [this.bucket.arnForObjects('*')],
        why: 'The bucket holds nothing but the pages.',
      },
      { actions: ['s3:ListBucket', 's3:GetBucketTagging'], resources: [this.bucket.bucketArn] },
    ]);
    return role;
  }

  #acknowledgeRuntime(): void {
    for (const child of Stack.of(this).node.children)
      if (
        child.node.id.startsWith('Custom::CDKBucketDeployment') &&
        child.node.id.endsWith(`${MEMORY_MIB}MiB`)
      )
        Validations.of(child).acknowledge({
          id: 'AwsSolutions-L1',
          reason: 'CDK chooses the runtime of its own Lambda.',
        });
  }
}
