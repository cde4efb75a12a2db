/** All queues of one data directory, and the journal that keeps them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNT } from '../aws/account.ts';
import type { FaultHooks } from '../faults/hooks.ts';
import { type Journal, openJournal } from '../journal.ts';
import { INITIAL_ATTRIBUTES, parseAttributes, type QueueAttributes } from './attributes.ts';
import { invalidParameter, SqsError } from './errors.ts';
import { type JournalRecord, Queue, type QueueContext } from './queue.ts';

/** The account whose queues these are; AWS's documentation uses it where it means none. */

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
const QUEUE_NAME = /^[\w-]{1,80}$/;

export class Broker implements QueueContext {
  readonly #region: string;
  readonly faults: FaultHooks | undefined;
  readonly #queues = new Map<string, Queue>();
  #journal: Journal<JournalRecord> | undefined;

  constructor(region: string, faults?: FaultHooks) {
    this.#region = region;
    this.faults = faults;
  }

  /** Reads what the directory holds and keeps it from then on. */
  async open(dataDir: string): Promise<void> {
    await mkdir(dataDir, { recursive: true });
    this.#journal = await openJournal<JournalRecord>({
      path: join(dataDir, 'queues.log'),
      replay: (record) => this.#replay(record),
      snapshot: () => this.#snapshot(),
    });
    for (const queue of this.#queues.values()) queue.resume();
  }

  #replay(record: JournalRecord): void {
    const name = record.kind === 'queue' ? record.name : record.queue;
    if (record.kind === 'queue' && !this.#queues.has(name))
      this.#queues.set(name, new Queue(name, record.attributes, record.createdAt, this));
    this.#queues.get(name)?.replay(record);
  }

  *#snapshot(): Iterable<JournalRecord> {
    for (const queue of this.#queues.values()) yield* queue.snapshot();
  }

  record(record: JournalRecord): void {
    this.#journal?.append(record);
  }

  /** Resolves when all that was done so far is on the disk. */
  async flushed(): Promise<void> {
    await this.#journal?.flushed();
  }

  /** Ends all waits; what was done stays. */
  async close(): Promise<void> {
    for (const queue of this.#queues.values()) queue.stop();
    await this.#journal?.close();
  }

  arnOf(name: string): string {
    return `arn:aws:sqs:${this.#region}:${ACCOUNT}:${name}`;
  }

  byArn(arn: string): Queue | undefined {
    return [...this.#queues.values()].find(({ name }) => this.arnOf(name) === arn);
  }

  names(): string[] {
    return [...this.#queues.keys()].sort();
  }

  /** The queue that a URL names by its last step, whatever host and port it was made with. */
  byUrl(url: string): Queue {
    return this.byName(url.slice(url.lastIndexOf('/') + 1));
  }

  byName(name: string): Queue {
    const queue = this.#queues.get(name);
    if (!queue) throw new SqsError('QueueDoesNotExist', `The specified queue '${name}' does not exist.`);
    return queue;
  }

  /** Makes a queue with these attributes; answers the one that is there if it has them. */
  create(name: string, given: Readonly<Record<string, string>>): Queue {
    if (!QUEUE_NAME.test(name))
      throw invalidParameter(
        'QueueName',
        name,
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
      );
    const wanted = this.#checked(parseAttributes(given));
    const known = this.#queues.get(name);
    if (!known) return this.put(name, { ...INITIAL_ATTRIBUTES, ...wanted });
    const same = JSON.stringify({ ...known.attributes, ...wanted }) === JSON.stringify(known.attributes);
    if (!same)
      throw new SqsError(
        'QueueNameExists',
        `A queue named '${name}' already exists with other values of ${Object.keys(wanted).join(', ')}.`,
      );
    return known;
  }

  /** Sets some attributes of a queue. */
  configure(queue: Queue, given: Readonly<Record<string, string>>): void {
    const wanted = this.#checked(parseAttributes(given));
    if (wanted.RedrivePolicy?.deadLetterTargetArn === this.arnOf(queue.name))
      throw invalidParameter('RedrivePolicy', queue.name, 'A queue cannot be its own dead letter queue.');
    queue.setAttributes({ ...queue.attributes, ...wanted });
  }

  /** Makes sure that a queue is there and has exactly these attributes. */
  put(name: string, attributes: QueueAttributes): Queue {
    const queue = this.#queues.get(name) ?? new Queue(name, attributes, Date.now(), this);
    this.#queues.set(name, queue);
    queue.setAttributes(attributes);
    return queue;
  }

  #checked(attributes: Partial<QueueAttributes>): Partial<QueueAttributes> {
    const target = attributes.RedrivePolicy?.deadLetterTargetArn;
    if (target !== undefined && !this.byArn(target))
      throw invalidParameter('RedrivePolicy', target, 'Dead letter target does not exist.');
    return attributes;
  }
}
