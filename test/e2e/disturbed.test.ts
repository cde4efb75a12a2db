import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { asVideoId, videoIdOf } from '../../jobs/names.ts';
import { ffmpeg } from '../support/media.ts';
import {
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
let folder: Awaited<ReturnType<typeof scratch>>;
let source: Buffer;
let undisturbed: Record<string, string>;

beforeAll(async () => {
  folder = await scratch();
  const file = join(folder.path, 'source.mp4');
  const picture = 'testsrc2=size=1280x720:rate=30:duration=60';
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    picture,
    '-f',
    'lavfi',
    '-i',
    'sine=d=60',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    file,
  );
  source = await readFile(file);
  const calm = await startSpotreel(join(folder.path, 'calm'), '--workers', '1');
  const id = await upload(calm);
  expect(await calm.ended(id)).toBe('ready');
  undisturbed = await treeOf(calm.s3, id);
  await calm.interrupt();
});
afterAll(async () => {
  stopAll();
  await folder.remove();
});

async function upload({ s3 }: Spotreel): Promise<string> {
  const { ETag = '' } = await s3.send(
    new PutObjectCommand({ Bucket: UPLOAD_BUCKET, Key: KEY, Body: source }),
  );
  return videoIdOf({ bucket: UPLOAD_BUCKET, key: KEY, etag: ETag.replaceAll('"', '') });
}

async function encodingBegan(spotreel: Spotreel, id: string): Promise<void> {
  while ((await spotreel.show(id))?.state !== 'encoding') await sleep(100);
  await sleep(1500); // into the middle of a chunk
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
    expect(names.filter((name) => name.endsWith('.mp4')).length).toBeGreaterThan(8);
  });

  test('three workers; events and messages delivered twice', async () => {
    const spotreel = await startSpotreel(join(folder.path, 'three'), '--workers', '3');
    const id = await upload(spotreel);
    const event = {
      Records: [
        {
          eventName: 'ObjectCreated:Put',
          eventTime: new Date().toISOString(),
          s3: {
            bucket: { name: UPLOAD_BUCKET },
            object: { key: KEY, size: source.length, eTag: /* of a plain PUT */ '' },
          },
        },
      ],
    };
    const { createHash } = await import('node:crypto');
    const [record] = event.Records;
    if (record) record.s3.object.eTag = createHash('md5').update(source).digest('hex');
    const send = (queue: string, body: object) =>
      spotreel.sqs.send(
        new SendMessageCommand({ QueueUrl: spotreel.queueUrl(queue), MessageBody: JSON.stringify(body) }),
      );
    await send('uploads', event);
    await send('uploads', event);
    await encodingBegan(spotreel, id);
    const video = asVideoId(id);
    for (const task of [
      { kind: 'plan', video },
      { kind: 'chunk', video, index: 0 },
      { kind: 'chunk', video, index: 1 },
      { kind: 'audio', video, index: 0 },
    ]) {
      await send('tasks', task);
    }
    expect(await spotreel.ended(id)).toBe('ready');
    await send('tasks', { kind: 'publish', video });
    await send('uploads', event);
    await drained(spotreel, 'uploads');
    await drained(spotreel, 'tasks');
    expect(await treeOf(spotreel.s3, id)).toEqual(undisturbed);
    expect(await messagesLeft(spotreel, 'tasks-dead-letters')).toBe(0);
    expect(await messagesLeft(spotreel, 'uploads-dead-letters')).toBe(0);
    await spotreel.interrupt();
  }, 300_000);

  test('the only worker is killed in the middle of a chunk', async () => {
    const spotreel = await startSpotreel(join(folder.path, 'killed'), '--workers', '1');
    const id = await upload(spotreel);
    await encodingBegan(spotreel, id);
    const pids = await workerPids(spotreel.process.pid ?? 0);
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect(await spotreel.ended(id)).toBe('ready');
    expect(await treeOf(spotreel.s3, id)).toEqual(undisturbed);
    await drained(spotreel, 'tasks');
    await spotreel.interrupt();
  }, 400_000);

  test('Ctrl-C in the middle leaves no process, and the next start carries on', async () => {
    const data = join(folder.path, 'interrupted');
    const first = await startSpotreel(data, '--workers', '1');
    const id = await upload(first);
    await encodingBegan(first, id);
    await first.interrupt();
    const { stdout } = await exec('ps', ['-eo', 'args']);
    expect(stdout.split('\n').filter((line) => line.includes(data))).toEqual([]);
    const second = await startSpotreel(data, '--workers', '1');
    expect(await second.ended(id)).toBe('ready');
    expect(await treeOf(second.s3, id)).toEqual(undisturbed);
    await second.interrupt();
  }, 300_000);

  test('the whole machine loses power (kill -9 of everything), and the next start carries on', async () => {
    const data = join(folder.path, 'power');
    const first = await startSpotreel(data, '--workers', '1');
    const id = await upload(first);
    await encodingBegan(first, id);
    first.process.kill('SIGKILL');
    while ((await exec('ps', ['-eo', 'args'])).stdout.includes(data)) await sleep(200);
    const second = await startSpotreel(data, '--workers', '1');
    expect(await second.ended(id)).toBe('ready');
    expect(await treeOf(second.s3, id)).toEqual(undisturbed);
    await second.interrupt();
  }, 400_000);
});
