/**
 * Follows videos, in browsers and Node: by MQTT over WebSocket, and by asking the API where that is blocked. The API is
 * the truth: it is asked at each connection, when messages contradict what is known, and after a silence; so a lost
 * message costs a late picture and never a wrong one.
 */
import mqtt from 'mqtt'; // its build for browsers exports nothing by name
import { hasEnded, liveSchema } from '../../jobs/live-message.ts';
import type { LiveAccess, Video, Videos } from '../schemas.ts';
import { type LiveVideo, withAnswer, withMessage } from './live-merge.ts';

export { hasEnded, type Live } from '../../jobs/live-message.ts';
export type { LiveVideo } from './live-merge.ts';

/** Milliseconds between two questions while there is no connection. */
const POLL_MS = 3000;
/** Milliseconds without a message after which the API is asked, though there is a connection. */
const SILENCE_MS = 30_000;
/** Milliseconds between two questions that contradictory messages raise. */
const DOUBT_MS = 5000;
/** Milliseconds before the second try to connect, doubled for each further one. */
const RECONNECT_MS = { first: 1000, longest: 30_000 } as const;
const CONNECT_TIMEOUT_MS = 10_000;
/** Seconds without a word after which the broker is asked whether it is there. AWS IoT takes 30 to 1200. */
const KEEPALIVE_SECONDS = 30;
/** MQTT 3.1.1. */
const PROTOCOL_VERSION = 4;
/** The answers that no further try changes: the token is no good, or may not. */
const FINAL_STATUSES: readonly number[] = [401, 403];

export interface FollowOptions {
  /** The platform's address; in a page, `location.origin`. */
  readonly url: string;
  /** API token; none where the video is not private, or the platform is open. */
  readonly token?: string | undefined;
  /** One video; every video of the platform where it is not given. */
  readonly video?: string | undefined;
  /** Hears each change. Percent never goes backwards within an encode. A video that is gone is `deleted`. */
  readonly onState: (video: LiveVideo) => void;
  /** Hears why following ended by itself: the token is no good, or may not. */
  readonly onRefused?: (reason: Error) => void;
}

export interface Following {
  close(): void;
}

class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** How a video stands, as the API tells it. */
function toLive({ id, findings = [], next, ...video }: Video): LiveVideo {
  const { state, percent, revision, encodedSeconds, durationSeconds, playbackUrl, failure } = video;
  const known = { id, state, percent, revision, encodedSeconds, durationSeconds, playbackUrl, failure };
  const live = { ...withoutUndefined(known), findings };
  return next
    ? { ...live, next: toLive({ ...video, next: undefined, playbackUrl: undefined, ...next, id }) }
    : live;
}

/** What is not known must not hide what is, where one object is spread over another. */
const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T; // of optional members

