/** A video that is deleted, while it is encoded or when it plays, on the real platform: nothing of it is left, and nothing comes back. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { UNDELIVERED_PREFIX } from '../../jobs/names.ts';
import { backlog } from '../../jobs/queue.ts';
import { ffmpeg } from '../support/media.ts';
import { PRODUCTION_BUCKET, UPLOAD_BUCKET } from '../support/spotreel.ts';
import { useSpotreel } from '../support/use-spotreel.ts';
import { startReceiver } from '../support/webhooks.ts';

const spotreel = useSpotreel();
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver(() => 410); // wants nothing: what it is sent is kept at once
});
afterAll(() => receiver.close());

/** A request to the API, and the JSON that it answers; the tests check what they use. */
async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: ReturnType<typeof JSON.parse> }> {
  const response = await fetch(`${spotreel.url}${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  return { status: response.status, body: await response.json() };
}

/** Every key of both buckets that names a video. */
async function keysOf(id: string): Promise<string[]> {
  const keys: string[] = [];
  for (const Bucket of [UPLOAD_BUCKET, PRODUCTION_BUCKET])
    for await (const { Contents = [] } of paginateListObjectsV2({ client: spotreel.s3 }, { Bucket }))
      keys.push(...Contents.flatMap(({ Key = '' }) => (Key.includes(id) ? [Key] : [])));
  return keys;
}

/** The keys of all objects of both buckets whose content has a word. */
async function keysThatSay(word: string): Promise<string[]> {
  const saying: string[] = [];
  for (const Bucket of [UPLOAD_BUCKET, PRODUCTION_BUCKET])
    for await (const { Contents = [] } of paginateListObjectsV2({ client: spotreel.s3 }, { Bucket }))
      for (const { Key = '' } of Contents) {
        const { Body } = await spotreel.s3.send(new GetObjectCommand({ Bucket, Key }));
        const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
        if (bytes.includes(word)) saying.push(Key);
      }
  return saying;
}

/** Uploads a clip under a title. @returns the id of its video */
async function upload(title: string, ...clip: readonly string[]): Promise<string> {
  const file = spotreel.path('clip.mp4');
  await ffmpeg(...clip, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '35', '-y', file);
  const bytes = await readFile(file);
  const created = await ask('POST', '/api/uploads', {
    ...{ fileName: 'clip.mp4', size: bytes.length, type: 'video/mp4', title },
  });
  const { id, url } = created.body;
  const put = await fetch(url, { method: 'PUT', body: bytes, headers: { 'content-type': 'video/mp4' } });
  expect([created.status, put.status]).toEqual([201, 200]);
  expect((await ask('POST', `/api/uploads/${id}/complete`, {})).status).toBe(200);
  return id;
}

test('a deletion while chunks are encoded leaves its mark alone, once the workers have let go', async () => {
  const picture = 'testsrc2=size=1920x1080:rate=25:duration=60';
  const id = await upload('To be deleted', '-f', 'lavfi', '-i', picture);

  const shown = async () => (await ask('GET', `/api/videos/${id}`)).body;
  while ((await shown()).state !== 'encoding') await sleep(200);
  expect((await shown()).title).toBe('To be deleted');
  expect(await ask('DELETE', `/api/videos/${id}`)).toMatchObject({ status: 202, body: { left: 0 } });
  expect((await ask('GET', `/api/videos/${id}`)).status).toBe(404);

  const tasks = () => backlog(spotreel.sqs, spotreel.queueUrl('tasks'));
  for (let left = await tasks(); left.visible + left.inFlight > 0; left = await tasks()) await sleep(500);
  expect((await ask('DELETE', `/api/videos/${id}`)).body).toMatchObject({ left: 0 });
  expect(await keysOf(id)).toEqual([`deleted/${id}`]);
  expect((await ask('GET', '/api/videos')).body).toEqual({ videos: [] });
});

test('a public video that played is refused though caches hold it, and what endpoints missed says nothing of it', async () => {
  await ask('POST', '/api/webhooks', { url: receiver.url });
  const id = await upload(
    'Our secret wedding',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25:duration=2',
  );
  await ask('PATCH', `/api/videos/${id}`, { visibility: 'public' });
  const undelivered = async () =>
    (await keysThatSay('Our secret wedding')).some((key) => key.startsWith(UNDELIVERED_PREFIX));
  while (!(await undelivered())) await sleep(200);
  expect(await spotreel.ended(id)).toBe('ready');

  // As caches do, we keep a segment.
  const Key = (await keysOf(id)).find((key) => key.startsWith(`v/${id}/`) && key.endsWith('.mp4'));
  const object = { Bucket: PRODUCTION_BUCKET, Key };
  const { Body } = await spotreel.s3.send(new GetObjectCommand(object));
  const segment = (await Body?.transformToByteArray()) ?? '';
  const played = async () => (await fetch(`${spotreel.url}/${Key}`)).status;
  expect(await played()).toBe(200);
  const gone = async () => (await ask('DELETE', `/api/videos/${id}`)).body.state === 'deleted';
  while (!(await gone())) await sleep(500);
  expect(await keysOf(id)).toEqual([`deleted/${id}`]);
  expect(await keysThatSay('Our secret wedding')).toEqual([]);
  await spotreel.s3.send(new PutObjectCommand({ ...object, Body: segment }));
  expect(await played()).toBe(404);
  await spotreel.s3.send(new DeleteObjectCommand(object));
});
