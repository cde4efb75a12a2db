/** The key-value store that CloudFront's functions read: which videos are private or deleted, and the keys of tokens. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { Construct } from 'constructs';
import { accountName } from './account-name.ts';
import type { Permission } from './allow.ts';

export interface EdgeStoreProps {
  /** What becomes of it with the stack: without it private and deleted videos would be open, so it stays where they do. */
  readonly removalPolicy: RemovalPolicy;
}

export class EdgeStore extends Construct {
  readonly store: cloudfront.IKeyValueStore;
  /** What its readers and writers are told. */
  readonly environment: { readonly KEY_VALUE_STORE: string };
  /** Reading and writing it. */
  readonly mayWrite: Permission;

  constructor(scope: Construct, id: string, { removalPolicy }: EdgeStoreProps) {
    super(scope, id);
    const store = new cloudfront.KeyValueStore(this, 'Store', {
      keyValueStoreName: accountName(this),
      comment: `Spotreel, ${Stack.of(this).stackName}: closed videos, and keys of tokens`,
    });
    // A first deployment that fails must not leave it: the next would find its name taken.
    store.applyRemovalPolicy(
      removalPolicy === RemovalPolicy.RETAIN ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : removalPolicy,
    );
    this.store = store;
    this.environment = { KEY_VALUE_STORE: store.keyValueStoreArn };
    this.mayWrite = {
      actions: [
        'cloudfront-keyvaluestore:DescribeKeyValueStore',
        'cloudfront-keyvaluestore:GetKey',
        'cloudfront-keyvaluestore:UpdateKeys',
      ],
      resources: [store.keyValueStoreArn],
    };
  }
}
