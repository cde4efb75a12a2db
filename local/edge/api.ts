/**
 * `/api/...`: what the pages and the command line ask for. The answers' content comes from whoever starts the edge;
 * errors are problem details (RFC 9457).
 */
import type { IncomingMessage } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { z } from 'zod';
import { isRevision, isVideoId, type Revision, type VideoId } from '../../jobs/names.ts';
import { RedriveError } from '../../jobs/redrive.ts';
import { MAX_SUBTITLE_BYTES, SubtitlesError, type SubtitlesRequest } from '../../jobs/subtitles.ts';
import { type Answer, whole } from './answer.ts';

export interface EdgeApi {
  /** The answer to `/api/videos`: `{ videos: [...] }`, newest first. */
  listVideos(): Promise<unknown>;
  /** The answer to `/api/videos/<id>`; `undefined` where there is no such video. */
  showVideo(id: VideoId): Promise<unknown>;
  /** Queues what a video misses. Throws a `RedriveError` where that can not be. */
  retry(id: VideoId): Promise<unknown>;
  /** Encodes a video anew; settings that are not named are the platform's. Throws a `ZodError` on wrong ones. */
  reencode(id: VideoId, settings: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Lets an earlier revision play. Throws a `RedriveError` where that can not be. */
  rollback(id: VideoId, to: Revision | undefined): Promise<unknown>;
  /** Adds a subtitle file. Throws a `SubtitlesError` where that can not be, a `ZodError` on a wrong request. */
  addSubtitles(id: VideoId, request: SubtitlesRequest, bytes: Uint8Array): Promise<unknown>;
  listSubtitles(id: VideoId): Promise<unknown>;
  removeSubtitles(id: VideoId, track: string): Promise<void>;
}

/** Bytes of the longest request body. */
const BODY_LIMIT = 64 * 1024;

const ACTIONS: Readonly<Record<string, (api: EdgeApi, id: VideoId, body: unknown) => Promise<unknown>>> = {
  retry: (api, id) => api.retry(id),
  reencode: (api, id, body) => {
    const { settings } = z
      .strictObject({ settings: z.record(z.string(), z.unknown()).default({}) })
      .parse(body);
    return api.reencode(id, settings);
  },
  rollback: (api, id, body) => {
    const { revision } = z
      .strictObject({ revision: z.string().refine(isRevision, 'is not a revision').optional() })
      .parse(body);
    return api.rollback(id, revision);
  },
};

const json = (status: number, value: unknown, type = 'application/json') =>
  whole(status, { 'content-type': type, 'cache-control': 'no-store' }, JSON.stringify(value));

const problem = (status: number, title: string, detail: string) =>
  json(status, { title, status, detail }, 'application/problem+json');

const nothingAt = (path: string) => problem(404, 'Not found', `There is nothing at ${path}`);

/** Types that a page of another site may not send without being asked. */
const OWN_TYPES = ['application/json', 'application/octet-stream'];

/**
 * Whether a request that changes something comes from a program or a page of ours. Another site's page in the
 * owner's browser can reach this port too: it may not send JSON without being asked (CORS), and where its name was
 * rebound to the loopback address, the name gives it away.
 */
function isOwn({ headers }: IncomingMessage): boolean {
  const [type] = (headers['content-type'] ?? '').split(';');
  return OWN_TYPES.includes(type ?? '') && /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(headers.host ?? '');
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? Number.NaN) <= BODY_LIMIT)
    return JSON.parse((await text(request)) || '{}');
  throw new SyntaxError(`a body needs a Content-Length of at most ${BODY_LIMIT} bytes`);
}

/** Answers a request for a path below `/api/`. */
export async function apiAnswer(path: string, request: IncomingMessage, api: EdgeApi): Promise<Answer> {
  const [, of, track] = /^\/api\/videos\/([^/]+)\/subtitles(?:\/([^/]+))?$/.exec(path) ?? [];
  if (of !== undefined && isVideoId(of)) return subtitlesAnswer(request, api, { id: of, track });
  const [, id = '', action] = /^\/api\/videos\/([^/]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
  if (request.method === 'POST') return actionAnswer(path, request, api, { id, action });
  if (path === '/api/videos') return json(200, await api.listVideos());
  const video = action === undefined && isVideoId(id) ? await api.showVideo(id) : undefined;
  return video === undefined ? nothingAt(path) : json(200, video);
}

async function actionAnswer(
  path: string,
  request: IncomingMessage,
  api: EdgeApi,
  { id, action = '' }: { id: string; action: string | undefined },
): Promise<Answer> {
  const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (!act || !isVideoId(id)) return nothingAt(path);
  if (!isOwn(request))
    return problem(403, 'Forbidden', 'Send JSON, with `content-type: application/json`, to localhost');
  try {
    return json(200, await act(api, id, await readBody(request)));
  } catch (error) {
    if (error instanceof z.ZodError) return problem(400, 'The request is not usable', z.prettifyError(error));
    if (error instanceof SyntaxError) return problem(400, 'The body is not usable', error.message);
    if (!(error instanceof RedriveError)) throw error;
    const status = error.code === 'no-such-video' ? 404 : 409;
    return problem(status, status === 404 ? 'Not found' : 'Conflict', error.message);
  }
}

const SUBTITLE_PROBLEMS: Readonly<Record<SubtitlesError['code'], readonly [status: number, title: string]>> =
  {
    'no-such-video': [404, 'Not found'],
    'no-such-subtitles': [404, 'Not found'],
    'not-subtitles': [422, 'The file is not usable'],
    'too-large': [413, 'The file is too large'],
    'too-many': [409, 'Conflict'],
  };

async function readFile(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? Number.NaN) <= MAX_SUBTITLE_BYTES) return buffer(request);
  throw new SubtitlesError(
    'too-large',
    `A file needs a Content-Length of at most ${MAX_SUBTITLE_BYTES} bytes.`,
  );
}

/** What the query says of a file; what it may say is checked where the file is added. */
function requestOf(query: URLSearchParams): SubtitlesRequest {
  const { default: isDefault, ...said } = Object.fromEntries(query);
  return { language: '', ...said, ...(isDefault !== undefined && { default: isDefault === 'true' }) };
}

/** `/api/videos/<id>/subtitles`: a file is the whole body, what is said of it is the query. */
async function subtitlesAnswer(
  request: IncomingMessage,
  api: EdgeApi,
  { id, track }: { id: VideoId; track: string | undefined },
): Promise<Answer> {
  const { method = '', url = '' } = request;
  if (method !== 'GET' && !isOwn(request))
    return problem(
      403,
      'Forbidden',
      'Send the file as `content-type: application/octet-stream`, to localhost',
    );
  try {
    if (method === 'GET' && track === undefined) return json(200, await api.listSubtitles(id));
    if (method === 'POST' && track === undefined) {
      const said = requestOf(new URL(url, 'http://localhost').searchParams);
      return json(201, await api.addSubtitles(id, said, await readFile(request)));
    }
    if (method !== 'DELETE' || track === undefined) return nothingAt(url);
    await api.removeSubtitles(id, track);
    return json(200, {});
  } catch (error) {
    if (error instanceof z.ZodError) return problem(400, 'The request is not usable', z.prettifyError(error));
    if (!(error instanceof SubtitlesError)) throw error;
    return problem(...SUBTITLE_PROBLEMS[error.code], error.message);
  }
}
