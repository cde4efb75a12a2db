/** The local edge against an origin on the wire: it must behave as CloudFront before the same bucket. */
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { asVideoId } from '../../jobs/names.ts';
import { CACHE_CONTROL, ORIGIN_HEADER, securityHeaders } from '../../jobs/platform.ts';
import { whole } from '../../local/edge/answer.ts';
import { type Edge, startEdge } from '../../local/edge.ts';
import { rewriteSource, webFiles } from '../../web/files.ts';
import { BUCKET, type Origin, openStore, startOrigin } from '../support/origin.ts';

const ID = asVideoId('0123456789abcdefghjk');
const MASTER = `/v/${ID}/master.m3u8`;
const SHORT = `/v/${ID}/short.m3u8`;
const MEDIA = `/v/${ID}/0123456789ab/360p/chunk-00000.mp4`;
const LARGE = `/v/${ID}/0123456789ab/360p/chunk-00001.mp4`;

const PLAYLIST = Buffer.from(`#EXTM3U\n${'#EXT-X-STREAM-INF:BANDWIDTH=1\n360p.m3u8\n'.repeat(50)}`);
const BYTES = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));
const playlist = { contentType: 'application/vnd.apple.mpegurl', cacheControl: CACHE_CONTROL.replaceable };

const OBJECTS = new Map([
  [MASTER.slice(1), { ...playlist, body: PLAYLIST }],
  [SHORT.slice(1), { ...playlist, body: PLAYLIST.subarray(0, 999) }],
  [MEDIA.slice(1), { body: BYTES, contentType: 'video/mp4', cacheControl: CACHE_CONTROL.immutable }],
]);

/** Where the pages send files. */
const UPLOADS = 'https://uploads.example';
const SECURITY_HEADERS = securityHeaders([UPLOADS]);

let origin: Origin;
let edge: Edge;

beforeAll(async () => {
  origin = await startOrigin(OBJECTS);
  edge = await startEdge({
    port: 0,
    s3: origin.s3,
    bucket: BUCKET,
    api: async ({ method = '', url = '', headers: { [ORIGIN_HEADER]: asked } }) => {
      return whole(418, { 'content-type': 'application/json' }, JSON.stringify({ method, url, asked }));
    },
    store: openStore,
    connect: [UPLOADS],
  });
});

afterAll(async () => {
  await edge.close();
  await origin.close();
});

beforeEach(() => {
  origin.special.clear();
  origin.requests.length = 0;
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request as it goes over the wire: `fetch` would add an Accept-Encoding and undo the compression. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  const sent = request(edge.url, { path, method, headers });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage]; // what the event is documented to carry
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) };
}

const etagOf = async (path: string) => (await ask(path)).headers.etag ?? '';

