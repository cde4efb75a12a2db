/** An upload token opens one upload: a table of attempts at everything else, each refused. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { startTestApi, type TestApi } from '../support/api.ts';

const FILE = { fileName: 'a.mp4', size: 5, type: 'video/mp4' };
const MULTIPART = { ...FILE, size: 100e6 };

let api: TestApi;
let owner: string;
/** The upload of somebody else. */
let other: string;
let mine: { id: string; token: string };

beforeAll(async () => {
  api = await startTestApi();
  owner = await api.token('upload');
  other = (await api.ask('POST', '/api/uploads', owner, MULTIPART)).body.id;
  mine = await grant();
});
afterAll(() => api.close());

async function grant(changes = {}): Promise<{ id: string; token: string }> {
  const asked = { maxBytes: 100e6, type: 'video/mp4', ...changes };
  const { status, body } = await api.ask('POST', '/api/upload-tokens', owner, asked);
  expect(status).toBe(201);
  return body;
}

test('creates, sends and completes the upload of its id, and creates it no second time otherwise', async () => {
  const { id, token } = await grant({ title: 'Mine' });
  const upload = (await api.ask('POST', '/api/uploads', token, FILE)).body;
  expect(upload.id).toBe(id);
  expect((await api.ask('POST', '/api/uploads', token, FILE)).body.id).toBe(id);
  expect((await api.ask('POST', '/api/uploads', token, { ...FILE, size: 6 })).status).toBe(409);
  await fetch(upload.url, { method: 'PUT', body: 'hello', headers: { 'content-type': 'video/mp4' } });
  expect((await api.ask('POST', `/api/uploads/${id}/complete`, token, {})).status).toBe(200);
});

describe('is refused', () => {
  test.each<[name: string, method: string, path: () => string, body: unknown, status: number]>([
    ['a file that is larger', 'POST', () => '/api/uploads', { ...FILE, size: 100e6 + 1 }, 413],
    ['a file of another type', 'POST', () => '/api/uploads', { ...FILE, type: 'audio/mp4' }, 403],
    ['options', 'POST', () => '/api/uploads', { ...FILE, options: { preset: 'slow' } }, 403],
    ['another upload', 'GET', () => `/api/uploads/${other}`, undefined, 403],
    ['another’s parts', 'GET', () => `/api/uploads/${other}/parts`, undefined, 403],
    ['URLs for another’s parts', 'POST', () => `/api/uploads/${other}/parts`, { numbers: [1] }, 403],
    ['to complete another', 'POST', () => `/api/uploads/${other}/complete`, {}, 403],
    ['to abort another', 'DELETE', () => `/api/uploads/${other}`, undefined, 403],
    ['the list', 'GET', () => '/api/videos', undefined, 403],
    ['to delete', 'DELETE', () => `/api/videos/${mine.id}`, undefined, 403],
    ['to rename', 'PATCH', () => `/api/videos/${mine.id}`, { title: 'x' }, 403],
    ['to retry', 'POST', () => `/api/videos/${mine.id}/retry`, undefined, 403],
    ['to reencode', 'POST', () => `/api/videos/${mine.id}/reencode`, {}, 403],
    ['to roll back', 'POST', () => `/api/videos/${mine.id}/rollback`, {}, 403],
    ['subtitles', 'GET', () => `/api/videos/${mine.id}/subtitles`, undefined, 403],
    ['the tokens', 'GET', () => '/api/tokens', undefined, 403],
    ['to make a token', 'POST', () => '/api/tokens', { name: 'x', scopes: ['admin'] }, 403],
    ['to make an upload token', 'POST', () => '/api/upload-tokens', { maxBytes: 1 }, 403],
  ])('%s', async (_, method, path, body, status) => {
    const reply = await api.ask(method, path(), mine.token, body);
    expect({ status: reply.status, type: reply.type }).toEqual({ status, type: 'application/problem+json' });
  });
});

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = async (changes: { aud?: string; exp?: number; key?: Uint8Array }) =>
  new SignJWT({ grant: { video: mine.id, maxBytes: 1e9 }, by: 'x' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('spotreel')
    .setAudience(changes.aud ?? 'spotreel:upload')
    .setExpirationTime(changes.exp ?? Date.now() / 1000 + 100)
    .sign(changes.key ?? (await api.context.tokens.secret()));

describe('is worth nothing', () => {
  test.each<[name: string, token: () => Promise<string>]>([
    ['expired', () => sign({ exp: Date.now() / 1000 - 1 })],
    ['for another audience', () => sign({ aud: 'spotreel' })],
    ['signed by somebody else', () => sign({ key: new Uint8Array(32) })],
    ['without a signature', async () => `${base64({ alg: 'none' })}.${(await sign({})).split('.')[1]}.`],
    [
      'with another content under its signature',
      async () => {
        const [head, , signature] = (await sign({})).split('.');
        const payload = {
          grant: { video: other, maxBytes: 1e9 },
          by: 'x',
          iss: 'spotreel',
          aud: 'spotreel:upload',
        };
        return `${head}.${base64({ ...payload, exp: Date.now() })}.${signature}`;
      },
    ],
    ['cut off', async () => (await sign({})).slice(0, -5)],
    ['an API token that is not known', async () => `spr_${'A'.repeat(43)}`],
  ])('%s', async (_, token) => {
    const reply = await api.ask('POST', '/api/uploads', await token(), FILE);
    expect(reply).toMatchObject({ status: 401, body: { type: '/api/problems#unauthenticated' } });
  });

  test('but one that is in order passes', async () => {
    expect((await api.ask('POST', '/api/uploads', await sign({}), FILE)).status).toBe(201);
  });
});

test('a revoked API token opens nothing', async () => {
  const admin = await api.token('admin');
  const { id, token } = (await api.ask('POST', '/api/tokens', admin, { name: 'x', scopes: ['read'] })).body;
  expect((await api.ask('GET', '/api/videos', token)).status).toBe(200);
  expect((await api.ask('GET', '/api/tokens', token)).status).toBe(403);
  expect((await api.ask('DELETE', `/api/tokens/${id}`, admin)).status).toBe(204);
  // At once where it was revoked; others hear of it within a minute.
  expect((await api.ask('GET', '/api/videos', token)).status).toBe(401);
});
