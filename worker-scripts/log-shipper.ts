/**
 * Sends a worker's log lines to CloudWatch Logs, which also takes the metrics out of them: a stream a worker. The lines stay
 * on standard output, too. Sending never fails and holds nobody up; what does not get through is sent with the next lines.
 */
import { type CallLogs, LogsError } from './cloudwatch-logs.ts';

/** Milliseconds between two calls; lines reach CloudWatch so much later. */
const INTERVAL_MS = 5000;

/** Of PutLogEvents: bytes of a call, what each event counts beyond its text, and events. */
const MAX_BATCH_BYTES = 1_048_576;
const EVENT_BYTES = 26;
const MAX_BATCH_EVENTS = 10_000;

/** Lines that are kept for an outage; what is older is lost to CloudWatch, not to the machine's journal. */
const MAX_KEPT = 20_000;

interface LogEvent {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly message: string;
}

const sizeOf = ({ message }: LogEvent): number => Buffer.byteLength(message) + EVENT_BYTES;

export class LogShipper {
  readonly #call: CallLogs;
  readonly #names: { readonly logGroupName: string; readonly logStreamName: string };
  readonly #timer: NodeJS.Timeout;
  #waiting: LogEvent[] = [];
  #hasStream = false;
  #sending: Promise<void> | undefined;

  /** Sends now and then until `close`. */
  constructor(call: CallLogs, group: string, stream: string, intervalMs = INTERVAL_MS) {
    this.#call = call;
    this.#names = { logGroupName: group, logStreamName: stream };
    this.#timer = setInterval(() => void this.#flush(), intervalMs).unref();
  }

  /** Takes a line that was written now. */
  add(message: string): void {
    this.#waiting.push({ timestamp: Date.now(), message });
    if (this.#waiting.length > MAX_KEPT) this.#waiting.shift();
  }

  /** Sends what is left, once. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    await this.#flush();
  }

  /** One call at a time, so that events come in their order. */
  async #flush(): Promise<void> {
    this.#sending ??= this.#send()
      // Nothing is logged of it: the line would wait with the others, and the journal has them all.
      .catch(() => {})
      .finally(() => {
        this.#sending = undefined;
      });
    await this.#sending;
  }

  async #send(): Promise<void> {
    if (!this.#hasStream && this.#waiting.length > 0) await this.#createStream();
    while (this.#waiting.length > 0) {
      const count = fitting(this.#waiting);
      const logEvents = this.#waiting.slice(0, count);
      await this.#call('PutLogEvents', { ...this.#names, logEvents }).catch((error: unknown) => {
        // What is wrong with these lines will be wrong the next time, too.
        if (!(error instanceof LogsError && error.type === 'InvalidParameterException')) throw error;
      });
      this.#waiting = this.#waiting.slice(count);
    }
  }

  async #createStream(): Promise<void> {
    await this.#call('CreateLogStream', this.#names).catch((error: unknown) => {
      if (!(error instanceof LogsError && error.type === 'ResourceAlreadyExistsException')) throw error;
    });
    this.#hasStream = true;
  }
}

/** How many of the first events one call takes; at least one. */
function fitting(events: readonly LogEvent[]): number {
  let bytes = 0;
  const over = events.findIndex((event, index) => {
    bytes += sizeOf(event);
    return index === MAX_BATCH_EVENTS || bytes > MAX_BATCH_BYTES;
  });
  return over < 0 ? events.length : Math.max(1, over);
}