class Follower implements Following {
  readonly #options: FollowOptions;
  readonly #closed = new AbortController();
  readonly #known = new Map<string, LiveVideo>();
  #connected = false;
  /** Milliseconds since 1970. */
  #lastHeard = 0;
  #lastAsked = 0;
  #asking = false;
  /** A message came while the API was asked that its answer may not know of. */
  #endedMeanwhile = false;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), 1000);
    void this.#ask();
    void this.#stayConnected();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closed.abort();
  }

  /** Asks where nothing came for too long. */
  #look(): void {
    const { video } = this.#options;
    const state = video === undefined ? undefined : this.#known.get(video);
    if (this.#connected && state && hasEnded(state) && !state.next) return;
    const since = Date.now() - Math.max(this.#lastAsked, this.#connected ? this.#lastHeard : 0);
    if (since >= (this.#connected ? SILENCE_MS : POLL_MS)) void this.#ask();
  }

  /** One connection after another, each with an access of its own: tokens are renewed by it. */
  async #stayConnected(): Promise<void> {
    let wait: number = RECONNECT_MS.first;
    while (!this.#closed.signal.aborted) {
      try {
        const { video } = this.#options;
        const path = video === undefined ? '/api/live' : `/api/live?video=${encodeURIComponent(video)}`;
        if (await this.#listen(await this.#get<LiveAccess>(path))) wait = RECONNECT_MS.first;
      } catch {
        // The API does not answer, or the video is gone; `#ask` tells of it.
      }
      await this.#pause(wait * (0.5 + Math.random() / 2)); // not all at once where a broker comes back
      wait = Math.min(2 * wait, RECONNECT_MS.longest);
    }
  }

  /** Hears messages until the connection ends. Says whether there was one. */
  #listen({ url, clientId, token, topic }: LiveAccess): Promise<boolean> {
    const { signal } = this.#closed;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (signal.aborted) return Promise.resolve(false);
    const client = mqtt.connect(url, {
      clientId,
      username: 'spotreel',
      password: token,
      protocolVersion: PROTOCOL_VERSION,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEPALIVE_SECONDS,
      reconnectPeriod: 0,
      // The other kind runs in a worker made of text, which a content security policy forbids.
      timerVariant: 'native',
    });
    let heard = false;
    const end = () => client.end(true);
    signal.addEventListener('abort', end, { once: true });
    client.on('connect', () => {
      client.subscribe(topic, { qos: 1 }, (error) => {
        if (error) {
          end();
          return;
        }
        heard = true;
        this.#connected = true;
        void this.#ask();
      });
    });
    client.on('message', (_, payload) => this.#hear(payload.toString()));
    client.on('error', end);
    client.on('close', () => {
      signal.removeEventListener('abort', end);
      this.#connected = false;
      resolve(heard);
    });
    return promise;
  }

  #hear(text: string): void {
    if (text === '') return; // a retained message was taken away
    const message = liveSchema.safeParse(parsed(text)).data;
    if (!message) return;
    this.#lastHeard = Date.now();
    if (hasEnded(message)) this.#endedMeanwhile = true;
    const merged = withMessage(this.#known.get(message.id), message);
    if (merged) this.#show(merged);
    else if (Date.now() - this.#lastAsked >= DOUBT_MS) void this.#ask();
  }

  #show(video: LiveVideo): void {
    if (this.#closed.signal.aborted) return;
    const before = this.#known.get(video.id);
    this.#known.set(video.id, video);
    if (JSON.stringify(before) !== JSON.stringify(video)) this.#options.onState(video);
  }

  /** Takes over what the API says. Where it does not answer, the next look asks again. */
  async #ask(): Promise<void> {
    if (this.#asking || this.#closed.signal.aborted) return;
    this.#asking = true;
    try {
      let answers: LiveVideo[];
      do {
        this.#lastAsked = Date.now();
        this.#endedMeanwhile = false;
        answers = await this.#answers();
      } while (this.#endedMeanwhile);
      for (const answer of answers) this.#show(withAnswer(this.#known.get(answer.id), answer));
    } catch (error) {
      if (!(error instanceof RefusedError) || this.#closed.signal.aborted) return;
      this.close();
      this.#options.onRefused?.(error);
    } finally {
      this.#asking = false;
    }
  }

  async #answers(): Promise<LiveVideo[]> {
    const { video } = this.#options;
    if (video === undefined) return (await this.#get<Videos>('/api/videos?limit=100')).videos.map(toLive);
    const found = await this.#get<Video | undefined>(`/api/videos/${encodeURIComponent(video)}`);
    return [found ? toLive(found) : { id: video, state: 'deleted', percent: 0, findings: [] }];
  }

  /** What the API answers; its own schemas made it. Undefined where it knows of no such thing. */
  async #get<T>(path: string): Promise<T> {
    const { url, token } = this.#options;
    const response = await fetch(new URL(path, url), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]),
    });
    if (FINAL_STATUSES.includes(response.status))
      throw new RefusedError(`${response.url} answered ${response.status}: the token is no good, or may not`);
    if (response.status === 404) return undefined as T; // callers that can be told so ask for it
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
    return (await response.json()) as T; // what the API's route of this path is declared to answer
  }

  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#closed.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Follows one video, or all, until closed. */
export const follow = (options: FollowOptions): Following => new Follower(options);
