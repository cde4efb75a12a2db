/** Tokens of an OIDC issuer: real keys, published by a real server, and every way in which a token may be no good. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { startTestApi, type TestApi } from '../support/api.ts';

const AUDIENCE = 'spotreel-of-mine';
const KID = 'first';

let issuer: string;
let server: Server;
let api: TestApi;
let keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
/** Whether the issuer answers. */
let isAway = false;

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: KID, alg: 'RS256' }] });
  server = createServer((_, response) => {
    response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' }).end(jwks);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  issuer = `http://127.0.0.1:${port}`;
  api = await startTestApi({ oidc: { issuer, audience: AUDIENCE, jwksUri: `${issuer}/keys` } });
});
afterAll(async () => {
  server.close();
  await api.close();
});

interface Claims {
  readonly iss?: string;
  readonly aud?: string;
  readonly exp?: number | undefined;
  readonly sub?: string | null | undefined;
  readonly scope?: unknown;
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const claims = (changes: Claims = {}) => ({
  iss: issuer,
  aud: AUDIENCE,
  exp: inSeconds(60),
  sub: 'ann',
  scope: 'openid spotreel:read',
  ...changes,
});
const sign = (changes: Claims = {}, header = {}, key: CryptoKey | Uint8Array = keys.privateKey) =>
  // Some are what no issuer should sign.
  new SignJWT(claims(changes) as JWTPayload)
    .setProtectedHeader({ alg: 'RS256', kid: KID, ...header })
    .sign(key);
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const list = (token: string) => api.ask('GET', '/api/videos', token);

describe('a token of the issuer', () => {
  test('with the scope for it passes', async () => {
    expect((await list(await sign())).status).toBe(200);
  });

  test.each<[scope: unknown, allowed: Readonly<Record<'read' | 'upload' | 'admin', boolean>>]>([
    ['spotreel:read', { read: true, upload: false, admin: false }],
    ['spotreel:upload', { read: false, upload: true, admin: false }],
    ['spotreel:admin', { read: true, upload: true, admin: true }],
    [['spotreel:read', 'spotreel:upload'], { read: true, upload: true, admin: false }],
    ['read upload admin', { read: false, upload: false, admin: false }],
    ['spotreel:root spotreel: SPOTREEL:ADMIN', { read: false, upload: false, admin: false }],
    [undefined, { read: false, upload: false, admin: false }],
    [{ admin: true }, { read: false, upload: false, admin: false }],
  ])('with the scopes %j may do so much', async (scope, allowed) => {
    const token = await sign({ scope });
    const file = { fileName: 'a.mp4', size: 5, type: 'video/mp4' };
    const may = async (reply: Promise<{ status: number }>) => {
      const { status } = await reply;
      expect([200, 201, 403]).toContain(status);
      return status !== 403;
    };
    expect({
      read: await may(list(token)),
      upload: await may(api.ask('POST', '/api/uploads', token, file)),
      admin: await may(api.ask('GET', '/api/tokens', token)),
    }).toEqual(allowed);
  });

  test('is its person’s: another’s Idempotency-Key is another', async () => {
    const file = { fileName: 'a.mp4', size: 5, type: 'video/mp4' };
    const create = async (sub: string) => {
      const token = await sign({ sub, scope: 'spotreel:upload' });
      return (await api.ask('POST', '/api/uploads', token, file, { 'idempotency-key': 'k' })).body.id;
    };
    expect(await create('ann')).toBe(await create('ann'));
    expect(await create('ann')).not.toBe(await create('bob'));
  });
});

describe('is refused:', () => {
  test.each<[name: string, token: () => Promise<string>, reason: string]>([
    ['an expired token', () => sign({ exp: inSeconds(-1) }), 'it has expired'],
    ['one for another audience', () => sign({ aud: 'other' }), "its claim 'aud'"],
    ['one without a subject', () => sign({ sub: undefined }), "its claim 'sub'"],
    ['one whose subject is no text', () => sign({ sub: null }), "its claim 'sub'"],
    ['one that never expires', async () => sign({ exp: undefined }), "its claim 'exp'"],
    ['one from another issuer', () => sign({ iss: 'https://else.example' }), 'no good'],
    [
      'one without a signature',
      async () => `${base64({ alg: 'none', kid: KID })}.${base64(claims())}.`,
      'no good',
    ],
    [
      'one signed with the published key as a secret',
      async () => sign({}, { alg: 'HS256' }, new TextEncoder().encode(await exportSPKI(keys.publicKey))),
      'its algorithm is not taken',
    ],
    ['one of a key that is not published', () => sign({}, { kid: 'other' }), 'publishes no such key'],
    [
      'one signed by another key of the same name',
      async () => sign({}, {}, (await generateKeyPair('RS256')).privateKey),
      'its signature does not hold',
    ],
    [
      'one with other words under its signature',
      async () => {
        const [head, , signature] = (await sign()).split('.');
        return `${head}.${base64(claims({ scope: 'spotreel:admin' }))}.${signature}`;
      },
      'its signature does not hold',
    ],
    ['a word', async () => 'wrong', 'neither an API token (spr_…) nor a JWT'],
    ['one that is cut off', async () => (await sign()).split('.').slice(0, 2).join('.'), 'no good'],
  ])('%s', async (_, token, reason) => {
    const { status, body } = await list(await token());
    expect([status, body.type]).toEqual([401, '/api/problems#unauthenticated']);
    expect(body.detail).toContain(reason);
  });
});

test('while the issuer’s keys can not be had, callers are told to come back, not that their tokens are bad', async () => {
  isAway = true;
  const fresh = await startTestApi({ oidc: { issuer, audience: AUDIENCE, jwksUri: `${issuer}/keys` } });
  try {
    const { status, body, headers } = await fresh.ask('GET', '/api/videos', await sign());
    expect([status, body.type]).toEqual([503, '/api/problems#unavailable']);
    expect(headers.get('retry-after')).toBe('10');
    isAway = false;
    expect((await fresh.ask('GET', '/api/videos', await sign())).status).toBe(200);
  } finally {
    await fresh.close();
  }
});
