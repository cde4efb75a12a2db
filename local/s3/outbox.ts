/** Delivers events at least once. The journal keeps them until their queue has them, so that a crash loses none. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PendingEvent } from './events.ts';

const RETRY_MS = 500;

export class Outbox {
  readonly #deliver: (queue: string, eventJson: string) => Promise<void>;
  readonly #onDelivered: (event: PendingEvent) => void;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(
    deliver: (queue: string, eventJson: string) => Promise<void>,
    onDelivered: (event: PendingEvent) => void,
  ) {
    this.#deliver = deliver;
    this.#onDelivered = onDelivered;
  }

  /** Begins to deliver an event; goes on until it is taken. */
  send(event: PendingEvent): void {
    const work = this.#deliverUntilTaken(event).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Gives up what is not taken yet. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#running);
  }

  async #deliverUntilTaken(pending: PendingEvent): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#deliver(pending.queue, JSON.stringify(pending.event));
        return this.#onDelivered(pending);
      } catch (error) {
        console.error(`An event for ${pending.queue} was not taken, it is sent again: ${error}`);
        await sleep(RETRY_MS, undefined, { signal: this.#closed.signal }).catch(() => undefined);
      }
    }
  }
}
