/**
 * One standard queue in memory. Every change is recorded at once and durable when the journal is flushed; the
 * server answers only then. A hidden message (delayed, or in flight) holds a timer that shows it again.
 *
 * Messages are handed out in turns among groups, as SQS's fair queues keep one tenant's backlog from delaying
 * the others; a message without a group is a tenant of its own.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
 */
import { randomUUID } from 'node:crypto';
import type { FaultHooks } from '../faults/hooks.ts';
import type { QueueAttributes } from './attributes.ts';
import { invalidParameter, SqsError } from './errors.ts';
import type { Message, MessageContent } from './message.ts';

/** What the journal keeps. */
export type JournalRecord =
  | {
      readonly kind: 'queue';
      readonly name: string;
      readonly attributes: QueueAttributes;
      readonly createdAt: number;
      readonly modifiedAt: number;
    }
  | { readonly kind: 'put'; readonly queue: string; readonly message: Message }
  | ({ readonly kind: 'mark'; readonly queue: string; readonly id: string } & Delivery)
  | { readonly kind: 'drop'; readonly queue: string; readonly id: string }
  | { readonly kind: 'purge'; readonly queue: string };

/** The part of a message that receiving it changes. */
export type Delivery = Pick<Message, 'visibleAt' | 'receiveCount' | 'firstReceivedAt'>;

/** What a queue needs of the service around it. */
export interface QueueContext {
  record(record: JournalRecord): void;
  arnOf(name: string): string;
  byArn(arn: string): Queue | undefined;
  readonly faults?: FaultHooks | undefined;
}

export interface Received {
  readonly message: Message;
  readonly receiptHandle: string;
  /** How it was before, for `putBack`. */
  readonly before: Delivery;
}

/** What a queue shows of a message to those who look in from outside the protocol. */
export interface MessageView extends Pick<Message, 'body' | 'group' | 'receiveCount' | 'sentAt'> {
  /** Received, and neither deleted nor visible again. */
  readonly inFlight: boolean;
}

interface Waiter {
  readonly max: number;
  readonly visibilitySeconds: number;
  readonly wake: (received: Received[]) => void;
}

/** SQS takes one purge a minute. */
const PURGE_PAUSE_MS = 60_000;

