/** Machines that EC2 takes back, and tasks that take their machines along. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { JOBS_PREFIX, newVideoId, sourceKey, type VideoId } from '../../jobs/names.ts';
import { type VideoStatus, videoStatus } from '../../jobs/status.ts';
import { readTrace } from '../../jobs/trace.ts';
import { readWorker } from '../../jobs/workers.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { FAILURES } from '../../video/failures.ts';
import { ffmpeg } from '../support/media.ts';
import { expectByTheBook, OWNER, scratch, treeOf } from '../support/spotreel.ts';

const PATH = process.env['PATH'];
let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;

beforeAll(async () => {
  folder = await scratch();
});
afterEach(async () => {
  try {
    await expectByTheBook(platform);
  } finally {
    await platform.close();
    process.env['PATH'] = PATH;
  }
});
afterAll(() => folder.remove());

async function start(name: string, workers: number): Promise<LocalPlatform> {
  platform = await startLocalPlatform({ port: 0, dataDir: join(folder.path, name), workers });
  return platform;
}

async function makeSource(seconds: number): Promise<Buffer> {
  const file = join(folder.path, `${seconds}.mp4`);
  const picture = `testsrc2=size=1280x720:rate=30:duration=${seconds}`;
  await ffmpeg('-f', 'lavfi', '-i', picture, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', file);
  return readFile(file);
}

const upload = (video: VideoId, Body: Buffer) =>
  platform.s3.send(new PutObjectCommand({ Bucket: platform.uploadBucket, Key: sourceKey(video), Body }));

/** Waits for something; the test's own time limit ends what never comes. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await sleep(200);
  }
}

const ended = (video: VideoId): Promise<VideoStatus> =>
  until(async () => {
    const status = await videoStatus(platform.stores, video);
    return status?.state === 'ready' || status?.state === 'failed' ? status : undefined;
  });

/** An instance whose worker is at a chunk. */
const encoder = () =>
  until(async () => {
    for (const { instanceId, logFile } of platform.ec2.instances()) {
      const log = await readFile(logFile, 'utf8').catch(() => '');
      if (/"task-started".*"kind":"chunk"/.test(log)) return { instanceId, logFile };
    }
    return undefined;
  });

/** Every attempt that was recorded for a video. */
async function attempts(video: VideoId): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of platform.stores.uploads.list(`${JOBS_PREFIX}${video}/`))
    if (key.includes('/attempts/')) found.push((await platform.stores.uploads.getText(key)) ?? '');
  return found;
}

test('a machine that EC2 takes back hands its tasks on and is gone long before; the bytes are the same', async () => {
  const source = await makeSource(24);
  const video = newVideoId();
  await start('calm', 1);
  await upload(video, source);
  expect(await ended(video)).toMatchObject({ state: 'ready' });
  const undisturbed = await treeOf(platform.s3, video);
  await platform.close();

  await start('interrupted', 1);
  await upload(video, source);
  const { instanceId, logFile } = await encoder();
  expect(await until(() => readWorker(platform.stores.uploads, instanceId))).toMatchObject({
    id: instanceId,
  });
  platform.ec2.serveSpotNotice(instanceId);

  const ec2 = new EC2Client({ endpoint: platform.ec2Url, region: 'us-east-1', credentials: OWNER });
  const gone = await until(async () => {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    const instance = Reservations?.[0]?.Instances?.[0];
    return instance?.State?.Name === 'terminated' ? instance : undefined;
  });
  // By itself: EC2 would have called it a spot termination, two minutes after the notice.
  expect(gone.StateReason?.Code).toBe('Client.InstanceInitiatedShutdown');
  const log = await readFile(logFile, 'utf8');
  expect(log).toContain('"task-returned"');
  expect(log).not.toContain('worker-stopped-late');
  expect(await attempts(video)).toContainEqual(expect.stringContaining('"outcome": "interrupted"'));
  expect(await readWorker(platform.stores.uploads, instanceId)).toBeUndefined();

  expect(await ended(video)).toMatchObject({ state: 'ready' });
  expect(await treeOf(platform.s3, video)).toEqual(undisturbed);
  const trace = await readTrace(platform.stores.uploads, video);
  expect(trace?.spans).toContainEqual(
    expect.objectContaining({
      error: 'interrupted',
      attributes: expect.objectContaining({ worker: instanceId }),
    }),
  );
});

/** An ffmpeg whose first encode fails, and that takes the worker along with each later one. */
const POISON = `#!/bin/sh
case "$*" in *libx264*) ;; *) PATH=$REAL_PATH exec ffmpeg "$@" ;; esac
if [ -e "$0.failed" ]; then kill -9 $PPID; fi
touch "$0.failed"
echo '[error] this file is poison' >&2
exit 1
`;

test('a task that takes each of its workers along ends its video; the last words of the last that had any are kept, and not published', async () => {
  const bin = join(folder.path, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'ffmpeg'), POISON.replace('$REAL_PATH', PATH ?? ''));
  await writeFile(join(bin, 'bwrap'), '#!/bin/sh\nexit 1\n'); // in its cage, it could not reach the worker
  for (const program of ['ffmpeg', 'bwrap']) await chmod(join(bin, program), 0o755);
  process.env['PATH'] = `${bin}${delimiter}${PATH}`;
  await start('poisoned', 1);
  const sqs = new SQSClient({ endpoint: platform.sqsUrl, region: 'us-east-1', credentials: OWNER });
  await sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: `${platform.sqsUrl}/000000000000/tasks`,
      Attributes: { VisibilityTimeout: '10' }, // what a lost worker held comes back sooner
    }),
  );
  const video = newVideoId();
  await upload(video, await makeSource(4));
  expect(await ended(video)).toMatchObject({
    state: 'failed',
    failure: { code: 'gave-up', message: FAILURES['gave-up'] },
  });
  expect(await attempts(video)).toEqual([expect.stringContaining('this file is poison')]);
});
