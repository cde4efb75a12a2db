import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Task } from '../../jobs/messages.ts';
import { asVideoId, isRevision, type Revision } from '../../jobs/names.ts';
import { ffmpeg } from '../support/media.ts';
import {
  putSource,
  type Spotreel,
  scratch,
  startSpotreel,
  stopAll,
  treeOf,
  UPLOAD_BUCKET,
  workerPids,
} from '../support/spotreel.ts';

const exec = promisify(execFile);
const KEY = 'uploads/source.mp4';
/** A worker's log of a chunk that is being encoded. */
const CHUNK_RUNS = /"ffmpeg-running".*"kind":"chunk"/;
let folder: Awaited<ReturnType<typeof scratch>>;
let source: Buffer;
let undisturbed: Record<string, string>;

beforeAll(async () => {
  folder = await scratch();
  const file = join(folder.path, 'source.mp4');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30:duration=40'];
  const tone = ['-f', 'lavfi', '-i', 'sine=d=40'];
  await ffmpeg(...picture, ...tone, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', file);
  source = await readFile(file);
  const calm = await startSpotreel(join(folder.path, 'calm'), '--workers', '1');
  const id = await upload(calm);
  expect(await calm.ended(id)).toBe('ready');
  undisturbed = await treeOf(calm.s3, id);
  await calm.interrupt();
});
afterAll(async () => {
  await stopAll();
  await folder.remove();
});

const upload = ({ s3 }: Spotreel) => putSource(s3, KEY, source);

/** Waits for the middle of a chunk: a machine's ffmpeg has begun with one. */
async function inAChunk(dataDir: string): Promise<void> {
  const logs = join(dataDir, 'logs');
  for (;;) {
    for (const name of await readdir(logs))
      if (name.startsWith('i-') && CHUNK_RUNS.test(await readFile(join(logs, name), 'utf8')))
        return sleep(500);
    await sleep(50);
  }
}

/** The revision that a tree `v/<id>/<revision>/...` is of; the same source and settings make the same one. */
function revisionIn(tree: Record<string, string>): Revision {
  const revision = Object.keys(tree)
    .map((key) => key.split('/')[2] ?? '')
    .find(isRevision);
  if (!revision) throw new Error('The tree has no revision');
  return revision;
}

async function messagesLeft(spotreel: Spotreel, queue: string): Promise<number> {
  const { Attributes = {} } = await spotreel.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: spotreel.queueUrl(queue), AttributeNames: ['All'] }),
  );
  return (
    Number(Attributes['ApproximateNumberOfMessages']) +
    Number(Attributes['ApproximateNumberOfMessagesNotVisible'])
  );
}

/** Waits until a queue is empty; the test's own time limit ends a queue that never is. */
async function drained(spotreel: Spotreel, queue: string): Promise<void> {
  while ((await messagesLeft(spotreel, queue)) > 0) await sleep(250);
}

describe('whatever happens, the tree is the same to the byte and nothing is stuck', () => {
  test('the undisturbed tree has a master, playlists and media', () => {
    const names = Object.keys(undisturbed);
    expect(names.filter((name) => name.endsWith('/master.m3u8'))).toHaveLength(1);
    expect(names.filter((name) => name.endsWith('.mp4')).length).toBeGreaterThan(6);
  });

  test('three workers; events and messages delivered twice', async () => {
    const data = join(folder.path, 'three');
    const spotreel = await startSpotreel(data, '--workers', '3');
    const id = await upload(spotreel);
    const event = {
      Records: [
        {
          eventName: 'ObjectCreated:Put',
          eventTime: new Date().toISOString(),
          s3: {
            bucket: { name: UPLOAD_BUCKET },
            object: { key: KEY, size: source.length, eTag: createHash('md5').update(source).digest('hex') },
          },
        },
      ],
    };
    const send = (queue: string, body: object) =>
      spotreel.sqs.send(
        new SendMessageCommand({ QueueUrl: spotreel.queueUrl(queue), MessageBody: JSON.stringify(body) }),
      );
    await send('uploads', event);
    await send('uploads', event);
    await inAChunk(data);
    const encode = { video: asVideoId(id), revision: revisionIn(undisturbed) };
    const tasks: Task[] = [
      { kind: 'plan', ...encode },
      { kind: 'chunk', ...encode, index: 0 },
      { kind: 'chunk', ...encode, index: 1 },
      { kind: 'audio', ...encode, index: 0 },
    ];
    for (const task of tasks) await send('tasks', task);
    expect(await spotreel.ended(id)).toBe('ready');
    await send('tasks', { kind: 'publish', ...encode } satisfies Task);
    await send('uploads', event);
    await drained(spotreel, 'uploads');
    await drained(spotreel, 'tasks');
    expect(await treeOf(spotreel.s3, id)).toEqual(undisturbed);
    expect(await messagesLeft(spotreel, 'tasks-dead-letters')).toBe(0);
    expect(await messagesLeft(spotreel, 'uploads-dead-letters')).toBe(0);
    await spotreel.interrupt();
  });

  test('the only worker is killed in the middle of a chunk', async () => {
    const data = join(folder.path, 'killed');
    const spotreel = await startSpotreel(data, '--workers', '1');
    const id = await upload(spotreel);
    await inAChunk(data);
    const pids = await workerPids(spotreel.process.pid ?? 0);
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect(await spotreel.ended(id)).toBe('ready');
    expect(await treeOf(spotreel.s3, id)).toEqual(undisturbed);
    await drained(spotreel, 'tasks');
    await spotreel.interrupt();
  });

  test('Ctrl-C in the middle leaves no process, and the next start carries on', async () => {
    const data = join(folder.path, 'interrupted');
    const first = await startSpotreel(data, '--workers', '1');
    const id = await upload(first);
    await inAChunk(data);
    await first.interrupt();
    const { stdout } = await exec('ps', ['-eo', 'args']);
    expect(stdout.split('\n').filter((line) => line.includes(data))).toEqual([]);
    const second = await startSpotreel(data, '--workers', '1');
    expect(await second.ended(id)).toBe('ready');
    expect(await treeOf(second.s3, id)).toEqual(undisturbed);
    await second.interrupt();
  });

  test('the whole machine loses power (kill -9 of everything), and the next start carries on', async () => {
    const data = join(folder.path, 'power');
    const first = await startSpotreel(data, '--workers', '1');
    const id = await upload(first);
    await inAChunk(data);
    first.process.kill('SIGKILL');
    while ((await exec('ps', ['-eo', 'args'])).stdout.includes(data)) await sleep(200);
    const second = await startSpotreel(data, '--workers', '1');
    expect(await second.ended(id)).toBe('ready');
    expect(await treeOf(second.s3, id)).toEqual(undisturbed);
    await second.interrupt();
  });
});
