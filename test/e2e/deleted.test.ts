/** A video that is deleted while it is encoded, on the real platform: nothing of it is left, and nothing comes back. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { backlog } from '../../jobs/queue.ts';
import { ffmpeg } from '../support/media.ts';
import { PRODUCTION_BUCKET, UPLOAD_BUCKET } from '../support/spotreel.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const spotreel = useSpotreel();

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

test('a deletion while chunks are encoded leaves its mark alone, once the workers have let go', async () => {
  const clip = spotreel.path('clip.mp4');
  const picture = 'testsrc2=size=1920x1080:rate=25:duration=60';
  await ffmpeg('-f', 'lavfi', '-i', picture, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '35', clip);
  const bytes = await readFile(clip);
  const created = await ask('POST', '/api/uploads', {
    fileName: 'clip.mp4',
    size: bytes.length,
    type: 'video/mp4',
    title: 'To be deleted',
  });
  const { id, url } = created.body;
  const put = await fetch(url, { method: 'PUT', body: bytes, headers: { 'content-type': 'video/mp4' } });
  expect([created.status, put.status]).toEqual([201, 200]);
  expect((await ask('POST', `/api/uploads/${id}/complete`, {})).status).toBe(200);

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
