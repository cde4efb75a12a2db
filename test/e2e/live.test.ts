/** Live progress through the whole platform: what a follower hears from the upload to the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SpotreelClient } from '../../api/client/index.ts';
import { type Following, follow, type LiveVideo } from '../../api/client/live.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { uploadFile } from '../../local/upload.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';

let folder: string;
let platform: LocalPlatform;
let client: SpotreelClient;
const open: Following[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-live-e2e-'));
  platform = await startLocalPlatform({ port: 0, dataDir: join(folder, 'data'), workers: 2, cores: 1 });
  client = new SpotreelClient({ url: platform.url });
});
afterAll(async () => {
  for (const following of open) following.close();
  await platform.close();
  await rm(folder, { recursive: true });
});

/** Follows until a state is there. @returns every state until then */
function followUntil(video: string | undefined, isIt: (state: LiveVideo) => boolean): Promise<LiveVideo[]> {
  const { promise, resolve } = Promise.withResolvers<LiveVideo[]>();
  const states: LiveVideo[] = [];
  const onState = (state: LiveVideo) => {
    states.push(state);
    if (isIt(state)) resolve(states);
  };
  open.push(follow(client, { video, onState }));
  return promise;
}

test('a follower hears of an encode by two machines until it is ready; who comes late knows as much; then that it is gone', async () => {
  const file = join(folder, 'numbers.mp4');
  await ffmpeg('-f', 'lavfi', '-i', numberedPicture('25', 60), '-threads', '2', file);
  const all = followUntil(undefined, ({ state }) => state === 'ready');
  const id = await uploadFile(platform.s3, platform.uploadBucket, file);
  const early = followUntil(id, ({ state }) => state === 'ready');
  const late = await followUntil(id, ({ percent, speed }) => percent > 0 && speed !== undefined);
  expect(late.at(-1)).toMatchObject({
    state: 'encoding',
    durationSeconds: 60,
    secondsLeft: expect.any(Number),
    machines: expect.any(Number),
  });

  const states = await early;
  const percents = states.map(({ percent }) => percent);
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  // More than a state a chunk: also what is within them.
  expect(new Set(percents).size).toBeGreaterThan(6);
  expect(states.at(-1)).toMatchObject({ state: 'ready', percent: 100, playbackUrl: `/v/${id}/master.m3u8` });
  expect((await all).at(-1)).toMatchObject({ id, state: 'ready' });

  const gone = followUntil(id, ({ state }) => state === 'deleted');
  await client.deleteVideo(id);
  await gone;
}, 240_000);

test('a follower hears why a video failed', async () => {
  const file = join(folder, 'text.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'anullsrc', '-t', '1', '-f', 'ffmetadata', file);
  const id = await uploadFile(platform.s3, platform.uploadBucket, file);
  const states = await followUntil(id, ({ state }) => state === 'failed');
  expect(states.at(-1)?.failure).toMatchObject({ code: 'not-a-video', message: expect.any(String) });
}, 120_000);
