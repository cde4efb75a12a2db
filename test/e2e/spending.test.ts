/** The spending guard and the receipts, on a whole platform: nothing is launched at the ceiling, until its owner resumes. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SpotreelClient } from '../../api/client/index.ts';
import { jobKeys, newVideoId, type Revision, sourceKey } from '../../jobs/names.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { receiptSchema } from '../../video/receipt.ts';
import { jsonOfCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';

const id = newVideoId();
let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;
let client: SpotreelClient;

beforeAll(async () => {
  folder = await scratch();
  const clip = join(folder.path, 'clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4', clip);
  platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder.path, 'data'),
    workers: 1,
    dailyCeiling: 1e-6,
  });
  client = new SpotreelClient({ url: platform.url });
  const { s3, uploadBucket } = platform;
  await s3.send(
    new PutObjectCommand({ Bucket: uploadBucket, Key: sourceKey(id), Body: createReadStream(clip) }),
  );
});
afterAll(async () => {
  await platform.close();
  await folder.remove();
});

/** The video as soon as it is so. */
async function shown(isSo: (video: Awaited<ReturnType<typeof client.showVideo>>) => boolean) {
  for (;;) {
    const video = await client.showVideo(id).catch(() => undefined); // its event is on the way
    if (video && isSo(video)) return video;
    await sleep(250);
  }
}

test('at the ceiling no machine is launched: the video waits, and everybody is told why', async () => {
  expect(await shown(({ heldBy }) => heldBy !== undefined)).toMatchObject({
    state: 'queued',
    heldBy: 'daily',
  });
  expect(platform.ec2.instances()).toEqual([]);
  expect(await jsonOfCli(['spending', '--url', platform.url])).toEqual([
    { today: 0, month: 0, dailyCeiling: 1e-6, heldBy: 'daily', resumed: false },
  ]);
});

test('once its owner resumes it is encoded, and costs what its CPU seconds cost on that machine', async () => {
  const [resumed] = await jsonOfCli(['resume', '--url', platform.url]);
  expect(resumed).toMatchObject({ resumed: true });
  const { cost, spent, revision, heldBy } = await shown(({ state }) => state === 'ready');
  expect(heldBy).toBeUndefined();

  const { uploads } = platform.stores;
  const prefix = jobKeys.receipts(id, revision as Revision); // the API's own word
  let tasks = 0;
  let cpuSeconds = 0;
  let usd = 0;
  for await (const { key } of uploads.list(prefix)) {
    const receipt = await uploads.getJson(key, receiptSchema);
    if (!receipt) throw new Error(`${key} is gone`);
    tasks++;
    cpuSeconds += receipt.cpuSeconds;
    expect(receipt.price?.from).toBe('spot');
    usd += (receipt.cpuSeconds / 3600) * (receipt.price?.usdPerVcpuHour ?? Number.NaN);
  }
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(spent).toMatchObject({ tasks, cpuSeconds: expect.closeTo(cpuSeconds, 6) });
  expect(cost).toMatchObject({ machines: expect.closeTo(usd, 9), pricedBy: 'spot' });
  expect(cost?.elsewhere.map(({ service }) => service)).toEqual(['MediaConvert', 'Mux', 'Cloudflare Stream']);
});

test('what machines cost is counted while they run', async () => {
  const { today, month, heldBy } = await client.showSpending();
  expect(today).toBeGreaterThan(0);
  expect(month).toBe(today);
  expect(heldBy).toBeUndefined();
});
