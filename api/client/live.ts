/**
 * Follows videos, in browsers and Node: by MQTT over WebSocket, and by asking the API where that is blocked. The API is
 * the truth: it is asked at each connection, when messages contradict what is known, and after a silence; so a lost
 * message costs a late picture and never a wrong one.
 */
import mqtt from 'mqtt'; // its build for browsers exports nothing by name
import { hasEnded, liveSchema } from '../../jobs/live-message.ts';
import type { LiveAccess, Video } from '../schemas.ts';
import type { SpotreelClient } from './client.ts';
import type { CallOptions } from './endpoints.ts';
import { ApiError } from './errors.ts';
import { type LiveVideo, withAnswer, withMessage } from './live-merge.ts';
import { pause } from './retry.ts';

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
const CALL_TIMEOUT_MS = 10_000;
/** Seconds without a word after which the broker is asked whether it is there. AWS IoT takes 30 to 1200. */
const KEEPALIVE_SECONDS = 30;
/** MQTT 3.1.1. */
const PROTOCOL_VERSION = 4;
/** What a token that is no good, or may not, is answered: no further try changes that. */
const FINAL_CODES = ['unauthenticated', 'forbidden'];

export interface FollowOptions {
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

/** How a video stands, as the API tells it. */
function toLive({ id, findings = [], next, ...video }: Video): LiveVideo {
  const { state, percent, revision, encodedSeconds, durationSeconds, playbackUrl, early, failure } = video;
  const known = {
    id,
    state,
    percent,
    revision,
    encodedSeconds,
    durationSeconds,
    playbackUrl,
    early,
    failure,
  };
  const live = { ...withoutUndefined(known), findings };
  return next
    ? { ...live, next: toLive({ ...video, next: undefined, playbackUrl: undefined, ...next, id }) }
    : live;
}

/** What is not known must not hide what is, where one object is spread over another. */
const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T; // of optional members

class Follower implements Following {
  readonly #client: SpotreelClient;
  readonly #options: FollowOptions;
  readonly #closed = new AbortController();
  readonly #known = new Map<string, LiveVideo>();
  #connected = false;
  /** Milliseconds since 1970. */
  #lastHeard = 0;
  #lastAsked = 0;
  #asking = false;
  /** A message contradicted what is known. */
  #inDoubt = false;
  /** A message came while the API was asked that its answer may not know of. */
  #endedMeanwhile = false;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(client: SpotreelClient, options: FollowOptions) {
    this.#client = client;
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), 1000);
    void this.#ask();
    void this.#stayConnected();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closed.abort();
  }

  /** Asks where it is time to. */
  #look(): void {
    if (this.#isDue(Date.now() - this.#lastAsked)) void this.#ask();
  }

  #isDue(sinceAsked: number): boolean {
    if (this.#inDoubt) return sinceAsked >= DOUBT_MS;
    if (!this.#connected) return sinceAsked >= POLL_MS;
    const { video } = this.#options;
    const state = video === undefined ? undefined : this.#known.get(video);
    if (state && hasEnded(state) && !state.next) return false;
    return Math.min(sinceAsked, Date.now() - this.#lastHeard) >= SILENCE_MS;
  }

  /** One connection after another, each with an access of its own: tokens are renewed by it. */
  async #stayConnected(): Promise<void> {
    let wait: number = RECONNECT_MS.first;
    while (!this.#closed.signal.aborted) {
      try {
        const access = await this.#client.liveAccess(this.#options.video, this.#call());
        if (await this.#listen(access)) wait = RECONNECT_MS.first;
      } catch {
        // The API does not answer, or the video is gone; `#ask` tells of it.
      }
      // Not all at once where a broker comes back.
      await pause(wait * (0.5 + Math.random() / 2), this.#closed.signal).catch(() => undefined);
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
    else this.#inDoubt = true;
    this.#look();
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
        this.#inDoubt = false;
        answers = await this.#answers();
      } while (this.#endedMeanwhile);
      for (const answer of answers) this.#show(withAnswer(this.#known.get(answer.id), answer));
    } catch (error) {
      if (!(error instanceof ApiError && FINAL_CODES.includes(error.code ?? ''))) return;
      this.close();
      this.#options.onRefused?.(error);
    } finally {
      this.#asking = false;
    }
  }

  async #answers(): Promise<LiveVideo[]> {
    const { video } = this.#options;
    if (video === undefined)
      return (await this.#client.listVideos({ limit: 100 }, this.#call())).videos.map(toLive);
    try {
      return [toLive(await this.#client.showVideo(video, this.#call()))];
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'not-found') throw error;
      return [{ id: video, state: 'deleted', percent: 0, findings: [] }];
    }
  }

  #call(): CallOptions {
    return { signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]) };
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
export const follow = (client: SpotreelClient, options: FollowOptions): Following =>
  new Follower(client, options);
