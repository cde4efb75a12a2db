/**
 * The CDN edge of a laptop: serves the pages, the production bucket and the API at one address as CloudFront does,
 * with the same paths, headers, compression and rewrite. It has no cache, for S3 is as near as it.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { VIDEOS_PREFIX } from '../jobs/names.ts';
import {
  contentTypeOf,
  EMBED_PATH,
  embedHeaders,
  ORIGIN_HEADER,
  PLAYBACK_CORS,
  securityHeaders,
} from '../jobs/platform.ts';
import { TOKEN_PATH } from '../jobs/token-path.ts';
import { type Answer, sentence, whole } from './edge/answer.ts';
import { acceptedEncoding, compressedHeaders, compressor, isCompressible } from './edge/compress.ts';
import { openGuard } from './edge/guard.ts';
import { originAnswer } from './edge/origin.ts';
import { type AnswerPage, openPages } from './edge/pages.ts';
import type { EdgeStore } from './key-value-store/key-value-store.ts';

export interface EdgeOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Reads the production bucket, with credentials and endpoint of its own. */
  readonly s3: S3Client;
  /** The production bucket. */
  readonly bucket: string;
  /** Answers every request for a path below `/api/`. */
  readonly api: (request: IncomingMessage) => Promise<Answer>;
  /** Which videos are private, and the keys of tokens for them. */
  readonly store: EdgeStore;
  /** Origins that the pages speak with besides their own. */
  readonly connect: readonly string[];
  /** The page at `METRICS_PATH`, of which AWS has its own. @default there is none */
  readonly metrics?: () => Promise<string>;
}

interface Served extends EdgeOptions {
  readonly page: AnswerPage;
  readonly guard: ReturnType<typeof openGuard>;
}

export interface Edge {
  /** `http://127.0.0.1:8080`, without a slash at the end. */
  readonly url: string;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

const CORS_HEADERS = {
  'access-control-allow-origin': PLAYBACK_CORS.allowedOrigins.join(', '),
  'access-control-expose-headers': PLAYBACK_CORS.exposedHeaders.join(', '),
};

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': PLAYBACK_CORS.allowedMethods.join(', '),
  'access-control-allow-headers': PLAYBACK_CORS.allowedHeaders.join(', '),
  'access-control-max-age': String(PLAYBACK_CORS.maxAgeSeconds),
};

const API_PATH = '/api/';
const METRICS_PATH = '/metrics';
const METRICS_HEADERS = { 'content-type': contentTypeOf('.html'), 'cache-control': 'no-store' };
const MEDIA_PATHS = [`/${VIDEOS_PREFIX}`, TOKEN_PATH];
const isMedia = (path: string | undefined) => MEDIA_PATHS.some((media) => path?.startsWith(media));

/** The path of a request, decoded; `undefined` where its escapes are no UTF-8. */
function pathOf(request: IncomingMessage): string | undefined {
  const [path = '/'] = (request.url ?? '/').split('?');
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

async function answerTo(request: IncomingMessage, options: Served, signal: AbortSignal): Promise<Answer> {
  const { method = '', headers } = request;
  const path = pathOf(request);
  if (request.url?.startsWith(API_PATH)) {
    headers[ORIGIN_HEADER] = `http://${headers.host}`;
    return options.api(request);
  }
  // CloudFront's words for a method that the distribution does not allow begin in the same way, and are a 403 too.
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) return sentence(403, `${method} is not allowed here`);
  if (path === undefined) return sentence(400, `${request.url} is not a URL: its escapes are not UTF-8`);
  if (method === 'OPTIONS') return { status: 200, headers: { ...PREFLIGHT_HEADERS, 'content-length': '0' } };
  if (path === METRICS_PATH && options.metrics) return whole(200, METRICS_HEADERS, await options.metrics());
  if (!isMedia(path)) return options.page(path, headers['if-none-match']);
  const { s3, bucket } = options;
  const key = await options.guard(request);
  return typeof key === 'string' ? originAnswer(s3, bucket, { method, key, headers }, signal) : key;
}

/** Sends an answer, compressed where viewer and content are for it, as fast as the viewer reads and no faster. */
async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { connect }: EdgeOptions,
  answer: Answer,
): Promise<void> {
  const compressible = isCompressible(answer);
  const encoding = compressible ? acceptedEncoding(request.headers['accept-encoding']) : undefined;
  response.writeHead(answer.status, {
    ...(encoding ? compressedHeaders(answer.headers, encoding) : answer.headers),
    ...(compressible && { vary: 'accept-encoding' }),
    ...(isMedia(request.url) && CORS_HEADERS),
    ...(request.url?.startsWith(EMBED_PATH) ? embedHeaders(connect) : securityHeaders(connect)),
  });
  if (answer.body === undefined || request.method === 'HEAD') {
    response.end();
    return;
  }
  const body = answer.body instanceof Readable ? answer.body : Readable.from([answer.body]);
  if (encoding) await pipeline(body, compressor(encoding), response);
  else await pipeline(body, response);
}

async function serve(request: IncomingMessage, response: ServerResponse, options: Served): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    await send(request, response, options, await answerTo(request, options, gone.signal));
  } catch (error) {
    // Once headers are out, or the viewer is gone, the one way to say that something is wrong is to hang up.
    if (response.headersSent || gone.signal.aborted) response.destroy();
    else
      await send(
        request,
        response,
        options,
        sentence(502, `The edge cannot answer ${request.url}: ${error}`),
      );
  }
}

/**
 * Starts the edge on the loopback address.
 * @throws where the port is taken, or the pages can not be built
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  // Before any viewer comes, who should not wait for a build, nor be the one to hear that it failed.
  const served = { ...options, page: openPages(), guard: openGuard(options.store) };
  const server = createServer((request, response) => {
    // Only the sending of an error can still fail here, and that means that the viewer is gone.
    serve(request, response, served).catch(() => response.destroy());
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
