/** The platform's client of the key-value store, against the local one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { KeyValueStore, KeyValueStoreError, keyValueStoreClient } from '../../jobs/key-value-store.ts';
import { type LocalKeyValueStore, startKeyValueStore } from '../../local/key-value-store/key-value-store.ts';
import { AWS } from '../support/aws.ts';

const storeOf = (url: string, arn: string) =>
  new KeyValueStore(keyValueStoreClient({ ...AWS, endpoint: url }), arn);

let dataDir: string;
let local: LocalKeyValueStore;
let store: KeyValueStore;

const start = async () => {
  local = await startKeyValueStore({ dataDir, port: 0 });
  store = storeOf(local.url, local.arn);
};

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spotreel-kvs-'));
  await start();
});
afterEach(async () => {
  await local.close();
  await rm(dataDir, { recursive: true });
});

test('what is put is there for the edge, what is deleted is not', async () => {
  await store.update({ a: '1', b: '2' });
  expect([await local.get('a'), await local.get('b')]).toEqual(['1', '2']);
  await store.update({ a: '3', b: undefined });
  expect([await local.get('a'), await local.exists('b')]).toEqual(['3', false]);
  await expect(local.get('b')).rejects.toThrow('Key not found: b');
});

test('a key that is not there may be deleted', async () => {
  await expect(store.update({ a: undefined })).resolves.toBeUndefined();
});

test('many may write at once, and all get through', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(keys.map((key) => store.update({ [key]: key })));
  expect(await Promise.all(keys.map((key) => local.get(key)))).toEqual(keys);
});

test('it outlives a restart', async () => {
  await store.update({ a: '1' });
  await local.close();
  await start();
  expect(await local.get('a')).toBe('1');
});

test('a refusal is an error, and not tried again and again', async () => {
  await expect(store.update({ a: 'x'.repeat(1025) })).rejects.toThrow(KeyValueStoreError);
  const other = storeOf(local.url, `${local.arn}-other`);
  await expect(other.update({ a: '1' })).rejects.toThrow('The key-value store does not describe: 404');
});

test('a role may do what its policy says, and nothing else', async () => {
  const folder = join(dataDir, 'guarded');
  const guarded = await startKeyValueStore({
    dataDir: folder,
    port: 0,
    authorize: (id, { action }) => id === 'owner' && action !== 'cloudfront-keyvaluestore:UpdateKeys',
  });
  try {
    const reading = storeOf(guarded.url, guarded.arn);
    await expect(reading.update({ a: undefined })).resolves.toBeUndefined();
    await expect(reading.update({ a: '1' })).rejects.toThrow('does not update: 403');
  } finally {
    await guarded.close();
  }
});
