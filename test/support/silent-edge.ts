/** An edge that is told everything and does nothing, for tests of what S3 holds. */
import { KeyValueStore, keyValueStoreClient } from '../../jobs/key-value-store.ts';
import { AWS } from './aws.ts';

class SilentEdge extends KeyValueStore {
  override async update(): Promise<void> {}
}

export const silentEdge: KeyValueStore = new SilentEdge(keyValueStoreClient(AWS), 'arn:none');
