/** Fairness: a video of many chunks does not make one wait that was uploaded after it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { uploadFile } from '../../local/upload.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch, startSpotreel, stopAll, UPLOAD_BUCKET } from '../support/spotreel.ts';

let folder: Awaited<ReturnType<typeof scratch>>;

/** A small picture, so that a long video is encoded in seconds. */
async function clip(name: string, seconds: number): Promise<string> {
  const file = join(folder.path, name);
  const picture = `testsrc2=size=160x120:rate=4:duration=${seconds}`;
  await ffmpeg('-f', 'lavfi', '-i', picture, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', file);
  return file;
}

beforeAll(async () => {
  folder = await scratch();
});
afterAll(async () => {
  await stopAll();
  await folder.remove();
});

test('twenty seconds uploaded after half an hour are ready first', async () => {
  const long = await clip('long.mp4', 1800);
  const short = await clip('short.mp4', 20);
  const spotreel = await startSpotreel(join(folder.path, 'data'), '--workers', '1', '--cores', '1');
  const longId = await uploadFile(spotreel.s3, UPLOAD_BUCKET, long);
  // All its chunks, fifteen, are in the queue.
  while ((await spotreel.show(longId))?.state !== 'encoding') await sleep(50);
  const shortId = await uploadFile(spotreel.s3, UPLOAD_BUCKET, short);
  expect(await spotreel.ended(shortId)).toBe('ready');
  expect((await spotreel.show(longId))?.state).toBe('encoding');
  await spotreel.interrupt();
});
