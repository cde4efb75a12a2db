/** Requests to the API and their answers, tried again where that is safe. */
import type { Problem } from '../schemas.ts';
import { ApiError, ConnectionError } from './errors.ts';
import { retried } from './retry.ts';

export interface Platform {
  /** Where it is: `https://video.example.org`. */
  readonly url: string;
  /** An API token, an upload token, or a JWT. Without one, what anybody may do. */
  readonly token?: string | undefined;
}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as they are. */
  readonly bytes?: Blob | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether doing it twice does harm: then it is never tried again. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Answers after which another try may work: too much at once, and what gateways say of a function that was not there. */
const PASSING = [429, 502, 503, 504];
/** Seconds that a client waits by itself; whoever is to wait longer is told. */
const LONGEST_WAIT = 60;

/** Milliseconds to wait at least after an error; undefined where another try would not help. */
function waitAfter(error: unknown, hasAnswered: boolean): number | undefined {
  if (error instanceof ConnectionError) return hasAnswered ? 0 : undefined;
  if (!(error instanceof ApiError) || !PASSING.includes(error.status)) return undefined;
  const { retryAfter = 0 } = error;
  return retryAfter <= LONGEST_WAIT ? retryAfter * 1000 : undefined;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string';
}

/** What a refusal says. Where something in front of the API refuses, its page is no message. */
async function refusalOf(response: Response, asked: string): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  if (!isProblem(body))
    return new ApiError(`${asked} answered ${response.status}`, response.status, undefined, retryAfter);
  return new ApiError(body.detail, response.status, body, retryAfter);
}

function targetOf(platform: string, path: string, query: Request['query'] = {}): URL {
  const target = new URL(path, platform);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) target.searchParams.set(name, String(value));
  return target;
}

/** Speaks with one platform. */
export class Connection {
  readonly #platform: Platform;
  /** A platform that answered comes back; one that never did may not be there, and that is told at once. */
  #hasAnswered = false;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /**
   * Sends a request.
   * @param path with its parts escaped
   * @returns what the answer's JSON holds: what the API's schemas say of this path
   * @throws `ApiError`, `ConnectionError`, or the signal's reason
   */
  send(path: string, request: Request = {}): Promise<unknown> {
    const waiting = (error: unknown) => (request.once ? undefined : waitAfter(error, this.#hasAnswered));
    return retried(() => this.#ask(path, request), waiting, request.signal);
  }

  async #ask(
    path: string,
    { method = 'GET', query, json, bytes, headers, signal }: Request,
  ): Promise<unknown> {
    const { url, token } = this.#platform;
    const target = targetOf(url, path, query);
    const type = json === undefined ? bytes && 'application/octet-stream' : 'application/json';
    const body = json === undefined ? bytes : JSON.stringify(json);
    const asked = `${method} ${target.origin}${target.pathname}`;
    let response: Response;
    try {
      response = await fetch(target, {
        method,
        headers: {
          ...headers,
          ...(type !== undefined && { 'content-type': type }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new ConnectionError(`Nothing answers at ${target.origin}`, { cause });
    }
    this.#hasAnswered = true;
    if (!response.ok) throw await refusalOf(response, asked);
    if (response.status === 204) return undefined;
    return response.json().catch((error: unknown) => {
      if (!(error instanceof SyntaxError)) throw error;
      throw new ApiError(`${asked} answered no JSON`, response.status);
    });
  }
}
