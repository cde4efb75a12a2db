/**
 * What would be lost with it: both buckets, what is on its way in the queues, and which videos are private. In a stack of its own it outlives every
 * change, and every removal, of the rest.
 */
import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { EdgeStore } from './edge-store.ts';
import { Queues } from './queues.ts';
import { Storage } from './storage.ts';

export interface State {
  readonly queues: Queues;
  readonly storage: Storage;
  readonly edgeStore: EdgeStore;
}

/** Makes it in a scope. @param removalPolicy of buckets and store; DESTROY deletes what is in them, too */
export function stateIn(scope: Construct, removalPolicy: RemovalPolicy): State {
  const queues = new Queues(scope, 'Queues');
  return {
    queues,
    storage: new Storage(scope, 'Storage', { queues, removalPolicy }),
    edgeStore: new EdgeStore(scope, 'EdgeStore', { removalPolicy }),
  };
}

/** The state as a stack of its own, which refuses to be deleted until its owner takes the protection away. */
export class SpotreelStateStack extends Stack implements State {
  readonly queues: Queues;
  readonly storage: Storage;
  readonly edgeStore: EdgeStore;

  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, {
      description: 'Spotreel: uploads, videos, and what is on its way',
      terminationProtection: true,
      ...props,
    });
    const { queues, storage, edgeStore } = stateIn(this, RemovalPolicy.RETAIN);
    this.queues = queues;
    this.storage = storage;
    this.edgeStore = edgeStore;
  }
}
