/** What an encode's trace alone reads: deleted when its days are over, of what nobody works on. */
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { recordAttempt } from '../../jobs/attempts.ts';
import { claimVideo } from '../../jobs/claim.ts';
import { deleteVideo } from '../../jobs/deletion.ts';
import { recordPart } from '../../jobs/early.ts';
import { recordFailure } from '../../jobs/failed.ts';
import { markEnded, mendHistory } from '../../jobs/history.ts';
import type { Encode } from '../../jobs/messages.ts';
import { ENDED_PREFIX, jobKeys, newVideoId, openKey, revisionOf, sourceKey } from '../../jobs/names.ts';
import { unmarkOpen } from '../../jobs/open.ts';
import { publish, republish } from '../../jobs/publish.ts';
import { reencode, retry, rollback } from '../../jobs/redrive.ts';
import { requestFirst } from '../../jobs/requests.ts';
import { readTrace } from '../../jobs/trace.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { captureLog } from '../support/log-lines.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { silentEdge } from '../support/silent-edge.ts';
import { makeTiny, tinyReceipts } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const objects: Objects = new Map();
const times = new Map<string, Date>();
const stores = memoryStores();
const { uploads } = stores;
const settings = encodeSettingsSchema.parse({});
const redriver = {
  stores,
  sqs: new SQSClient({ region: 'us-east-1' }),
  uploadsQueueUrl: 'http://127.0.0.1/uploads',
  settings,
};
const DAY = 24 * 3_600_000;
const KEPT_DAYS = 30;
/** When it is over for what ended on day 0: at the beginning of that day, as it may have ended at its end. */
const OVER = KEPT_DAYS + 1;
const START = Date.now();
const dayAt = (day: number): Date => new Date(START + day * DAY);

/** A run of mend so many days after the beginning. */
const mendOnDay = (day: number, deadline = Number.POSITIVE_INFINITY): Promise<void> =>
  mendHistory({ uploads, keptDays: KEPT_DAYS, now: dayAt(day), deadline });

/** Does something so many days after the beginning, as far as objects tell. */
async function onDay(day: number, work: () => Promise<unknown>): Promise<void> {
  const before = new Map(times);
  await work();
  for (const [name, time] of times) if (before.get(name) !== time) times.set(name, dayAt(day));
}

/** Leaves of an encode what only its trace reads. */
async function leaveHistory(encode: Encode): Promise<void> {
  const { video, revision } = encode;
  const [sound] = tinyReceipts();
  const [part] = sound?.objects ?? [];
  if (!sound || !part) throw new Error('the tiny video has no sound');
  const { worker, startedAt, finishedAt } = sound;
  await uploads.putOnceJson(jobKeys.planned(video, revision), { worker, startedAt, finishedAt });
  await uploads.putOnceJson(jobKeys.watchable(video, revision), { at: finishedAt });
  await recordPart(uploads, { kind: 'audio', index: 0, ...encode }, 0, part);
  await leaveTry(encode);
}
const leaveTry = (encode: Encode): Promise<void> =>
  recordAttempt(
    uploads,
    { kind: 'chunk', index: 0, ...encode },
    { at: '2026-01-02T03:04:05.000Z', instance: 'i-1', receiveCount: 1, outcome: 'failed' },
  );

const keysBelow = (prefix: string): string[] =>
  [...objects.keys()].flatMap((name) =>
    name.startsWith(`uploads/${prefix}`) ? [name.slice('uploads/'.length)] : [],
  );
const stateOf = ({ video, revision }: Encode) => keysBelow(jobKeys.encode(video, revision));
const HISTORY = /\/(planned\.json|watchable\.json|parts\/.*|attempts\/.*)$/;
const historyOf = (encode: Encode) => stateOf(encode).filter((key) => HISTORY.test(key));

/** A video that is claimed, and the encode that was asked for. */
async function asked(): Promise<Encode> {
  const video = newVideoId();
  const object = {
    bucket: 'uploads',
    key: sourceKey(video),
    etag: 'e',
    size: 5,
    time: '2026-01-02T03:04:05Z',
  };
  const { claim } = await claimVideo(uploads, object);
  return { video, revision: await requestFirst(uploads, video, claim, settings) };
}

/** A video that plays, and whose encode ended on day 0. */
async function ready(): Promise<Encode> {
  const encode = await asked();
  await makeTiny(stores, encode);
  await leaveHistory(encode);
  await publish(stores, encode);
  await markEnded(uploads, encode, dayAt(0));
  return encode;
}

