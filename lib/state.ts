/**
 * What would be lost with it: both buckets, what is on its way in the queues, and which videos are private. In a stack of its own it outlives every
 * change, and every removal, of the rest.
 */
import { CfnResource, ReferenceStrength, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { KeyValueStore } from 'aws-cdk-lib/aws-cloudfront';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct } from 'constructs';
import { EdgeStore } from './edge-store.ts';
import { type Lifecycle, lifecycleSchema } from './lifecycle.ts';
import { misfits, refuse } from './misfits.ts';
import { Queues } from './queues.ts';
import { Storage } from './storage.ts';

export interface State {
  readonly queues: Queues;
  readonly storage: Storage;
  readonly edgeStore: EdgeStore;
  /** What it was made with; the platform that works on it goes by the same. */
  readonly lifecycle: Lifecycle;
}

/**
 * Makes it in a scope.
 * @param removalPolicy of buckets and store; DESTROY deletes what is in them, too
 * @param lifecycle of what is in the buckets
 */
export function stateIn(scope: Construct, removalPolicy: RemovalPolicy, lifecycle: Lifecycle): State {
  const queues = new Queues(scope, 'Queues');
  return {
    queues,
    storage: new Storage(scope, 'Storage', { queues, removalPolicy, lifecycle }),
    edgeStore: new EdgeStore(scope, 'EdgeStore', { removalPolicy }),
    lifecycle,
  };
}

/** The state as a stack of its own, which refuses to be deleted until its owner takes the protection away. */
export class SpotreelStateStack extends Stack implements State {
  readonly queues: Queues;
  readonly storage: Storage;
  readonly edgeStore: EdgeStore;
  readonly lifecycle: Lifecycle;

  /** @param lifecycle the setting of that name, for the buckets here and for the platform */
  constructor(
    scope: Construct,
    id: string,
    { lifecycle = {}, ...props }: StackProps & { readonly lifecycle?: Lifecycle } = {},
  ) {
    refuse(misfits('lifecycle', lifecycleSchema, lifecycle));
    super(scope, id, {
      description: 'Spotreel: uploads, videos, and what is on its way',
      terminationProtection: true,
      ...props,
    });
    const { queues, storage, edgeStore } = stateIn(this, RemovalPolicy.RETAIN, lifecycle);
    this.queues = queues;
    this.storage = storage;
    this.edgeStore = edgeStore;
    this.lifecycle = lifecycle;
    this.#export();
  }

  /**
   * What others need of it are exports, whatever the app prefers: `Fn::GetStackOutput` is asked anew wherever it stands, and
   * a template that has it a hundred times was throttled (https://github.com/aws/aws-cdk/issues/38010). All are
   * always there, for none may go while a platform that was deployed before still imports it.
   */
  #export(): void {
    for (const part of this.node.findAll()) {
      if (CfnResource.isCfnResource(part)) part.applyCrossStackReferenceStrength(ReferenceStrength.STRONG);
      for (const value of toldOf(part)) this.exportValue(value);
    }
  }
}

/** What others are told of a bucket, a queue or a store. */
function toldOf(part: IConstruct): string[] {
  if (part instanceof s3.Bucket) return [part.bucketArn, part.bucketName, part.bucketRegionalDomainName];
  if (part instanceof sqs.Queue) return [part.queueArn, part.queueName, part.queueUrl];
  return part instanceof KeyValueStore ? [part.keyValueStoreArn] : [];
}
