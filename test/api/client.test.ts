/** The typed client against the API and a real S3, over lines that fail as lines do. */
import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { ApiError, SpotreelClient, type UploadProgress } from '../../api/client/index.ts';
import { asVideoId, sourceKey } from '../../jobs/names.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

const MiB = 1024 ** 2;
const API = 'http://spotreel.test';

let api: TestApi;
let folder: string;
let client: SpotreelClient;

/** What the line does to a request; undefined lets it through. */
type Fault = (request: Request) => Promise<Response> | Response | undefined;
let fault: Fault = () => undefined;
/** Every request that was let through: `PUT part 3`, `POST /api/uploads`. */
let sent: string[] = [];

const realFetch = globalThis.fetch;

function nameOf({ method, url }: Request): string {
  const { origin, pathname, searchParams } = new URL(url);
  if (origin === API) return `${method} ${pathname.replace(/[0-9a-z]{20}/, 'ID')}`;
  return `PUT ${searchParams.has('partNumber') ? `part ${searchParams.get('partNumber')}` : 'file'}`;
}

beforeAll(async () => {
  api = await startTestApi();
  folder = await mkdtemp(join(tmpdir(), 'spotreel-client-'));
  client = new SpotreelClient({ url: API, token: await api.token('admin') });
  globalThis.fetch = async (target, init) => {
    const request = new Request(target, { ...init, duplex: 'half' } as RequestInit); // which its types lack
    const failed = fault(request);
    if (failed) return failed;
    sent.push(nameOf(request));
    return request.url.startsWith(API) ? api.app.request(request) : realFetch(target, init);
  };
});
afterEach(() => {
  fault = () => undefined;
  sent = [];
});
afterAll(async () => {
  globalThis.fetch = realFetch;
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

/** A file of so many random bytes. */
async function fileOf(size: number): Promise<{ path: string; bytes: Buffer }> {
  const bytes = randomBytes(size);
  const path = join(folder, bytes.toString('hex', 0, 8));
  await writeFile(path, bytes);
  return { path, bytes };
}

/** What S3 holds as the source of an upload. */
const sourceOf = (id: string, size: number) =>
  api.context.stores.uploads.getRange(sourceKey(asVideoId(id)), 0, size);

const partsSent = () => sent.filter((name) => name.startsWith('PUT part')).toSorted();

/** Six parts: five of 16 MiB and one of 7 bytes. */
const BIG = 80 * MiB + 7;
const SIX_PARTS = [1, 2, 3, 4, 5, 6].map((number) => `PUT part ${number}`);

describe('an upload', () => {
  test.each([
    ['in one PUT', 5 * MiB + 1],
    ['in parts', BIG],
  ])('%s arrives as it is, and progress grows to its size', async (_, size) => {
    const { path, bytes } = await fileOf(size);
    const seen: UploadProgress[] = [];
    const { id } = await client.upload(await openAsBlob(path), {
      fileName: 'film.mp4',
      onProgress: (progress) => seen.push(progress),
    });
    expect((await sourceOf(id, bytes.length)).equals(bytes)).toBe(true);
    const counts = seen.map(({ sentBytes }) => sentBytes);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect([counts[0], counts.at(-1)]).toEqual([0, size]);
  });

  test('that broke off goes on with what is missing alone', async () => {
    const { path, bytes } = await fileOf(BIG);
    let id = '';
    const stop = new AbortController();
    const first = client.upload(await openAsBlob(path), {
      fileName: 'film.mp4',
      parallel: 1,
      signal: stop.signal,
      onCreated: (upload) => {
        id = upload.id;
      },
      onProgress: ({ sentBytes }) => {
        if (sentBytes === 32 * MiB) stop.abort(new Error('enough'));
      },
    });
    await expect(first).rejects.toThrow('enough');
    expect(partsSent()).toEqual(SIX_PARTS.slice(0, 2));
    sent = [];
    await client.upload(await openAsBlob(path), { resume: id });
    expect(partsSent()).toEqual(SIX_PARTS.slice(2));
    expect((await sourceOf(id, bytes.length)).equals(bytes)).toBe(true);
    sent = [];
    await client.upload(await openAsBlob(path), { resume: id });
    expect(partsSent()).toEqual([]);
  });

  test('gets through a line that fails every third request', async () => {
    const { path, bytes } = await fileOf(BIG);
    let count = 0;
    const failures = [
      () => new Response('busy', { status: 503 }),
      () => Promise.reject(new TypeError('fetch failed')),
      ({ url }: Request) => new Response('', { status: url.startsWith(API) ? 429 : 500 }),
    ];
    fault = (request) => {
      count++;
      return count % 3 === 0 ? failures[(count / 3) % 3]?.(request) : undefined;
    };
    const { id } = await client.upload(await openAsBlob(path), { fileName: 'film.mp4' });
    expect((await sourceOf(id, bytes.length)).equals(bytes)).toBe(true);
    expect(sent.filter((name) => name === 'POST /api/uploads').length).toBe(1);
  });

  test('asks anew for a URL that expired', async () => {
    const { path } = await fileOf(BIG);
    const old = new Set<string>();
    fault = ({ url }) => {
      if (!url.includes('partNumber=3&') || old.size > 0) return undefined;
      old.add(url);
      return new Response('<Error><Code>AccessDenied</Code></Error>', { status: 403 });
    };
    await client.upload(await openAsBlob(path), { fileName: 'film.mp4' });
    expect(partsSent()).toEqual(SIX_PARTS);
    expect(sent.filter((name) => name === 'POST /api/uploads/ID/parts').length).toBe(2);
  });

  test('that S3 refuses ends at once, without the URL in what it says', async () => {
    const { path } = await fileOf(BIG);
    fault = ({ url }) =>
      url.startsWith(API)
        ? undefined
        : new Response('<Error><Code>AccessDenied</Code></Error>', { status: 403 });
    const refused = client.upload(await openAsBlob(path), { fileName: 'film.mp4' });
    await expect(refused).rejects.toThrow(/^Part \d of 6 was refused by S3: 403 AccessDenied$/);
  });

  test('of a file that is written to meanwhile is refused, not mixed', async () => {
    const { path } = await fileOf(BIG);
    const upload = client.upload(await openAsBlob(path), {
      fileName: 'film.mp4',
      parallel: 1,
      onCreated: async () => {
        const file = await open(path, 'a');
        await file.write('more');
        await file.close();
      },
    });
    await expect(upload).rejects.toThrow('The file changed while it was uploaded');
  });

  test('is resumed only with a file of its size', async () => {
    const { id } = await client.createUpload({ fileName: 'a.mp4', size: 5, type: 'video/mp4' });
    await expect(client.upload(new Blob(['sixsix']), { resume: id })).rejects.toThrow('5 bytes, not 6');
  });
});

describe('a refusal', () => {
  test('is an ApiError with the problem', async () => {
    const refused = client.createUpload({ fileName: '', size: 0, type: 'text/html' });
    const error: unknown = await refused.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ApiError', status: 400, code: 'invalid-request' });
    const fields = error instanceof ApiError && error.problem?.errors?.map(({ field }) => field);
    expect(fields).toEqual(['/fileName', '/size', '/type']);
    const message = error instanceof Error ? error.message : '';
    for (const field of ['/fileName', '/size', '/type']) expect(message.split(`${field}:`)).toHaveLength(2);
  });

  test('that passes by itself is asked again, but nothing that would be done twice', async () => {
    let refusals = 2;
    fault = () => (refusals-- > 0 ? new Response('', { status: 503 }) : undefined);
    await expect(client.listVideos()).resolves.toEqual({ videos: [] });
    refusals = 1;
    await expect(client.createToken({ name: 'x', scopes: ['read'] })).rejects.toMatchObject({ status: 503 });
  });

  test('is told at once where nothing ever answered', async () => {
    let tries = 0;
    fault = () => {
      tries++;
      return Promise.reject(new TypeError('fetch failed'));
    };
    const stranger = new SpotreelClient({ url: 'http://nowhere.test' });
    await expect(stranger.listVideos()).rejects.toThrow('Nothing answers at http://nowhere.test');
    expect(tries).toBe(1);
  });

  test('that lasts longer than a client waits is told at once', async () => {
    fault = () => new Response('', { status: 429, headers: { 'retry-after': '3600' } });
    await expect(client.listVideos()).rejects.toMatchObject({ status: 429, retryAfter: 3600 });
  });
});

test('every operation of the OpenAPI document is a method', async () => {
  const { paths } = (await api.ask('GET', '/api/openapi.json')).body;
  const operations = Object.entries<Record<string, unknown>>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '*')}`),
  );
  const asked = new Set<string>();
  fault = ({ method, url }) => {
    asked.add(`${method} ${new URL(url).pathname}`);
    return Response.json({ videos: [] });
  };
  const file = new Blob(['x']);
  await Promise.all([
    client.createUpload({ fileName: 'a', size: 1, type: 'video/mp4' }),
    client.showUpload('*'),
    client.signParts('*', [1]),
    client.listParts('*'),
    client.completeUpload('*'),
    client.abortUpload('*'),
    client.listVideos(),
    client.showVideo('*'),
    client.showOembed('https://site/watch?v=*'),
    client.updateVideo('*', {}),
    client.deleteVideo('*'),
    client.retryVideo('*'),
    client.showTrace('*'),
    client.reencodeVideo('*'),
    client.rollbackVideo('*'),
    client.setPoster('*', file),
    client.unsetPoster('*'),
    client.addSubtitles('*', { language: 'en' }, file),
    client.listSubtitles('*'),
    client.removeSubtitles('*', '*'),
    client.createToken({ name: 'a', scopes: ['read'] }),
    client.liveAccess(undefined),
    client.listTokens(),
    client.revokeToken('*'),
    client.createWebhook({ url: 'https://example.org' }),
    client.listWebhooks(),
    client.removeWebhook('*'),
    client.rotateWebhookSecret('*'),
    client.testWebhook('*'),
    client.listUndelivered('*'),
    client.replayWebhook('*'),
    client.createUploadToken({ maxBytes: 1 }),
    client.createPlaybackToken('*'),
    client.rotatePlaybackKey(),
    client.showSpending(),
    client.resumeSpending(),
  ]);
  expect([...asked].toSorted()).toEqual(operations.toSorted());
});

test('its description names every method', async () => {
  const text = await readFile(join(import.meta.dirname, '../../api/client/index.ts'), 'utf8');
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(SpotreelClient.prototype));
  const unnamed = methods.filter((name) => name !== 'constructor' && !text.includes(`\`${name}\``));
  expect(unnamed).toEqual([]);
});

test('it is bundled for browsers without schemas and without Node', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, '../../api/client/index.ts')],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs).filter((path) => !path.includes('api/client/'));
  expect(inputs).toEqual([]);
  expect(outputFiles).toHaveLength(1);
});