beforeEach(() => {
  s3.reset();
  sqs.reset();
  objects.clear();
  times.clear();
  serveS3(s3, objects, times);
  s3.on(ListMultipartUploadsCommand).resolves({});
  sqs.on(SendMessageCommand).resolves({});
  captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('the history of an encode', () => {
  test('is deleted when its days are over: what its trace alone reads, and nothing else', async () => {
    const encode = await ready();
    expect(historyOf(encode)).toHaveLength(4);
    const kept = [...objects.keys()].filter((key) => !HISTORY.test(key) && !key.includes(`/${ENDED_PREFIX}`));
    await mendOnDay(OVER);
    expect([...objects.keys()]).toEqual(kept);
  });

  test('is there until then, at the cost of one listing a run', async () => {
    const encode = await ready();
    s3.resetHistory();
    await mendOnDay(KEPT_DAYS);
    expect(s3.calls().map(({ args }) => args[0].constructor.name)).toEqual(['ListObjectsV2Command']);
    expect(historyOf(encode)).toHaveLength(4);
  });

  test('is missed by nothing but its trace, which tells of what was made', async () => {
    const encode = await ready();
    const before = await readTrace(uploads, encode.video);
    await mendOnDay(OVER);
    const after = await readTrace(uploads, encode.video);
    const tasks = (trace: typeof before) =>
      trace?.spans.flatMap(({ attributes, error }) => (error ? [] : (attributes['task'] ?? [])));
    expect(tasks(before)).toEqual(['plan', ...(tasks(after) ?? [])]);
    expect(tasks(after)).toHaveLength(3);
    await republish(stores, encode.video);
    const { revision } = await reencode(redriver, encode.video, { preset: 'superfast' });
    await makeTiny(stores, { ...encode, revision });
    await publish(stores, { ...encode, revision });
    expect(await rollback(redriver, encode.video)).toEqual({ revision: encode.revision });
  });
});

describe('the history stays', () => {
  const CASES: readonly (readonly [what: string, since: (encode: Encode) => Promise<unknown>])[] = [
    ['of an encode that is tried again', ({ video }) => retry(redriver, video)],
    [
      'of one that was tried again in vain within its days',
      (encode) =>
        onDay(20, async () => {
          await retry(redriver, encode.video);
          await leaveTry(encode);
          await recordFailure(uploads, encode, { code: 'gave-up', message: '' });
        }),
    ],
  ];

  test.each(CASES)('%s, until it has ended for so many days', async (_, since) => {
    const encode = await asked();
    await makeTiny(stores, encode);
    await leaveHistory(encode);
    await recordFailure(uploads, encode, { code: 'gave-up', message: '' });
    await markEnded(uploads, encode, dayAt(0));
    await since(encode);
    const before = historyOf(encode);
    await mendOnDay(OVER);
    await mendOnDay(2 * OVER - 1);
    expect(historyOf(encode)).toEqual(before);
    await unmarkOpen(uploads, encode);
    await mendOnDay(2 * OVER);
    expect(historyOf(encode)).toEqual([]);
    expect(keysBelow(ENDED_PREFIX)).toEqual([]);
  });

  test('of an encode that was never planned: its tries alone tell why', async () => {
    const encode = await asked();
    await leaveTry(encode);
    await recordFailure(uploads, encode, { code: 'gave-up', message: '' });
    await markEnded(uploads, encode, dayAt(0));
    await mendOnDay(OVER);
    expect(historyOf(encode)).toHaveLength(1);
    expect(keysBelow(ENDED_PREFIX)).toEqual([]);
  });
});

describe('a mark', () => {
  test('of a video that is deleted brings nothing back, and goes when its days are over', async () => {
    const { video } = await ready();
    await deleteVideo({ stores, edge: silentEdge }, video, Number.POSITIVE_INFINITY);
    await mendOnDay(OVER);
    expect([...objects.keys()].filter((key) => key.includes(video))).toEqual([`uploads/deleted/${video}`]);
  });

  test.each(['deleteKeys', 'delete'] as const)(
    'stays where mend ends at %s, and the next run goes on',
    async (call) => {
      const encode = await ready();
      jest.spyOn(uploads, call).mockRejectedValueOnce(new Error('503'));
      await mendOnDay(OVER);
      expect(keysBelow(ENDED_PREFIX)).toHaveLength(1);
      await mendOnDay(OVER);
      expect(historyOf(encode)).toEqual([]);
      expect(keysBelow(ENDED_PREFIX)).toEqual([]);
    },
  );

  test('that can not be looked after keeps no other waiting, and is told', async () => {
    const [broken, whole] = [await ready(), await ready()];
    await uploads.put(openKey(broken.video, broken.revision), '{', { contentType: 'application/json' });
    const lines = captureLog();
    await mendOnDay(OVER);
    expect(historyOf(whole)).toEqual([]);
    expect(historyOf(broken)).toHaveLength(4);
    expect(lines().map(({ event }) => event)).toContain('history-not-deleted');
  });

  test('that does not fit into a run is left to the next one', async () => {
    const revision = revisionOf({ etag: 'e', size: 5 }, settings);
    for (let count = 0; count < 25; count++)
      await markEnded(uploads, { video: newVideoId(), revision }, dayAt(0));
    await mendOnDay(OVER, 0);
    expect(keysBelow(ENDED_PREFIX)).toHaveLength(5);
  });
});
