/** What a caller may use: videos in flight and bytes a day, however many uploads they create at once. */
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { claimVideo } from '../../jobs/claim.ts';
import { asVideoId, sourceKey, USAGE_PREFIX } from '../../jobs/names.ts';
import { unmarkOpen } from '../../jobs/open.ts';
import { requestFirst } from '../../jobs/requests.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

const QUOTA = { videosInFlight: 5, bytesADay: 1000 };
const HOUR = 3600;

let api: TestApi;
let token: string;

beforeEach(async () => {
  api = await startTestApi({ quota: QUOTA });
  token = await api.token('upload');
});
afterEach(() => api.close());

const create = (size = 1, as = token, headers = {}) =>
  api.ask('POST', '/api/uploads', as, { fileName: 'a.mp4', size, type: 'video/mp4' }, headers);
const createMany = (count: number, size = 1) =>
  Promise.all(Array.from({ length: count }, () => create(size)));

/** The video of an upload whose source came, while it is encoded. */
async function encoding(id: string) {
  const { uploads } = api.context.stores;
  const video = asVideoId(id);
  const object = {
    bucket: 'uploads',
    key: sourceKey(video),
    size: 1,
    etag: 'e',
    time: '2026-01-01T00:00:00Z',
  };
  const { claim } = await claimVideo(uploads, object);
  return { video, revision: await requestFirst(uploads, video, claim, api.context.settings) };
}

/** Makes what callers used so much older: S3 would not take requests of another time. */
async function later(seconds: number): Promise<void> {
  const { uploads } = api.context.stores;
  for await (const { key } of uploads.list(USAGE_PREFIX)) {
    const text = (await uploads.getText(key)) ?? '';
    const older = (_: string, at: string) =>
      `"at": "${new Date(Date.parse(at) - seconds * 1000).toISOString()}"`;
    await uploads.put(key, text.replaceAll(/"at": "([^"]+)"/g, older), { contentType: 'application/json' });
  }
}

describe('videos in flight', () => {
  test('are no more than allowed when fifty are created at once', async () => {
    const replies = await createMany(50);
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(QUOTA.videosInFlight);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(50 - QUOTA.videosInFlight);
  });

  test('that are too many are refused with the numbers, and when to ask again', async () => {
    await createMany(5);
    const { body, headers } = await create();
    expect(body).toMatchObject({
      type: '/api/problems#too-many-requests',
      detail: '5 videos are being uploaded or encoded, and 5 may be',
      quota: { of: 'videosInFlight', used: 5, limit: 5 },
    });
    expect(headers.get('retry-after')).toBe('30');
  });

  test('are those of one caller: another has their own', async () => {
    await createMany(5);
    expect((await create(1, await api.token('upload'))).status).toBe(201);
  });

  test('of an upload token are its maker’s', async () => {
    await createMany(5);
    const made = await api.ask('POST', '/api/upload-tokens', token, { maxBytes: 10 });
    expect((await create(1, made.body.token)).status).toBe(429);
  });

  test('are in flight until they end, claimed or encoding', async () => {
    const [first] = await createMany(5);
    const encode = await encoding(first?.body.id);
    expect((await create()).status).toBe(429);
    await unmarkOpen(api.context.stores.uploads, encode);
    expect((await create()).status).toBe(201);
    expect((await create()).status).toBe(429);
  });

  test('do not count a repetition under the same Idempotency-Key twice, even when there is no room', async () => {
    const key = { 'idempotency-key': 'k' };
    const first = await create(1, token, key);
    await createMany(4);
    expect((await create(1, token, key)).body.id).toBe(first.body.id);
  });

  test('are given back by an abort', async () => {
    const [first] = await createMany(5);
    await api.ask('DELETE', `/api/uploads/${first?.body.id}`, token);
    expect((await create()).status).toBe(201);
  });
});

test('whoever is refused looks up only once what has ended', async () => {
  const made = await createMany(5, 200); // all bytes of the day
  for (const { body } of made) await unmarkOpen(api.context.stores.uploads, await encoding(body.id));
  expect((await create()).body.quota.of).toBe('bytesADay');
  const send = jest.spyOn(S3Client.prototype, 'send');
  expect((await create()).status).toBe(429);
  const keys = send.mock.calls.map(([{ input }]) => JSON.stringify(input));
  expect(keys.filter((key) => /jobs|open/.test(key))).toEqual([]);
  send.mockRestore();
});

test('whoever always meets others that create at the same moment is told when to ask again', async () => {
  api.context.s3.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === 'PutObjectCommand' && JSON.stringify(args.input).includes(USAGE_PREFIX)) {
          const $metadata = { httpStatusCode: 412 };
          throw new S3ServiceException({ name: 'PreconditionFailed', $fault: 'client', $metadata });
        }
        return next(args);
      },
    { step: 'initialize' },
  );
  const { status, headers, body } = await create();
  expect([status, headers.get('retry-after'), body.type]).toEqual([503, '1', '/api/problems#unavailable']);
});

describe('bytes a day', () => {
  test('are no more than allowed when many are created at once', async () => {
    const replies = await createMany(5, 300);
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 201, 201, 429, 429]);
  });

  test('that do not fit may be sent when enough of them are a day old', async () => {
    await create(600);
    await later(HOUR);
    await create(300);
    await later(HOUR);
    const { body, headers } = await create(600);
    expect(body.quota).toEqual({ of: 'bytesADay', used: 900, limit: 1000 });
    const wait = Number(headers.get('retry-after'));
    expect(wait).toBeGreaterThan(21.9 * HOUR);
    expect(wait).toBeLessThanOrEqual(22 * HOUR);
    await later(wait);
    expect((await create(600)).status).toBe(201);
  });

  test('are given back by an abort, and not by deleting the video that they became', async () => {
    const { body: aborted } = await create(1000);
    await api.ask('DELETE', `/api/uploads/${aborted.id}`, token);
    const { body: sent } = await create(1000);
    await encoding(sent.id);
    await api.ask('DELETE', `/api/videos/${sent.id}`, await api.token('admin'));
    expect((await create(1)).status).toBe(429);
  });

  test('of one file that never fits are a refusal for good', async () => {
    const { status, body, headers } = await create(1001);
    expect(status).toBe(413);
    expect(body.detail).toBe('1000 bytes a day are allowed, and the file alone has 1001');
    expect(headers.has('retry-after')).toBe(false);
  });

  test('of an upload that S3 did not begin are given back', async () => {
    const size = 64 * 1024 ** 2 + 1; // in parts, which S3 must begin
    await api.close();
    api = await startTestApi({ quota: { ...QUOTA, bytesADay: size } });
    token = await api.token('upload');
    let isAway = true;
    api.context.s3.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (isAway && commandName === 'CreateMultipartUploadCommand') throw new Error('S3 is away');
          return next(args);
        },
      { step: 'initialize' },
    );
    expect((await create(size)).status).toBe(500);
    isAway = false;
    expect((await create(size)).status).toBe(201);
  });
});
