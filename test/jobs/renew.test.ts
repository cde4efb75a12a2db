/** Encodes that another version of the code was asked for: what dispatch makes of them. */
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type Claim, claimVideo } from '../../jobs/claim.ts';
import { readFailure, recordFailure } from '../../jobs/failed.ts';
import type { Encode } from '../../jobs/messages.ts';
import { jobKeys, newVideoId, type Revision, sourceKey } from '../../jobs/names.ts';
import { openSince } from '../../jobs/open.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import { renew } from '../../jobs/renew.ts';
import { readRequests, readSettings, requestedRevision, requestRevision } from '../../jobs/requests.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { RECIPE_VERSION } from '../../video/settings.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { askedOf, NEWER, OLDER } from '../support/recipes.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({ region: 'us-east-1' }), 'uploads');
const video = newVideoId();
let claim: Claim;

beforeEach(async () => {
  captureLog();
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  const time = '2026-01-02T03:04:05.000Z';
  const object = { bucket: 'uploads', key: sourceKey(video), etag: 'e1', size: 5, time };
  ({ claim } = await claimVideo(uploads, object));
});
afterEach(() => {
  jest.restoreAllMocks();
});

const asked = (recipe: number) => askedOf(recipe, uploads, video, claim);

async function makeAll(encode: Encode): Promise<void> {
  await uploads.putOnceJson(jobKeys.plan(video, encode.revision), tinyPlan(encode.revision));
  for (const receipt of tinyReceipts()) await writeReceipt(uploads, encode, receipt);
}

describe.each([
  ['older', OLDER],
  ['newer', NEWER],
])('an encode of an %s recipe', (_, recipe) => {
  test('gives way to one of the same settings and this code’s recipe, open and asked for', async () => {
    const before = await asked(recipe);
    const renewed = await renew(uploads, before);
    expect(renewed).toBeDefined();
    if (!renewed) return;
    const { settings } = await readSettings(uploads, video, before.revision);
    expect(await readSettings(uploads, video, renewed.revision)).toEqual({
      recipe: RECIPE_VERSION,
      settings,
    });
    expect(await requestedRevision(uploads, video)).toBe(renewed.revision);
    expect(await openSince(uploads, renewed)).toBeDefined();
    expect(await readFailure(uploads, before)).toMatchObject({ code: 'superseded' });
  });

  test('is asked for anew once, however many workers tell of it', async () => {
    const before = await asked(recipe);
    const renewed = await Promise.all(Array.from({ length: 10 }, () => renew(uploads, before)));
    expect(renewed.filter((encode) => encode !== undefined)).toHaveLength(1);
    expect(await renew(uploads, before)).toBeUndefined();
    expect(await readRequests(uploads, video)).toHaveLength(2);
  });

  test('ends without another where somebody asked for a third meanwhile', async () => {
    const before = await asked(recipe);
    const third = '0123456789ab' as Revision; // of the form
    await requestRevision(uploads, video, third);
    expect(await renew(uploads, before)).toBeUndefined();
    expect(await requestedRevision(uploads, video)).toBe(third);
    expect(await readFailure(uploads, before)).toMatchObject({ code: 'superseded' });
  });

  test('that has failed stays as it is', async () => {
    const before = await asked(recipe);
    await recordFailure(uploads, before, { code: 'empty', message: '' });
    expect(await renew(uploads, before)).toBeUndefined();
    expect(await requestedRevision(uploads, video)).toBe(before.revision);
  });

  test('of a deleted video is left alone', async () => {
    const before = await asked(recipe);
    objects.clear();
    expect(await renew(uploads, before)).toBeUndefined();
    expect(objects.size).toBe(0);
  });
});

test('where an upgrade is taken back, the encode from before goes on', async () => {
  const own = await asked(RECIPE_VERSION);
  await recordFailure(uploads, own, { code: 'superseded', message: '' });
  const newer = await asked(NEWER);
  const before = await renew(uploads, newer);
  expect(before?.video).toBe(video);
  expect(await readFailure(uploads, before ?? newer)).toBeUndefined();
});

test.each([
  ['this code’s recipe', RECIPE_VERSION, 'finished as it is'],
  ['an older recipe', OLDER, 'finished as it is'],
  ['a newer recipe', NEWER, 'asked for anew'],
])('an encode of %s (%i) whose media are all there is %s', async (_, recipe, end) => {
  const before = await asked(recipe);
  await makeAll(before);
  const stays = end === 'finished as it is';
  expect((await renew(uploads, before)) === undefined).toBe(stays);
  expect((await requestedRevision(uploads, video)) === before.revision).toBe(stays);
});

test('an encode of this code’s recipe goes on', async () => {
  const own = await asked(RECIPE_VERSION);
  expect(await renew(uploads, own)).toBeUndefined();
  expect(await requestedRevision(uploads, video)).toBe(own.revision);
  expect(await readFailure(uploads, own)).toBeUndefined();
});
