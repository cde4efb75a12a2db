/** Events that wait to be delivered: on disk before their write is acknowledged, so that a crash loses none. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJsonFiles, writeJson } from './disk.ts';

const RETRY_MS = 500;

export class Outbox {
  readonly #folder: string;
  readonly #deliver: (bucket: string, eventJson: string) => Promise<void>;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(folder: string, deliver: (bucket: string, eventJson: string) => Promise<void>) {
    this.#folder = folder;
    this.#deliver = deliver;
  }

  /** Delivers what an earlier run left. */
  async open(): Promise<void> {
    for await (const [file, value] of readJsonFiles(this.#folder)) {
      const { bucket, event } = value as { bucket: string; event: unknown }; // written below
      this.#send(file, bucket, event);
    }
  }

  /** Resolves when the event is safe; it is delivered at least once. */
  async add(sequencer: string, bucket: string, event: unknown): Promise<void> {
    const file = join(this.#folder, `${sequencer}.json`);
    await writeJson(file, { bucket, event });
    this.#send(file, bucket, event);
  }

  /** Ends deliveries that fail; they are tried again at the next start. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#running);
  }

  #send(file: string, bucket: string, event: unknown): void {
    const work = this.#deliverUntilTaken(file, bucket, event).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  async #deliverUntilTaken(file: string, bucket: string, event: unknown): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#deliver(bucket, JSON.stringify(event));
        await rm(file, { force: true });
        return;
      } catch (error) {
        console.error(`An event of ${bucket} was not taken, it is sent again: ${error}`);
        await sleep(RETRY_MS, undefined, { signal: this.#closed.signal }).catch(() => undefined);
      }
    }
  }
}