describe('objects of the production bucket', () => {
  test('are read by signed GETs', async () => {
    await ask(MEDIA);
    expect(origin.requests[0]?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=edge\//);
  });

  test('keep their content, type, length, cache lifetime and ETag', async () => {
    const { status, headers, body } = await ask(MEDIA);
    expect(status).toBe(200);
    expect(body.equals(BYTES)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': '5000',
      'cache-control': CACHE_CONTROL.immutable,
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
    });
  });

  test.each([
    { range: 'bytes=0-99', first: 0, last: 99 },
    { range: 'bytes=4900-', first: 4900, last: 4999 },
    { range: 'bytes=-10', first: 4990, last: 4999 },
    { range: 'bytes=4990-9999', first: 4990, last: 4999 },
  ])('answer $range with 206 and those bytes', async ({ range, first, last }) => {
    const { status, headers, body } = await ask(MEDIA, { range });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${first}-${last}/5000`);
    expect(body.equals(BYTES.subarray(first, last + 1))).toBe(true);
  });

  test('answer a range beyond the end with 416 and the size', async () => {
    const { status, headers } = await ask(MEDIA, { range: 'bytes=5000-' });
    expect(status).toBe(416);
    expect(headers['content-range']).toBe('bytes */5000');
  });

  test.each([
    { version: 'the ETag at hand', ifRange: () => etagOf(MEDIA), status: 206 },
    { version: 'the date at hand', ifRange: async () => 'Wed, 01 Jan 2025 00:00:00 GMT', status: 206 },
    { version: 'another ETag', ifRange: async () => '"old"', status: 200 },
    { version: 'another date', ifRange: async () => 'Tue, 31 Dec 2024 00:00:00 GMT', status: 200 },
    { version: 'a weak ETag', ifRange: async () => `W/${await etagOf(MEDIA)}`, status: 200 },
  ])('answer a range of $version with $status', async ({ ifRange, status }) => {
    const reply = await ask(MEDIA, { range: 'bytes=0-99', 'if-range': await ifRange() });
    expect({ status: reply.status, bytes: reply.body.length }).toEqual({
      status,
      bytes: status === 206 ? 100 : BYTES.length,
    });
  });

  test.each([
    { condition: 'the ETag', headers: async () => ({ 'if-none-match': await etagOf(MEDIA) }) },
    { condition: 'the weak ETag', headers: async () => ({ 'if-none-match': `W/${await etagOf(MEDIA)}` }) },
    {
      condition: 'the date',
      headers: async () => ({ 'if-modified-since': 'Wed, 01 Jan 2025 00:00:00 GMT' }),
    },
  ])('are not sent again to a viewer that names $condition', async ({ headers }) => {
    const reply = await ask(MEDIA, await headers());
    expect(reply.status).toBe(304);
    expect(reply.body).toHaveLength(0);
    expect(reply.headers.etag).toBe(await etagOf(MEDIA));
    expect(reply.headers['cache-control']).toBe(CACHE_CONTROL.immutable);
  });

  test('answer HEAD with the same headers and no content', async () => {
    const { date: _, ...get } = (await ask(MEDIA)).headers;
    const head = await ask(MEDIA, {}, 'HEAD');
    expect(head.body).toHaveLength(0);
    expect(head.headers).toMatchObject(get);
    expect(origin.requests.map(({ method }) => method)).toEqual(['GET', 'HEAD']);
  });

  test('that are not there answer as S3 does: 404 and no page, for players read no pages', async () => {
    const { status, headers, body } = await ask(`/v/${ID}/none.mp4`);
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('application/xml');
    expect(body.toString()).toContain('NoSuchKey');
    expect((await ask(`/v/${ID}/none.mp4`, {}, 'HEAD')).status).toBe(404);
  });

  test('answer 502 with the reason where S3 fails', async () => {
    origin.special.set(MEDIA.slice(1), (_, response) => response.writeHead(500).end());
    const { status, body } = await ask(MEDIA);
    expect(status).toBe(502);
    expect(body.toString()).toContain(MEDIA);
  });
});

describe('a viewer that goes away', () => {
  const ENOUGH = 64 * 2 ** 20;

  /** An object of 1 GiB; counts how much of it was taken. */
  function serveLarge(): { taken: number; closed: Promise<unknown> } {
    const state = { taken: 0, closed: new Promise<unknown>(() => {}) };
    state.closed = new Promise((resolve) => {
      origin.special.set(LARGE.slice(1), (_, response: ServerResponse) => {
        const block = Buffer.alloc(2 ** 18);
        response.once('close', resolve);
        response.writeHead(200, { 'content-length': 2 ** 30 });
        const fill = () => {
          while (state.taken < 2 ** 30 && !response.destroyed) {
            state.taken += block.length;
            if (!response.write(block)) return;
          }
        };
        response.on('drain', fill);
        fill();
      });
    });
    return state;
  }

  test('holds up the origin while it does not read, and ends the request to it when it leaves', async () => {
    const large = serveLarge();
    const sent = request(edge.url, { path: LARGE });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage]; // what the event is documented to carry
    for (let i = 0; i < 200; i++) await ask(MEDIA); // time for the origin to be drained, were it not held up
    expect(large.taken).toBeLessThan(ENOUGH);
    response.destroy();
    await large.closed;
    expect(large.taken).toBeLessThan(ENOUGH);
  });

  test('before the origin has answered ends the request too', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const asked = new Promise<void>((resolve) => {
      origin.special.set(LARGE.slice(1), (_, response) => {
        closed = once(response, 'close');
        resolve();
      });
    });
    const sent = request(edge.url, { path: LARGE }).on('error', () => {});
    sent.end();
    await asked;
    sent.destroy();
    await closed;
  });
});

describe('headers', () => {
  test.each([
    MASTER,
    MEDIA,
    `/v/${ID}/none.mp4`,
    '/',
    '/none',
    '/assets/watch.js',
    '/api/videos',
    '/api/none',
  ])('%s has the security headers', async (path) => {
    expect((await ask(path)).headers).toMatchObject(SECURITY_HEADERS);
  });

  test('pages may speak with the place where files are put, and with nobody else', async () => {
    const policy = String((await ask('/')).headers['content-security-policy']);
    expect(policy.split('; ')).toContain(`connect-src 'self' ${UPLOADS}`);
  });

  test('media may be read from any page, with its length, range and ETag', async () => {
    expect((await ask(MEDIA, { origin: 'https://example.org' })).headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Content-Length, Content-Range, ETag',
    });
  });

  test('a preflight allows ranges', async () => {
    const { status, headers } = await ask(
      MEDIA,
      {
        origin: 'https://example.org',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'range',
      },
      'OPTIONS',
    );
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': '*',
      'access-control-max-age': '86400',
    });
  });

  test.each(['/', '/api/videos'])('%s may not be read from other pages', async (path) => {
    expect((await ask(path)).headers).not.toHaveProperty('access-control-allow-origin');
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is refused as CloudFront refuses it', async (method) => {
    expect((await ask(MEDIA, {}, method)).status).toBe(403);
    expect(origin.requests).toHaveLength(0);
  });

  test('a path whose escapes are no UTF-8 is refused', async () => {
    expect((await ask('/v/%ff')).status).toBe(400);
  });
});

describe('compression', () => {
  test.each([
    { accepts: 'gzip', encoding: 'gzip', decode: gunzipSync },
    { accepts: 'gzip, deflate, br', encoding: 'br', decode: brotliDecompressSync },
    { accepts: 'br;q=0, GZIP;q=0.5', encoding: 'gzip', decode: gunzipSync },
  ])('a playlist goes out in $encoding to who accepts $accepts', async ({ accepts, encoding, decode }) => {
    const { headers, body } = await ask(MASTER, { 'accept-encoding': accepts });
    expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
    expect(headers).not.toHaveProperty('content-length');
    expect(body.length).toBeLessThan(PLAYLIST.length);
    expect(decode(body).equals(PLAYLIST)).toBe(true);
  });

  test('the ETag of what is compressed is weak, and still good for a condition', async () => {
    const { etag = '' } = (await ask(MASTER, { 'accept-encoding': 'gzip' })).headers;
    expect(etag).toMatch(/^W\/"/);
    expect((await ask(MASTER, { 'accept-encoding': 'gzip', 'if-none-match': etag })).status).toBe(304);
  });

  const texts = webFiles().filter(
    ({ path, file }) => /\.(css|js)$/.test(path) && statSync(file).size >= 1000,
  );

  test.each(['/', '/watch', ...texts.map(({ path }) => path)])('%s is compressed', async (path) => {
    expect((await ask(path, { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBe('gzip');
  });

  test.each([
    { what: 'a playlist for who accepts nothing', path: MASTER, headers: {} },
    { what: 'a playlist for who refuses', path: MASTER, headers: { 'accept-encoding': 'gzip;q=0' } },
    { what: 'media', path: MEDIA, headers: { 'accept-encoding': 'gzip, br' } },
    { what: 'a range', path: MASTER, headers: { 'accept-encoding': 'gzip, br', range: 'bytes=0-1500' } },
    { what: 'less than 1000 bytes', path: SHORT, headers: { 'accept-encoding': 'gzip, br' } },
  ])('$what goes out as it is', async ({ path, headers }) => {
    const reply = await ask(path, headers);
    expect(reply.headers).not.toHaveProperty('content-encoding');
    expect(reply.headers['content-length']).toBe(String(reply.body.length));
  });
});

describe('pages', () => {
  test.each(webFiles())(
    '$path is there with an ETag, for long where it is named by its content',
    async ({ path, file }) => {
      const { status, headers, body } = await ask(path);
      const isHtml = path.endsWith('.html');
      expect(status).toBe(200);
      expect(body.equals(readFileSync(file))).toBe(true);
      expect(headers['cache-control']).toBe(isHtml ? CACHE_CONTROL.replaceable : CACHE_CONTROL.immutable);
      expect((await ask(path, { 'if-none-match': headers.etag ?? '' })).status).toBe(304);
    },
  );

  test.each([
    { path: '/', file: '/index.html' },
    { path: '/?from=mail', file: '/index.html' },
    { path: `/watch?v=${ID}`, file: '/watch.html' },
  ])('$path is $file', async ({ path, file }) => {
    const { body, headers } = await ask(path);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body.equals((await ask(file)).body)).toBe(true);
  });

  test.each(['/none', '/watch/', '/assets/', '/../package.json', '/assets/%2e%2e/files.ts'])(
    '%s is not there',
    async (path) => {
      const { status, headers, body } = await ask(path);
      expect(status).toBe(404);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(body.toString()).toContain('There is nothing at this address');
    },
  );

  test('are before a function that fits into the 10 KB that CloudFront takes', () => {
    expect(Buffer.byteLength(rewriteSource())).toBeLessThanOrEqual(10 * 1024);
  });

  test('have all that they refer to', async () => {
    for (const page of ['/', '/watch', '/404.html']) {
      const html = (await ask(page)).body.toString();
      for (const [, path = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g))
        expect({ path, status: (await ask(path)).status }).toEqual({ path, status: 200 });
    }
  });

  test('have no inline script or style, which the policy would refuse', async () => {
    for (const page of ['/', '/watch', '/404.html'])
      expect((await ask(page)).body.toString()).not.toMatch(/<script>|<style|\sstyle=|\son\w+=/);
  });
});

describe('the API', () => {
  test.each(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])(
    'answers every %s below /api/ itself, escapes and query as they came, and hears by which origin',
    async (method) => {
      const url = '/api/videos/%2e%2e/%ff?state=ready&x=%20';
      const sent = { [ORIGIN_HEADER]: 'https://evil.example' };
      const { status, headers, body } = await ask(url, sent, method);
      expect(status).toBe(418);
      expect(headers).toMatchObject(SECURITY_HEADERS);
      if (method !== 'HEAD') expect(JSON.parse(body.toString())).toEqual({ method, url, asked: edge.url });
    },
  );
});

test('the edge listens on 127.0.0.1 alone', async () => {
  const sent = request(edge.url.replace('127.0.0.1', '127.0.0.2'));
  sent.end();
  await expect(once(sent, 'response')).rejects.toThrow('127.0.0.2');
});
