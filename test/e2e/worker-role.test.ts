/**
 * A worker may do what its code does, and no more: here it makes videos of every kind. Nothing is denied, and every
 * permission is used. The permissions are those of the synthesized stack (test/lib/policies.test.ts).
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { claimVideo } from '../../jobs/claim.ts';
import { readFailure } from '../../jobs/failed.ts';
import { newVideoId, sourceKey, type VideoId, videoKeys } from '../../jobs/names.ts';
import { recordPending } from '../../jobs/pending.ts';
import { publishedRevision } from '../../jobs/publish.ts';
import { readRequests, requestFirst } from '../../jobs/requests.ts';
import type { RoleCall } from '../../local/iam/iam.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { ffmpeg } from '../support/media.ts';
import { unusedPermissions } from '../support/permissions.ts';
import { askedOf, NEWER, OLDER } from '../support/recipes.ts';

const calls: RoleCall[] = [];
let folder: string;
let platform: LocalPlatform;
/** The ends of keys whose uploads in parts S3 does not complete. */
const incompletable: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-worker-role-'));
  platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder, 'data'),
    workers: 1,
    onCall: (call) => calls.push(call),
    faults: {
      s3Request: (method, path) =>
        method === 'POST' &&
        incompletable.some((end) => path.includes(`${end}?`) && path.includes('uploadId'))
          ? { refuse: 'before' }
          : undefined,
      messageSent: () => 0,
      fleetRequested: () => undefined,
    },
  });
});
afterAll(async () => {
  await platform.close();
  await rm(folder, { recursive: true });
});

/** Four seconds of picture and sound. */
async function clip(name: string): Promise<Buffer> {
  const file = join(folder, name);
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4'];
  await ffmpeg(...picture, '-f', 'lavfi', '-i', 'sine=duration=4', '-pix_fmt', 'yuv420p', '-shortest', file);
  return readFile(file);
}

/** Uploads a source that is to be encoded with settings. */
async function upload(bytes: Buffer, settings: Record<string, unknown>): Promise<VideoId> {
  const { uploads } = platform.stores;
  const id = newVideoId();
  await recordPending(uploads, id, {
    ...{ fileName: 'a.ts', type: 'video/mp2t', size: bytes.length, settings },
    ...{ createdAt: new Date().toISOString(), createdBy: 'test' },
  });
  await uploads.put(sourceKey(id), bytes, { contentType: 'video/mp2t' });
  return id;
}

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await what())) await sleep(250);
}
const plays = (id: VideoId) => platform.stores.production.exists(videoKeys.master(id));
const aborted = (end: string) =>
  calls.some(({ action, resource }) => action === 's3:AbortMultipartUpload' && resource.endsWith(end));
const whisper = (model: string) => ({ engine: 'whisper', language: 'en', model });

test('a worker makes a video of a clock that jumps, with a model that is there', async () => {
  await platform.stores.uploads.put('models/any.bin', 'no model', { contentType: 'text/plain' });
  const part = await clip('a.ts');
  const id = await upload(Buffer.concat([part, part]), { transcribe: whisper('models/any.bin') });
  await until(() => plays(id));
});

test('a worker gives up what S3 does not complete', async () => {
  incompletable.push('source.nut', 'download.mp4');
  const part = await clip('b.ts');
  await upload(Buffer.concat([part, part]), {});
  await until(() => aborted('source.nut'));
  await upload(part, { download: '360p', transcribe: whisper('models/none.bin') });
  await until(() => aborted('download.mp4'));
});

test.each([
  ['older', OLDER],
  ['newer', NEWER],
])('an encode that %s code was asked for plays as this code makes it', async (_, recipe) => {
  const { uploads, production } = platform.stores;
  const bytes = await clip('c.ts');
  const key = sourceKey(newVideoId());
  const etag = createHash('md5').update(bytes).digest('hex');
  const object = { bucket: uploads.bucket, key, etag, size: bytes.length, time: new Date().toISOString() };
  const { video, claim } = await claimVideo(uploads, object);
  const before = await askedOf(recipe, uploads, video, claim);
  await uploads.put(key, bytes, { contentType: 'video/mp2t' });
  await until(() => plays(video));
  const playing = await publishedRevision(production, video);
  expect((await readRequests(uploads, video)).map(({ revision }) => revision)).toEqual([
    before.revision,
    playing,
  ]);
  expect(await readFailure(uploads, before)).toMatchObject({ code: 'superseded' });
});

test('a worker ends a video whose source is gone', async () => {
  const { uploads } = platform.stores;
  const settings = encodeSettingsSchema.parse({});
  const object = { bucket: uploads.bucket, size: 1, etag: 'e', time: new Date().toISOString() };
  const { video, claim } = await claimVideo(uploads, { ...object, key: sourceKey(newVideoId()) });
  const encode = { video, revision: await requestFirst(uploads, video, claim, settings) };
  await platform.sqs.send('uploads', JSON.stringify({ requeue: encode }));
  await until(async () => (await readFailure(uploads, encode)) !== undefined);
});

test('nothing is denied to any role', () => {
  expect(calls.filter(({ isAllowed }) => !isAllowed)).toEqual([]);
});

test('a worker uses every permission that it has', async () => {
  // An orderly end is part of it.
  await platform.close();
  expect(unusedPermissions(['worker'], calls)).toEqual([]);
});
