/** Uploads over the API, for real: presigned PUTs and parts against S3 as it refuses and answers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  LARGEST_PART,
  LARGEST_UPLOAD,
  MOST_PARTS,
  partCountOf,
  partSizeFor,
  sizeOfPart,
} from '../../api/parts.ts';
import { claimVideo } from '../../jobs/claim.ts';
import { asVideoId, sourceKey } from '../../jobs/names.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
let token: string;

beforeAll(async () => {
  api = await startTestApi();
  token = await api.token('upload');
});
afterAll(() => api.close());

const FILE = { fileName: 'a.mp4', size: 5, type: 'video/mp4' };
const create = async (changes = {}, headers = {}) =>
  (await api.ask('POST', '/api/uploads', token, { ...FILE, ...changes }, headers)).body;
const put = async (
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) => (await fetch(url, { method: 'PUT', body, headers })).status;

test.each([1, 64 * 1024 ** 2 + 1, 20e9, 160 * 1024 ** 3, 5e12, LARGEST_UPLOAD])(
  'a file of %i bytes is cut into parts that S3 takes',
  (size) => {
    const partSize = partSizeFor(size);
    const count = partCountOf(size, partSize);
    expect(count).toBeLessThanOrEqual(MOST_PARTS);
    expect(partSize).toBeLessThanOrEqual(LARGEST_PART);
    const last = sizeOfPart(size, partSize, count) ?? 0;
    expect((count - 1) * partSize + last).toBe(size);
    expect(sizeOfPart(size, partSize, count + 1)).toBeUndefined();
  },
);

test.each<[options: object, status: number]>([
  [{ preset: 'fast', audioKbps: 192, loudness: 'normalise', download: '720p' }, 201],
  [{ rungs: [{ height: 360, crf: 23, maxKbps: 900 }] }, 201],
  // The owner's, for they cost several times as much, need what only the owner has, or are limits.
  [{ codecs: ['h264', 'av1'] }, 400],
  [{ hdr: 'keep' }, 400],
  [{ transcribe: {} }, 400],
  [{ maxBytes: 1e15 }, 400],
])('an upload with the options %j is answered with %i', async (options, status) => {
  expect((await api.ask('POST', '/api/uploads', token, { ...FILE, options })).status).toBe(status);
});

describe('one PUT', () => {
  test('goes to exactly the key of its id, and completes', async () => {
    const upload = await create();
    expect(upload).toMatchObject({ method: 'put', size: 5 });
    const path = `/api/uploads/${upload.id}/complete`;
    expect((await api.ask('POST', path, token, {})).status).toBe(409);
    expect(await put(upload.url, 'hello', { 'content-type': 'video/mp4' })).toBe(200);
    expect((await api.ask('POST', path, token, {})).status).toBe(200);
    expect(await api.context.stores.uploads.getText(`uploads/${upload.id}/source`)).toBe('hello');
  });

  test.each([
    ['a byte more', 'hello!', { 'content-type': 'video/mp4' }],
    ['a byte less', 'hell', { 'content-type': 'video/mp4' }],
    ['another type', 'hello', { 'content-type': 'text/html' }],
    ['no type', 'hello', {}],
  ])('is refused with %s', async (_, body, headers) => {
    expect(await put((await create()).url, Buffer.from(body), { ...headers })).toBe(403);
  });

  test('is refused under another key', async () => {
    const [one, other] = [await create(), await create()];
    const url = one.url.replace(one.id, other.id);
    expect(await put(url, 'hello', { 'content-type': 'video/mp4' })).toBe(403);
  });

  test('with a SHA-256 takes no other content', async () => {
    const sha256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='; // of `hello`
    const { url, headers } = await create({ sha256 });
    const { 'content-length': _, ...sent } = headers;
    expect(await put(url, 'jello', sent)).toBe(400);
    expect(await put(url, 'hello', sent)).toBe(200);
  });
});

describe('an upload', () => {
  const size = 64 * 1024 ** 2 + 1;

  test.each([
    ['GET', '', undefined],
    ['DELETE', '', undefined],
    ['POST', '/parts', { numbers: [1] }],
    ['GET', '/parts', undefined],
    ['POST', '/complete', {}],
  ])('is its creator’s: %s …%s is refused to another with the scope `upload`', async (method, rest, body) => {
    const { id } = await create({ size });
    const path = `/api/uploads/${id}${rest}`;
    expect((await api.ask(method, path, await api.token('upload'), body)).status).toBe(403);
    expect((await api.ask(method, path, token, body)).status).not.toBe(403);
  });

  test('is an administrator’s, too', async () => {
    const { id } = await create();
    expect((await api.ask('GET', `/api/uploads/${id}`, await api.token('admin'))).status).toBe(200);
  });

  test('that became a video gives no URL that would replace its source', async () => {
    const headers = { 'idempotency-key': 'claimed' };
    const { id } = await create({}, headers);
    const key = sourceKey(asVideoId(id));
    const object = { bucket: 'uploads', key, size: 5, etag: 'e', time: '2026-01-01T00:00:00Z' };
    await claimVideo(api.context.stores.uploads, object);
    const { status, body } = await api.ask('GET', `/api/uploads/${id}`, token);
    expect([status, body.id, body.url]).toEqual([200, id, undefined]);
    expect((await create({}, headers)).url).toBeUndefined();
  });
});

describe('parts', () => {
  const size = 64 * 1024 ** 2 + 7;

  test('are signed for their own bytes, listed to resume, and only whole made one file', async () => {
    const upload = await create({ size });
    expect(upload).toMatchObject({ method: 'multipart', partCount: 5 });
    const path = `/api/uploads/${upload.id}`;
    const sign = async (...numbers: number[]) =>
      (await api.ask('POST', `${path}/parts`, token, { numbers })).body.parts;
    const bytes = (number: number) =>
      new Uint8Array(sizeOfPart(size, upload.partSize, number) ?? 0).fill(number);

    const [first, second] = await sign(1, 5);
    expect([first.size, second.size]).toEqual([upload.partSize, 7]);
    expect(await put(first.url, bytes(5))).toBe(403);
    expect(await put(first.url, bytes(1))).toBe(200);
    expect(await put(second.url, bytes(5))).toBe(200);

    const listed = (await api.ask('GET', `${path}/parts`, token)).body;
    expect(listed.parts.map(({ number }: { number: number }) => number)).toEqual([1, 5]);
    const early = await api.ask('POST', `${path}/complete`, token, {});
    expect(early).toMatchObject({ status: 409, body: { missing: [2, 3, 4] } });

    for (const { number, url } of await sign(2, 3, 4)) expect(await put(url, bytes(number))).toBe(200);
    const wrong = { parts: [1, 2, 3, 4, 5].map((number) => ({ number, etag: 'x' })) };
    expect((await api.ask('POST', `${path}/complete`, token, wrong)).status).toBe(409);
    expect((await api.ask('POST', `${path}/complete`, token, {})).status).toBe(200);
    expect((await api.ask('POST', `${path}/complete`, token, {})).status).toBe(200);
    expect((await api.ask('GET', `${path}/parts`, token)).status).toBe(410);
  });

  test('there are no others', async () => {
    const { id } = await create({ size });
    expect((await api.ask('POST', `/api/uploads/${id}/parts`, token, { numbers: [6] })).status).toBe(400);
  });

  test('an abort drops them, and the id with them', async () => {
    const { id } = await create({ size });
    const [{ url }] = (await api.ask('POST', `/api/uploads/${id}/parts`, token, { numbers: [5] })).body.parts;
    expect((await api.ask('DELETE', `/api/uploads/${id}`, token)).status).toBe(204);
    expect((await api.ask('DELETE', `/api/uploads/${id}`, token)).status).toBe(204);
    expect(await put(url, new Uint8Array(7))).toBe(404);
    expect((await api.ask('GET', `/api/uploads/${id}`, token)).status).toBe(404);
    expect(await api.keysOf(id)).toEqual([`uploads/deleted/${id}`]);
  });
});

describe('a creation under an Idempotency-Key', () => {
  const key = (name: string) => ({ 'idempotency-key': name });

  test('is made once, also by ten at the same moment', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => create({ size: 1e9 }, key('ten'))));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect((await create({}, key('other'))).id).not.toBe(made[0].id);
  });

  test('is refused for another body, and another caller’s key is another', async () => {
    const first = await create({}, key('k'));
    const again = await api.ask('POST', '/api/uploads', token, { ...FILE, size: 6 }, key('k'));
    expect(again).toMatchObject({ status: 422, body: { type: '/api/problems#idempotency-mismatch' } });
    const another = await api.ask('POST', '/api/uploads', await api.token('upload'), FILE, key('k'));
    expect(another.body.id).not.toBe(first.id);
  });
});
