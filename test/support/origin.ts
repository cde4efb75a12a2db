/**
 * The production bucket for tests of the edge and the pages: objects in memory, read by the real S3 client over
 * HTTP. Answers GET and HEAD as S3 does to a reader that may list the bucket, and records what it was asked.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import type { EdgeStore } from '../../local/key-value-store/key-value-store.ts';

export const BUCKET = 'production';

/** No video is private. */
export const openStore: EdgeStore = {
  exists: async () => false,
  get: (key) => Promise.reject(new Error(`Key not found: ${key}`)),
};

export interface StoredObject {
  readonly body: Buffer;
  readonly contentType: string;
  readonly cacheControl: string;
}

export interface Origin {
  readonly s3: S3Client;
  /** Requests so far, oldest first. */
  readonly requests: IncomingMessage[];
  /** Answers a key by hand instead of with an object. */
  readonly special: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  close(): Promise<void>;
}

const LAST_MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT';

/** The first and last byte that a `Range` header asks for; `undefined` where the object has none of them. */
function rangeOf(header: string, size: number): { first: number; last: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  const first = from === '' ? size - Number(to) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first < size ? { first, last } : undefined;
}

function error(response: ServerResponse, status: number, code: string, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

/** Answers a request with an object, by S3's rules for ranges and conditions. */
export function answer(request: IncomingMessage, response: ServerResponse, object: StoredObject): void {
  const { body } = object;
  const headers = {
    'content-type': object.contentType,
    'cache-control': object.cacheControl,
    'last-modified': LAST_MODIFIED,
    'accept-ranges': 'bytes',
    etag: `"${createHash('md5').update(body).digest('hex')}"`,
  };
  if (
    request.headers['if-none-match'] === headers.etag ||
    request.headers['if-modified-since'] === LAST_MODIFIED
  ) {
    response.writeHead(304, headers).end();
    return;
  }
  const header = request.headers.range;
  const range = header === undefined ? { first: 0, last: body.length - 1 } : rangeOf(header, body.length);
  if (range === undefined) {
    error(response, 416, 'InvalidRange', { 'content-range': `bytes */${body.length}` });
    return;
  }
  const part = body.subarray(range.first, range.last + 1);
  const contentRange = `bytes ${range.first}-${range.last}/${body.length}`;
  response.writeHead(header === undefined ? 200 : 206, {
    ...headers,
    'content-length': part.length,
    ...(header !== undefined && { 'content-range': contentRange }),
  });
  response.end(request.method === 'HEAD' ? undefined : part);
}

/** Starts serving these objects, by key, on a free port. */
export async function startOrigin(objects: ReadonlyMap<string, StoredObject>): Promise<Origin> {
  const requests: IncomingMessage[] = [];
  const special: Origin['special'] = new Map();
  // Connections stay: the client does not try again, and one that is closed as it is used would be an error.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    requests.push(request);
    const path = new URL(request.url ?? '', 'http://origin').pathname;
    const key = decodeURIComponent(path.slice(`/${BUCKET}/`.length));
    const object = objects.get(key);
    const byHand = special.get(key);
    if (byHand) byHand(request, response);
    else if (object) answer(request, response, object);
    else error(response, 404, 'NoSuchKey');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'edge', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  return {
    s3,
    requests,
    special,
    async close() {
      s3.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
