/** Announcing never fails, never holds anybody up, and leaves the last message for who comes late. */
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { announcePublished, deletedLive, IotAnnouncer } from '../../jobs/announcer.ts';
import { type Live, liveSchema } from '../../jobs/live-message.ts';
import { jobKeys, newVideoId, revisionOf } from '../../jobs/names.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { captureLog } from '../support/log-lines.ts';
import { serveS3 } from '../support/memory-s3.ts';

const iot = mockClient(IoTDataPlaneClient);
const LIVE: Live = { id: '0123456789abcdefghjk', state: 'encoding', percent: 5, findings: [] };
let announcer: IotAnnouncer;
let logged: ReturnType<typeof captureLog>;

beforeEach(() => {
  iot.reset();
  logged = captureLog();
  announcer = new IotAnnouncer(new IoTDataPlaneClient({ region: 'eu-test-1' }), 'spotreel/demo');
});
afterEach(() => {
  jest.restoreAllMocks();
});

test('a message is retained under the video’s topic, for a while', async () => {
  announcer.announce(LIVE);
  announcer.announce(deletedLive(LIVE.id));
  await announcer.settled();
  const [first, last] = iot.commandCalls(PublishCommand).map(({ args }) => args[0].input);
  expect(first).toMatchObject({
    topic: `spotreel/demo/videos/${LIVE.id}`,
    retain: true,
    messageExpiry: 3600,
  });
  expect(last).toMatchObject({ retain: true, messageExpiry: 86_400 });
  expect(liveSchema.parse(JSON.parse(String(first?.payload)))).toMatchObject(LIVE);
});

test('what is refused is logged, and nobody fails', async () => {
  iot.on(PublishCommand).rejects(new Error('Forbidden'));
  announcer.announce(LIVE);
  announcer.announce(() => Promise.reject(new Error('S3 is away')));
  await announcer.settled();
  expect(logged().filter(({ event }) => event === 'not-announced')).toHaveLength(2);
});

test('a broker that does not answer is given up: a Lambda ends all the same', async () => {
  const given: Array<AbortSignal | undefined> = [];
  jest.spyOn(IoTDataPlaneClient.prototype, 'send').mockImplementation((async (
    _: unknown,
    options?: { abortSignal?: AbortSignal },
  ) => {
    const signal = options?.abortSignal;
    given.push(signal);
    await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  }) as never); // of its many overloads the one that is called
  announcer.announce(LIVE);
  await announcer.settled();
  expect(given[0]?.aborted).toBe(true);
});

test('where a video plays is told with it, but of a private one', async () => {
  const s3 = mockClient(S3Client);
  serveS3(s3, new Map());
  const stores = {
    uploads: new ObjectStore(new S3Client({}), 'uploads'),
    production: new ObjectStore(new S3Client({}), 'production'),
  };
  const encode = { video: newVideoId(), revision: revisionOf({ etag: 'e', size: 5 }, {}) };
  const told = async () => {
    announcePublished(announcer, stores, encode);
    await announcer.settled();
    const payload = iot.commandCalls(PublishCommand).at(-1)?.args[0].input.payload;
    return liveSchema.parse(JSON.parse(String(payload)));
  };
  expect(await told()).toMatchObject({ state: 'ready', playbackUrl: `/v/${encode.video}/master.m3u8` });
  await stores.uploads.putJson(jobKeys.edits(encode.video), { visibility: 'private' });
  const { state, playbackUrl } = await told();
  expect([state, playbackUrl]).toEqual(['ready', undefined]);
});
