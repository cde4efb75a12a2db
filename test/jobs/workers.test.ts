/** Heartbeats: who works, as the sweeper sees it. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { ObjectStore } from '../../jobs/store.ts';
import { listWorkers, readWorker } from '../../jobs/workers.ts';
import { RECIPE_VERSION } from '../../video/settings.ts';
import { startHeartbeat } from '../../worker-scripts/heartbeat.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { s3Error } from '../support/s3-objects.ts';

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
let logged: ReturnType<typeof captureLog>;

beforeEach(() => {
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

async function until<T>(check: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a worker reports itself as it starts, again and again, and is forgotten when it ends in order', async () => {
  let tasks = 0;
  const heartbeat = startHeartbeat(uploads, 'i-1', () => tasks, 10);
  const first = await until(() => readWorker(uploads, 'i-1'));
  expect(first).toEqual({
    id: 'i-1',
    startedAt: expect.any(String),
    lastSeenAt: expect.any(String),
    tasksInHand: 0,
    recipe: RECIPE_VERSION,
  });
  expect([...objects.keys()]).toEqual(['uploads/workers/i-1.json']);
  tasks = 3;
  const later = await until(async () => {
    const worker = await readWorker(uploads, 'i-1');
    return worker?.tasksInHand === 3 ? worker : undefined;
  });
  expect(later.startedAt).toBe(first.startedAt);
  expect(Date.parse(later.lastSeenAt)).toBeGreaterThan(Date.parse(first.lastSeenAt));
  await heartbeat.stop();
  expect([...objects.keys()]).toEqual([]);
});

test('a report that is under way when the worker ends does not outlive it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  s3.on(PutObjectCommand).callsFake(async ({ Bucket, Key, Body }) => {
    await promise;
    objects.set(`${Bucket}/${Key}`, String(Body));
    return {};
  });
  const stopped = startHeartbeat(uploads, 'i-1', () => 0).stop();
  resolve();
  await stopped;
  expect([...objects.keys()]).toEqual([]);
});

test('a report that S3 refuses is logged, and the next one made', async () => {
  s3.on(PutObjectCommand).rejectsOnce(s3Error(503, 'SlowDown')).resolves({});
  const heartbeat = startHeartbeat(uploads, 'i-1', () => 0, 5);
  await until(async () => (s3.commandCalls(PutObjectCommand).length > 1 ? true : undefined));
  await heartbeat.stop();
  expect(logged()).toMatchObject([{ level: 'warn', event: 'worker-not-reported' }]);
});

test('those that are listed are the workers that have not ended in order', async () => {
  const two = ['i-1', 'i-2'].map((id) => startHeartbeat(uploads, id, () => 0));
  await until(async () => (objects.size === 2 ? true : undefined));
  expect((await listWorkers(uploads)).map(({ id }) => id)).toEqual(['i-1', 'i-2']);
  await two[0]?.stop();
  expect((await listWorkers(uploads)).map(({ id }) => id)).toEqual(['i-2']);
  await two[1]?.stop();
  expect(await readWorker(uploads, 'i-2')).toBeUndefined();
});
