/** The status of a video that plays is told from what was published of it. */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { claimVideo } from '../../jobs/claim.ts';
import { jobKeys, newVideoId, sourceKey, videoKeys } from '../../jobs/names.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { publish, type Stores } from '../../jobs/publish.ts';
import { requestFirst } from '../../jobs/requests.ts';
import { videoStatus } from '../../jobs/status.ts';
import type { Finding } from '../../video/findings.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const PLANNED: Finding = { code: 'frame-rate', text: 'Seen before the first frame.' };
const SEEN_LATER: Finding = { code: 'broken-subtitles', text: 'Seen while encoding.' };
const CHAPTERS = [{ startSeconds: 1, endSeconds: 2.5, title: 'One' }];

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
const video = newVideoId();
let stores: Stores;

/** A video that was encoded and published, with a finding of each kind. */
async function publishVideo() {
  const { uploads, production } = stores;
  const { claim } = await claimVideo(uploads, {
    bucket: 'uploads',
    key: sourceKey(video),
    etag: 'e1',
    size: 5,
    time: '2026-01-02T03:04:05.000Z',
  });
  const revision = await requestFirst(uploads, video, claim, encodeSettingsSchema.parse({}));
  const plan = { ...tinyPlan(revision), findings: [PLANNED], chapters: CHAPTERS };
  await uploads.putOnceJson(jobKeys.plan(video, revision), plan);
  for (const receipt of tinyReceipts()) {
    for (const { rendition, file, bytes } of receipt.objects) {
      const key = videoKeys.media(video, revision, `${rendition}/${file}`);
      await production.putOnce(key, 'x'.repeat(bytes), { contentType: 'video/mp4' });
    }
    const findings = receipt.task === 'chunk-00001' ? [SEEN_LATER] : [];
    // Each chunk has half of the pictures; none is missing.
    const seen = { decoded: tinyPlan(revision).frames / 2, damaged: 0 };
    await writeReceipt(uploads, { video, revision }, { ...receipt, findings, seen });
  }
  await publish(stores, { video, revision });
}

beforeEach(async () => {
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  stores = memoryStores();
  await publishVideo();
});

test('has its length, its size, its chapters, and what came to light while it was encoded', async () => {
  expect(await videoStatus(stores, video)).toMatchObject({
    state: 'ready',
    durationSeconds: 8,
    encodedSeconds: 8,
    width: 640,
    height: 360,
    chapters: CHAPTERS,
    findings: [PLANNED, SEEN_LATER],
  });
});

test('takes one read for all of it, and none of the plan', async () => {
  const before = s3.commandCalls(GetObjectCommand).length;
  await videoStatus(stores, video);
  const read = s3.commandCalls(GetObjectCommand).slice(before);
  const keys = read.map(({ args }) => args[0].input.Key);
  expect(keys.filter((key) => key === videoKeys.details(video))).toHaveLength(1);
  expect(keys.filter((key) => key?.endsWith('/plan.json'))).toEqual([]);
});

test('counts the file for downloading with what is stored, whenever it was made', async () => {
  const before = await videoStatus(stores, video);
  const key = `production/${videoKeys.details(video)}`;
  const details = JSON.parse(objects.get(key) ?? '');
  objects.set(key, JSON.stringify({ ...details, download: { path: 'download.mp4', bytes: 1000 } }));
  const after = await videoStatus(stores, video);
  expect(after?.spent?.bytes).toBe((before?.spent?.bytes ?? 0) + 1000);
});

test('does not take what another revision left for its own', async () => {
  const key = `production/${videoKeys.details(video)}`;
  const details = JSON.parse(objects.get(key) ?? '');
  objects.set(key, JSON.stringify({ ...details, revision: 'ffffffffffff', width: 16, findings: [] }));
  expect(await videoStatus(stores, video)).toMatchObject({ width: 640, findings: [PLANNED] });
});
