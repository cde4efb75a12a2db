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
import { jsonOfCli, runCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';

const id = newVideoId();
/** 20 seconds: long enough that the encoding is most of the work. */
const SECONDS = 20;
let folder: Awaited<ReturnType<typeof scratch>>;
let clip: string;
let platform: LocalPlatform;
let client: SpotreelClient;

beforeAll(async () => {
  folder = await scratch();
  clip = join(folder.path, 'clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', `testsrc2=size=854x480:rate=25:duration=${SECONDS}`, clip);
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

test('an estimate of the same file is of the right size, in CPU and in money, and needs no platform', async () => {
  const [estimate] = await jsonOfCli(['estimate', clip]);
  const { cost, spent } = await client.showVideo(id);
  const ratios = {
    cpu: estimate.workSeconds / (spent?.cpuSeconds ?? 0),
    requests: estimate.cost.requests / (cost?.requests ?? 0),
  };
  // Content and machines make a third of difference; neighbours on a busy machine may make more of it.
  for (const ratio of Object.values(ratios)) {
    expect(ratio).toBeGreaterThan(1 / 3);
    expect(ratio).toBeLessThan(3);
  }
  expect(estimate.durationSeconds).toBe(SECONDS);
  const mediaConvert = (services: typeof estimate.cost.elsewhere) =>
    services.find(({ service }: { service: string }) => service === 'MediaConvert').once;
  expect(mediaConvert(estimate.cost.elsewhere)).toBeCloseTo(mediaConvert(cost?.elsewhere), 9);
});

test.each([
  ['no video', ['estimate', import.meta.filename], /can not become a video/],
  ['not there', ['estimate', '/nowhere.mp4'], /can not be read/],
  [
    'to be encoded by settings that there are not',
    ['estimate', import.meta.filename, '--settings', '{"presett":1}'],
    /presett/,
  ],
])('what is %s gets no estimate', async (_, args, words) => {
  expect(await runCli(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(words) });
});

test('what machines cost is counted while they run', async () => {
  const { today, month, heldBy } = await client.showSpending();
  expect(today).toBeGreaterThan(0);
  expect(month).toBe(today);
  expect(heldBy).toBeUndefined();
});
