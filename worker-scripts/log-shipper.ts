/**
 * Sends a worker's log lines to CloudWatch Logs, which also takes the metrics out of them: a stream a worker. The lines stay
 * on standard output, too. Sending never fails and holds nobody up; what does not get through is sent with the next lines.
 */
import { StringDecoder } from 'node:string_decoder';
import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  InvalidParameterException,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
} from '@aws-sdk/client-cloudwatch-logs';

/** Milliseconds between two calls; lines reach CloudWatch so much later. */
const INTERVAL_MS = 5000;

/** Milliseconds after which a call is given up, its repetitions included. */
const LIMIT_MS = 5000;

/** Of PutLogEvents: bytes of a call, what each event counts beyond its text, and events. */
const MAX_BATCH_BYTES = 1_048_576;
const EVENT_BYTES = 26;
const MAX_BATCH_EVENTS = 10_000;
/** Of a line; what is longer is cut. */
const MAX_LINE_BYTES = MAX_BATCH_BYTES - EVENT_BYTES;

/** Lines that are kept for an outage; what is older is lost to CloudWatch, not to the machine's journal. */
const MAX_KEPT = 20_000;

interface LogEvent {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly message: string;
}

const sizeOf = ({ message }: LogEvent): number => Buffer.byteLength(message) + EVENT_BYTES;

export class LogShipper {
  readonly #logs: CloudWatchLogsClient;
  readonly #names: { readonly logGroupName: string; readonly logStreamName: string };
  readonly #timer: NodeJS.Timeout;
  #waiting: LogEvent[] = [];
  /** Milliseconds since 1970: a batch whose times go back is refused, but clocks are set. */
  #latest = 0;
  #hasStream = false;
  #sending: Promise<void> | undefined;

  /** Sends now and then until `close`. */
  constructor(logs: CloudWatchLogsClient, group: string, stream: string, intervalMs = INTERVAL_MS) {
    this.#logs = logs;
    this.#names = { logGroupName: group, logStreamName: stream };
    this.#timer = setInterval(() => void this.#flush(), intervalMs).unref();
  }

  /** Takes a line that was written now. */
  add(message: string): void {
    this.#latest = Math.max(this.#latest, Date.now());
    this.#waiting.push({ timestamp: this.#latest, message: cut(message) });
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
    let most = MAX_BATCH_EVENTS;
    while (this.#waiting.length > 0) {
      // Out of the others before the call: meanwhile `add` drops the oldest of them.
      const batch = this.#waiting.splice(0, Math.min(most, fitting(this.#waiting)));
      const isTaken = await this.#put(batch).catch((error: unknown) => {
        this.#putBack(batch);
        throw error;
      });
      // What is wrong with a line will be wrong the next time, too: half by half it is found, and left out alone.
      if (!isTaken && batch.length > 1) this.#putBack(batch);
      most = isTaken ? most * 2 : Math.ceil(batch.length / 2);
    }
  }

  /** Says whether CloudWatch takes them: it refuses all for one. */
  async #put(logEvents: LogEvent[]): Promise<boolean> {
    try {
      await this.#logs.send(new PutLogEventsCommand({ ...this.#names, logEvents }), limited());
      return true;
    } catch (error) {
      if (error instanceof InvalidParameterException) return false;
      throw error;
    }
  }

  #putBack(batch: readonly LogEvent[]): void {
    this.#waiting = [...batch, ...this.#waiting].slice(-MAX_KEPT);
  }

  async #createStream(): Promise<void> {
    await this.#logs.send(new CreateLogStreamCommand(this.#names), limited()).catch((error: unknown) => {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    });
    this.#hasStream = true;
  }
}

const limited = () => ({ abortSignal: AbortSignal.timeout(LIMIT_MS) });

/** A line as long as CloudWatch takes it, in whole characters. */
function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_LINE_BYTES) return message;
  return new StringDecoder('utf8').write(bytes.subarray(0, MAX_LINE_BYTES));
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
