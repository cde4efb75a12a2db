/** Events that S3 never told of are announced by the mender. */
import { S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { recordFailure } from '../../jobs/failed.ts';
import { mendEvents } from '../../jobs/mend-events.ts';
import { uploadedSchema } from '../../jobs/messages.ts';
import {
  deletedKey,
  ENDED_PREFIX,
  jobKeys,
  newVideoId,
  openKey,
  revisionOf,
  untoldKey,
  videoKeys,
} from '../../jobs/names.ts';
import { markOpen, unmarkOpen } from '../../jobs/open.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const objects: Objects = new Map();
const times = new Map<string, Date>();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
const production = new ObjectStore(new S3Client({}), 'production');
const encode = { video: newVideoId(), revision: revisionOf({ etag: 'e', size: 5 }, {}) };
const claim = jobKeys.claim(encode.video);
const failed = jobKeys.failed(encode.video, encode.revision);
const master = videoKeys.master(encode.video);
const TEXT = { contentType: 'text/plain' };

beforeEach(() => {
  for (const mock of [s3, sqs]) mock.reset();
  objects.clear();
  serveS3(s3, objects, times);
  captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Runs the mender so many minutes from now. @returns the keys of the objects that it announced */
async function announced(
  minutes: number,
  deadline = Number.POSITIVE_INFINITY,
  marksEnded = false,
): Promise<string[]> {
  sqs.resetHistory();
  await mendEvents({
    stores: { uploads, production },
    sqs: new SQSClient({}),
    eventsQueueUrl: 'http://127.0.0.1/events',
    now: new Date(Date.now() + minutes * 60_000),
    deadline,
    marksEnded,
  });
  const bodies = sqs.commandCalls(SendMessageCommand).map(({ args }) => args[0].input.MessageBody ?? '');
  return bodies.map((body) => uploadedSchema.parse(JSON.parse(body)).uploaded.key);
}

const isMarked = () => objects.has(`uploads/${untoldKey(encode.video, encode.revision)}`);

test('an encode that plays is announced once, after the quarter of an hour that S3 has', async () => {
  await uploads.put(claim, '{}', TEXT);
  await markOpen(uploads, encode);
  await production.put(master, '', TEXT);
  await unmarkOpen(uploads, encode);
  expect(await announced(14)).toEqual([]);
  expect(await announced(16)).toEqual([claim, master]);
  expect(isMarked()).toBe(false);
  expect(await announced(31)).toEqual([]);
});

test('an encode that failed is announced, though its mark is all that tells of it', async () => {
  await markOpen(uploads, encode);
  await recordFailure(uploads, encode, { code: 'empty', message: '' });
  expect(await announced(16)).toEqual([failed]);
});

test('an encode that has not ended waits for its end', async () => {
  await markOpen(uploads, encode);
  expect(await announced(600)).toEqual([]);
  expect(isMarked()).toBe(true);
});

test.each([
  ['is marked by its day where its history is deleted some day', true, 1],
  ['is not marked where its history stays', false, 0],
])('an encode that has ended %s', async (_, marksEnded, count) => {
  await markOpen(uploads, encode);
  const marks = async () => {
    await announced(16, Number.POSITIVE_INFINITY, marksEnded);
    return [...objects.keys()].filter((key) => key.startsWith(`uploads/${ENDED_PREFIX}`));
  };
  expect(await marks()).toEqual([]);
  await recordFailure(uploads, encode, { code: 'empty', message: '' });
  const { video, revision } = encode;
  const mark = expect.stringMatching(RegExp(`/\\d{4}-\\d\\d-\\d\\d/${video}/${revision}$`));
  expect(await marks()).toEqual(Array(count).fill(mark));
});

test('a deletion is announced for two hours', async () => {
  await uploads.put(deletedKey(encode.video), '', TEXT);
  expect(await announced(14)).toEqual([]);
  expect(await announced(16)).toEqual([deletedKey(encode.video)]);
  expect(await announced(121)).toEqual([]);
});

test('one whose objects can not be read keeps no other waiting', async () => {
  const broken = newVideoId();
  await uploads.put(untoldKey(broken, encode.revision), '', TEXT);
  await uploads.put(openKey(broken, encode.revision), '{}', TEXT);
  await uploads.put(untoldKey(encode.video, encode.revision), '', TEXT);
  await recordFailure(uploads, encode, { code: 'empty', message: '' });
  expect(await announced(16)).toEqual([failed]);
  expect(objects.has(`uploads/${untoldKey(broken, encode.revision)}`)).toBe(true);
});

test('what does not fit into a run is left to the next ones', async () => {
  const videos = Array.from({ length: 25 }, () => newVideoId());
  for (const video of videos)
    await recordFailure(uploads, { ...encode, video }, { code: 'empty', message: '' });
  for (const video of videos) await uploads.put(untoldKey(video, encode.revision), '', TEXT);
  const first = await announced(16, 0);
  expect(first).toHaveLength(20);
  expect([...first, ...(await announced(16, 0))].toSorted()).toEqual(
    videos.map((video) => jobKeys.failed(video, encode.revision)).toSorted(),
  );
});
