/**
 * Tells who follows a video how it stands, through AWS IoT's broker. Telling never fails and never holds anybody up: what
 * does not get through is logged, and what S3 has is asked for by followers themselves.
 */
import { type IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { isPrivate } from './edits.ts';
import { hasEnded, type Live, liveTopic } from './live-message.ts';
import { log } from './log.ts';
import type { Encode } from './messages.ts';
import { videoKeys } from './names.ts';
import type { Stores } from './publish.ts';
import { type EncodeStatus, encodeStatus, publishedStatus } from './status.ts';
import type { ObjectStore } from './store.ts';

/** Milliseconds after which a message is given up. */
const LIMIT_MS = 1000;

/**
 * Seconds for which the last message is kept for who comes late. Who comes later asks the API alone, and a follower of
 * all videos does not hear of each that there ever was.
 */
const KEPT_SECONDS = { ended: 24 * 3600, other: 3600 } as const;

export interface Announcer {
  /** Tells it, soon. @param message what makes it may ask S3, and fail */
  announce(message: Live | (() => Promise<Live>)): void;
}

export class IotAnnouncer implements Announcer {
  readonly #iot: IoTDataPlaneClient;
  readonly #topics: string;
  readonly #pending = new Set<Promise<void>>();

  /** @param topics what the platform's topics begin with */
  constructor(iot: IoTDataPlaneClient, topics: string) {
    this.#iot = iot;
    this.#topics = topics;
  }

  announce(message: Live | (() => Promise<Live>)): void {
    const told: Promise<void> = this.#tell(message)
      .catch((error: unknown) => log('warn', 'not-announced', { error: String(error) }))
      .finally(() => this.#pending.delete(told));
    this.#pending.add(told);
  }

  /** When all is told or given up: a Lambda must not end before. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #tell(message: Live | (() => Promise<Live>)): Promise<void> {
    const live = typeof message === 'function' ? await message() : message;
    await this.#iot.send(
      new PublishCommand({
        topic: liveTopic(this.#topics, live.id),
        payload: Buffer.from(JSON.stringify({ at: new Date().toISOString(), ...live } satisfies Live)),
        qos: 1,
        retain: true,
        messageExpiry: hasEnded(live) ? KEPT_SECONDS.ended : KEPT_SECONDS.other,
      }),
      { abortSignal: AbortSignal.timeout(LIMIT_MS) },
    );
  }
}

/** What is told of an encode that stands so. */
export const liveOf = (
  { video, revision }: Encode,
  { state, percent, encodedSeconds, durationSeconds, findings = [], failure }: EncodeStatus,
): Live => ({
  id: video,
  revision,
  state,
  percent,
  ...(encodedSeconds !== undefined && { encodedSeconds }),
  ...(durationSeconds !== undefined && { durationSeconds }),
  findings,
  ...(failure && { failure }),
});

/** Tells how an encode stands that does not play yet. */
export function announceEncode(announcer: Announcer, uploads: ObjectStore, encode: Encode): void {
  announcer.announce(async () => liveOf(encode, await encodeStatus(uploads, encode)));
}

/** Tells how an encode stands that plays, and where: that of a private video its followers ask for. */
export function announcePublished(announcer: Announcer, stores: Stores, encode: Encode): void {
  announcer.announce(async () => ({
    ...liveOf(encode, await publishedStatus(stores, encode)),
    ...(!(await isPrivate(stores.uploads, encode.video)) && {
      playbackUrl: `/${videoKeys.master(encode.video)}`,
    }),
  }));
}

/** What is told of a video that is deleted. */
export const deletedLive = (id: string): Live => ({ id, state: 'deleted', percent: 0, findings: [] });
