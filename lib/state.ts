/**
 * What would be lost with it: both buckets, what is on its way in the queues, and which videos are private. In a stack of its own it outlives every
 * change, and every removal, of the rest.
 */
import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { EdgeStore } from './edge-store.ts';
import type { Lifecycle } from './lifecycle.ts';
import { Queues } from './queues.ts';
import { Storage } from './storage.ts';

export interface State {
  readonly queues: Queues;
  readonly storage: Storage;
  readonly edgeStore: EdgeStore;
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
  };
}

/** The state as a stack of its own, which refuses to be deleted until its owner takes the protection away. */
export class SpotreelStateStack extends Stack implements State {
  readonly queues: Queues;
  readonly storage: Storage;
  readonly edgeStore: EdgeStore;

  /** @param lifecycle the platform's setting of that name: what becomes of sources is the buckets' */
  constructor(
    scope: Construct,
    id: string,
    { lifecycle = {}, ...props }: StackProps & { readonly lifecycle?: Lifecycle } = {},
  ) {
    super(scope, id, {
      description: 'Spotreel: uploads, videos, and what is on its way',
      terminationProtection: true,
      ...props,
    });
    const { queues, storage, edgeStore } = stateIn(this, RemovalPolicy.RETAIN, lifecycle);
    this.queues = queues;
    this.storage = storage;
    this.edgeStore = edgeStore;
  }
}
