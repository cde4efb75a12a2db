/**
 * Follows videos, in browsers and Node: by MQTT over WebSocket, and by asking the API where that is blocked. The API is
 * the truth: it is asked at each connection, when messages contradict what is known, and after a silence; so a lost
 * message costs a late picture and never a wrong one. While nothing is made, or nobody looks, nothing is asked.
 */
import mqtt from 'mqtt'; // its build for browsers exports nothing by name
import { hasEnded, liveSchema } from '../../jobs/live-message.ts';
import type { LiveAccess, Video } from '../schemas.ts';
import type { SpotreelClient } from './client.ts';
import type { CallOptions } from './endpoints.ts';
import { ApiError, ConnectionError } from './errors.ts';
import { type LiveVideo, withAnswer, withMessage } from './live-merge.ts';
import { pause } from './retry.ts';
import { isSeen, onSeen } from './seen.ts';

export { hasEnded, type Live } from '../../jobs/live-message.ts';
export type { LiveVideo } from './live-merge.ts';

/** Milliseconds between two questions while there is no connection. */
const POLL_MS = 3000;
/** Milliseconds without a message after which the API is asked, though there is a connection. */
const SILENCE_MS = 30_000;
/** Milliseconds between two questions that contradictory messages raise. */
const DOUBT_MS = 5000;
/** Milliseconds for which something that is about to happen may not be known to the API yet. */
const EXPECTED_MS = 30_000;
/** Milliseconds before the second try to connect, doubled for each further one. */
const RECONNECT_MS = { first: 1000, longest: 30_000 } as const;
const CONNECT_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 10_000;
/** Seconds without a word after which the broker is asked whether it is there. AWS IoT takes 30 to 1200. */
const KEEPALIVE_SECONDS = 30;
/** MQTT 3.1.1. */
const PROTOCOL_VERSION = 4;
/** What is answered where the token is no good, or may not, or the id is none: no further try changes that. */
const FINAL_CODES = ['unauthenticated', 'forbidden', 'invalid-request'];

/** All that is asked of the API. */
type Api = Pick<SpotreelClient, 'showVideo' | 'listVideos' | 'liveAccess'>;

export interface FollowOptions {
  /** One video; every video of the platform where it is not given. */
  readonly video?: string | undefined;
  /** Hears each change. Percent never goes backwards within an encode. A video that is gone is `deleted`. */
  readonly onState: (video: LiveVideo) => void;
  /** Milliseconds without a word from the platform after which following ends; without it, only `close` ends it. */
  readonly patience?: number;
  /** Hears why following ended by itself: the API refuses, or said nothing for too long (a `ConnectionError`). */
  readonly onRefused?: (reason: Error) => void;
}

export interface Following {
  /** Something was done to a video, or one was uploaded: looks for what comes of it, though all seemed at an end. */
  expect(): void;
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

/** Whether nothing more will come of a video by itself. */
const isOver = (video: LiveVideo): boolean => hasEnded(video) && (!video.next || hasEnded(video.next));

class Follower implements Following {
  readonly #client: Api;
  readonly #options: FollowOptions;
  readonly #closed = new AbortController();
  readonly #known = new Map<string, LiveVideo>();
  #connecting = false;
  #connected = false;
  /** Milliseconds since 1970. */
  #lastHeard = 0;
  #lastAsked = 0;
  /** When the API answered; before it did, when following began. */
  #lastAnswered = Date.now();
  #hasAnswered = false;
  #expectedUntil = 0;
  #asking = false;
  /** A message contradicted what is known. */
  #inDoubt = false;
  /** A message came while the API was asked that its answer may not know of. */
  #endedMeanwhile = false;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(client: Api, options: FollowOptions) {
    this.#client = client;
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), 1000);
    onSeen(() => this.#begin(), this.#closed.signal);
    if (isSeen()) this.#begin();
  }

  expect(): void {
    this.#expectedUntil = Date.now() + EXPECTED_MS;
    this.#begin();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closed.abort();
  }

  #begin(): void {
    void this.#ask();
    void this.#stayConnected();
  }

  /** Asks where it is time to. */
  #look(): void {
    if (this.#isDue(Date.now() - this.#lastAsked)) void this.#ask();
  }

  #isDue(sinceAsked: number): boolean {
    if (!isSeen()) return false;
    if (this.#inDoubt) return sinceAsked >= DOUBT_MS;
    if (!this.#isUnfinished()) return false;
    if (!this.#connected) return sinceAsked >= POLL_MS;
    return Math.min(sinceAsked, Date.now() - this.#lastHeard) >= SILENCE_MS;
  }

  /** Whether something may happen without anybody doing something. */
  #isUnfinished(): boolean {
    if (!this.#hasAnswered || Date.now() < this.#expectedUntil) return true;
    return [...this.#known.values()].some((video) => !isOver(video));
  }

  /** Whether a further connection is worth it: new videos come at any time, and of one that ended comes no more. */
  #isToConnect(): boolean {
    if (this.#closed.signal.aborted || !isSeen()) return false;
    return this.#options.video === undefined || this.#isUnfinished();
  }

  /** One connection after another, each with an access of its own: tokens are renewed by it. */
  async #stayConnected(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    let wait: number = RECONNECT_MS.first;
    while (this.#isToConnect()) {
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
    this.#connecting = false;
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
      this.#hasAnswered = true;
      this.#lastAnswered = Date.now();
      for (const answer of answers) this.#show(withAnswer(this.#known.get(answer.id), answer));
      void this.#stayConnected();
    } catch (error) {
      if (error instanceof ApiError && FINAL_CODES.includes(error.code ?? '')) this.#refuse(error);
      else this.#losePatience(error);
    } finally {
      this.#asking = false;
    }
  }

  #losePatience(cause: unknown): void {
    const { patience = Number.POSITIVE_INFINITY } = this.#options;
    const silence = Date.now() - Math.max(this.#lastHeard, this.#lastAnswered);
    if (silence < patience) return;
    const seconds = Math.round(silence / 1000);
    this.#refuse(new ConnectionError(`The platform has not answered for ${seconds} seconds`, { cause }));
  }

  #refuse(reason: Error): void {
    this.close();
    this.#options.onRefused?.(reason);
  }

  async #answers(): Promise<LiveVideo[]> {
    const { video } = this.#options;
    if (video === undefined)
      return (await this.#client.listVideos({ limit: 100 }, this.#call())).videos.map(toLive);
    try {
      return [toLive(await this.#client.showVideo(video, this.#call()))];
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'not-found') throw error;
      // An upload that just arrived may not be known yet.
      if (!this.#hasAnswered) this.#expectedUntil = Date.now() + EXPECTED_MS;
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
export const follow = (client: Api, options: FollowOptions): Following => new Follower(client, options);