export class Queue {
  readonly name: string;
  readonly createdAt: number;
  modifiedAt: number;
  #attributes: QueueAttributes;
  readonly #context: QueueContext;
  readonly #messages = new Map<string, Message>();
  /** Visible messages by group. The first group is next; once served, it goes to the end. */
  readonly #visible = new Map<string, Set<Message>>();
  readonly #timers = new Map<Message, NodeJS.Timeout>();
  readonly #waiters = new Set<Waiter>();
  #purgedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, attributes: QueueAttributes, createdAt: number, context: QueueContext) {
    this.name = name;
    this.createdAt = createdAt;
    this.modifiedAt = createdAt;
    this.#attributes = attributes;
    this.#context = context;
  }

  get attributes(): QueueAttributes {
    return this.#attributes;
  }

  setAttributes(attributes: QueueAttributes, now = Date.now()): void {
    this.#attributes = attributes;
    this.modifiedAt = now;
    this.#context.record(this.#description());
  }

  /** Puts messages into the queue. @param delays seconds of each; the queue's own where undefined */
  send(contents: ReadonlyArray<MessageContent & { readonly delaySeconds?: number | undefined }>): Message[] {
    const now = Date.now();
    const messages = contents.map(({ delaySeconds = this.#attributes.DelaySeconds, ...content }) => ({
      ...content,
      id: randomUUID(),
      sentAt: now,
      deadLetterSource: undefined,
      visibleAt: now + (delaySeconds + (this.#context.faults?.messageSent(this.name, content) ?? 0)) * 1000,
      receiveCount: 0,
      firstReceivedAt: undefined,
    }));
    this.#put(messages);
    return messages;
  }

  #put(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#context.record({ kind: 'put', queue: this.name, message });
      this.#messages.set(message.id, message);
      this.#schedule(message);
    }
    // After all of them, so that a waiting receive gets a whole batch.
    this.#wake();
  }

  /**
   * Takes messages; where there is none, waits for one.
   * @param max messages at most
   * @param gone aborts when the receiver has gone, which ends its wait
   */
  async receive(options: {
    readonly max: number;
    readonly visibilitySeconds: number;
    readonly waitSeconds: number;
    readonly gone: AbortSignal;
  }): Promise<Received[]> {
    const { gone, waitSeconds, ...order } = options;
    if (gone.aborted) return [];
    const ready = this.#take(order);
    if (ready.length > 0 || waitSeconds === 0) return ready;
    return new Promise((resolve) => {
      const leave = (received: Received[]) => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        gone.removeEventListener('abort', leaveEmpty);
        resolve(received);
      };
      const leaveEmpty = () => leave([]);
      const waiter: Waiter = { ...order, wake: leave };
      const timer = setTimeout(leaveEmpty, waitSeconds * 1000);
      gone.addEventListener('abort', leaveEmpty);
      this.#waiters.add(waiter);
    });
  }

  #take({ max, visibilitySeconds }: { max: number; visibilitySeconds: number }): Received[] {
    const now = Date.now();
    this.#expire(now);
    const received: Received[] = [];
    while (received.length < max) {
      const message = this.#next();
      if (!message) break;
      if (this.#redrive(message)) continue;
      const { visibleAt, receiveCount, firstReceivedAt } = message;
      this.#mark(message, {
        visibleAt: now + visibilitySeconds * 1000,
        receiveCount: receiveCount + 1,
        firstReceivedAt: firstReceivedAt ?? now,
      });
      received.push({
        message,
        receiptHandle: formatHandle(this.name, message),
        before: { visibleAt, receiveCount, firstReceivedAt },
      });
    }
    // Only now: a visibility timeout of 0 must not hand the same message out twice in one answer.
    for (const { message } of received) this.#schedule(message);
    return received;
  }

  /** Takes the first message of the group whose turn it is, and ends that group's turn. */
  #next(): Message | undefined {
    for (const [group, messages] of this.#visible) {
      this.#visible.delete(group);
      for (const message of messages) {
        messages.delete(message);
        if (messages.size > 0) this.#visible.set(group, messages);
        return message;
      }
    }
    return undefined;
  }

  /** Moves a message that was received too often to the dead letters, id and age kept, as SQS does. */
  #redrive(message: Message): boolean {
    const policy = this.#attributes.RedrivePolicy;
    if (!policy || message.receiveCount < policy.maxReceiveCount) return false;
    const target = this.#context.byArn(policy.deadLetterTargetArn);
    if (!target) return false;
    // Into the one before out of the other: a crash in between leaves two rather than none.
    target.#put([{ ...message, visibleAt: Date.now(), deadLetterSource: this.#context.arnOf(this.name) }]);
    this.#remove(message);
    return true;
  }

  /** Undoes a receive whose answer never reached the receiver. */
  putBack(received: readonly Received[]): void {
    for (const { message, before } of received) {
      // Deleted, or received again, in the meantime: then it is somebody else's.
      if (!this.#messages.has(message.id) || message.receiveCount !== before.receiveCount + 1) continue;
      this.#hide(message);
      this.#mark(message, before);
      this.#schedule(message);
    }
    this.#wake();
  }

  /**
   * Deletes what a handle names. A handle that is out of date (the message was received again, or is gone)
   * succeeds and deletes nothing.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
   */
  delete(receiptHandle: string): void {
    const message = this.#held(parseHandle(this.name, receiptHandle));
    if (message) this.#remove(message);
  }

  /**
   * Shows a message in flight again after so many seconds from now; 0 shows it at once. SQS refuses this for a
   * message that is gone, and answers without effect where the handle is out of date or its time is over
   * (measured by LocalStack against AWS: https://github.com/localstack/localstack/pull/9632).
   */
  changeVisibility(receiptHandle: string, seconds: number): void {
    const handle = parseHandle(this.name, receiptHandle);
    if (!this.#messages.has(handle.id))
      throw invalidParameter(
        'ReceiptHandle',
        receiptHandle,
        'Message does not exist or is not available for visibility timeout change.',
      );
    const message = this.#held(handle);
    if (!message || !this.#timers.has(message)) return;
    this.#hide(message);
    this.#mark(message, { ...message, visibleAt: Date.now() + seconds * 1000 });
    this.#schedule(message);
    this.#wake();
  }

  purge(): void {
    const now = Date.now();
    if (now - this.#purgedAt < PURGE_PAUSE_MS)
      throw new SqsError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${this.name} is allowed every 60 seconds.`,
      );
    this.#purgedAt = now;
    this.#context.record({ kind: 'purge', queue: this.name });
    for (const message of this.#messages.values()) this.#hide(message);
    this.#messages.clear();
  }

  /** How many messages are ready, in flight, and not yet due. */
  counts(): { visible: number; inFlight: number; delayed: number } {
    this.#expire(Date.now());
    const hidden = [...this.#timers.keys()];
    const delayed = hidden.filter(({ receiveCount }) => receiveCount === 0).length;
    return { visible: this.#messages.size - hidden.length, inFlight: hidden.length - delayed, delayed };
  }

  /** All messages as they are now. */
  messages(): MessageView[] {
    return [...this.#messages.values()].map((message) => {
      const { body, group, receiveCount, sentAt } = message;
      return { body, group, receiveCount, sentAt, inFlight: receiveCount > 0 && this.#timers.has(message) };
    });
  }

  /** Ends all waits and timers. */
  stop(): void {
    for (const waiter of this.#waiters) waiter.wake([]);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Applies a record of the journal; `resume` must follow the last one. */
  replay(record: JournalRecord): void {
    if (record.kind === 'queue') {
      this.#attributes = record.attributes;
      this.modifiedAt = record.modifiedAt;
    } else if (record.kind === 'put') this.#messages.set(record.message.id, record.message);
    else if (record.kind === 'drop') this.#messages.delete(record.id);
    else if (record.kind === 'purge') this.#messages.clear();
    else {
      const message = this.#messages.get(record.id);
      if (message) setDelivery(message, record);
    }
  }

  resume(): void {
    for (const message of this.#messages.values()) this.#schedule(message);
  }

  *snapshot(): Iterable<JournalRecord> {
    yield this.#description();
    for (const message of this.#messages.values()) yield { kind: 'put', queue: this.name, message };
  }

  #description(): JournalRecord {
    const { name, createdAt, modifiedAt } = this;
    return { kind: 'queue', name, attributes: this.#attributes, createdAt, modifiedAt };
  }

  /** The message, if the handle is of its latest receive. */
  #held({ id, receiveCount }: Handle): Message | undefined {
    const message = this.#messages.get(id);
    return message?.receiveCount === receiveCount ? message : undefined;
  }

  #mark(message: Message, { visibleAt, receiveCount, firstReceivedAt }: Delivery): void {
    setDelivery(message, { visibleAt, receiveCount, firstReceivedAt });
    const { name: queue } = this;
    this.#context.record({ kind: 'mark', queue, id: message.id, visibleAt, receiveCount, firstReceivedAt });
  }

  /** Shows the message when it is due, which may be now. */
  #schedule(message: Message): void {
    const delay = message.visibleAt - Date.now();
    if (delay <= 0) {
      this.#show(message);
      return;
    }
    const timer = setTimeout(() => this.#showDue(message.visibleAt), delay);
    this.#timers.set(message, timer.unref());
  }

  /**
   * Shows what is due at a time, in its order: those that were hidden together come back together, though the clock
   * may have ticked between their timers.
   */
  #showDue(time: number): void {
    for (const [message, timer] of this.#timers) {
      if (message.visibleAt > time) continue;
      clearTimeout(timer);
      this.#timers.delete(message);
      this.#show(message);
    }
    this.#wake();
  }

  #show(message: Message): void {
    const group = message.group === undefined ? `message ${message.id}` : `group ${message.group}`;
    const messages = this.#visible.get(group);
    if (messages) messages.add(message);
    else this.#visible.set(group, new Set([message]));
  }

  /** Takes a message out of both the visible and the timed ones. */
  #hide(message: Message): void {
    clearTimeout(this.#timers.get(message));
    this.#timers.delete(message);
    const group = message.group === undefined ? `message ${message.id}` : `group ${message.group}`;
    const messages = this.#visible.get(group);
    messages?.delete(message);
    if (messages?.size === 0) this.#visible.delete(group);
  }

  #remove(message: Message): void {
    this.#hide(message);
    this.#messages.delete(message.id);
    this.#context.record({ kind: 'drop', queue: this.name, id: message.id });
  }

  /** Removes what is older than the retention period. The oldest come first, dead letters aside. */
  #expire(now: number): void {
    const oldest = now - this.#attributes.MessageRetentionPeriod * 1000;
    for (const message of this.#messages.values()) {
      if (message.sentAt >= oldest) return;
      this.#remove(message);
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (this.#visible.size === 0) return;
      const received = this.#take(waiter);
      if (received.length > 0) waiter.wake(received);
    }
  }
}

function setDelivery(message: Message, { visibleAt, receiveCount, firstReceivedAt }: Delivery): void {
  message.visibleAt = visibleAt;
  message.receiveCount = receiveCount;
  message.firstReceivedAt = firstReceivedAt;
}

interface Handle {
  readonly id: string;
  readonly receiveCount: number;
}

/** A receipt handle names the message and which receive of it this is, so it outlives a restart. */
const formatHandle = (queue: string, { id, receiveCount }: Message) =>
  Buffer.from(`${queue} ${id} ${receiveCount}`).toString('base64');

function parseHandle(queue: string, text: string): Handle {
  const parts = /^(\S+) ([0-9a-f-]{36}) (\d+)$/.exec(Buffer.from(text, 'base64').toString());
  if (!parts?.[2] || parts[1] !== queue)
    throw new SqsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${text}" is not a valid receipt handle.`,
    );
  return { id: parts[2], receiveCount: Number(parts[3]) };
}
