/**
 * A cloud in memory in which nothing happens but what a schedule allows: each call to S3 and SQS waits twice, before
 * it takes effect and before its answer arrives, so that the schedule decides about every interleaving, and can end
 * a process between any two of its writes.
 */
import { S3Client } from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { etagOf, type Objects, serveS3 } from '../support/memory-s3.ts';

export type QueueName = 'uploads' | 'tasks';

export interface Message {
  readonly id: string;
  readonly queue: QueueName;
  readonly body: string;
  receives: number;
  /** The process that has it; undefined while it is visible. */
  holder: Process | undefined;
}

/** A worker, a Lambda or a person: whoever calls the cloud. */
export interface Process {
  readonly name: string;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly done: Promise<unknown>;
  /** Passes when the schedule lets the process go on. */
  readonly pause: () => Promise<void>;
  ended: boolean;
  /** It stands still, and others were given its messages. */
  stalled: boolean;
  /** Calls that wait for the schedule. */
  readonly waiting: Array<{ go: () => void; fail: (error: Error) => void; readonly effect: boolean }>;
}

export class World {
  readonly objects: Objects = new Map();
  readonly #times = new Map<string, Date>();
  readonly #mocks: Array<{ restore(): void }> = [];
  readonly messages = new Set<Message>();
  readonly processes = new Set<Process>();
  #messageCount = 0;
  readonly #outside = { s3: new S3Client({ region: 'us-east-1' }) };

  constructor() {
    // S3 tells of new sources and plans, as the buckets' notifications say.
    const set = this.objects.set.bind(this.objects);
    this.objects.set = (name, text) => {
      set(name, text);
      const [bucket = '', ...path] = name.split('/');
      const key = path.join('/');
      if (bucket === 'uploads' && (key.startsWith('uploads/') || /^jobs\/.*\/plan\.json$/.test(key)))
        this.send('uploads', s3Event(bucket, key, text));
      return this.objects;
    };
    this.#serveS3(this.#outside.s3);
  }

  /** A client whose calls need no schedule: the test's own. */
  get s3(): S3Client {
    return this.#outside.s3;
  }

  send(queue: QueueName, body: string): void {
    this.#messageCount++;
    this.messages.add({ id: `m${this.#messageCount}`, queue, body, receives: 0, holder: undefined });
  }

  visible(queue: QueueName): Message[] {
    return [...this.messages].filter((message) => message.queue === queue && !message.holder);
  }

  held(process: Process): Message[] {
    return [...this.messages].filter(({ holder }) => holder === process);
  }

  /** Starts a process. */
  start(name: string, run: (process: Process) => Promise<unknown>): Process {
    const waiting: Process['waiting'] = [];
    const pause = (effect = false) =>
      new Promise<void>((go, fail) => {
        waiting.push({ go, fail, effect });
      });
    const s3 = new S3Client({ region: 'us-east-1' });
    const sqs = new SQSClient({ region: 'us-east-1' });
    const process: Process = {
      name,
      s3,
      sqs,
      pause,
      waiting,
      ended: false,
      stalled: false,
      done: Promise.resolve(),
    };
    this.#serveS3(s3);
    this.#serveSqs(process);
    for (const client of [s3, sqs]) gate(client, pause);
    const done = run(process).finally(() => {
      process.ended = true;
      this.processes.delete(process);
      // A Lambda that ends without deleting its message, or a worker: the message comes back.
      for (const message of this.held(process)) message.holder = undefined;
    });
    this.processes.add(process);
    return Object.assign(process, { done });
  }

  /** Ends a process where it stands: none of its calls is ever answered; its messages come back. */
  kill(process: Process): void {
    process.ended = true;
    process.waiting.length = 0;
    this.processes.delete(process);
    for (const message of this.held(process)) message.holder = undefined;
  }

  /** Lets a process stand still, as a machine does that swaps; its heartbeat stops, so its messages come back. */
  stall(process: Process): void {
    process.stalled = true;
    for (const message of this.held(process)) message.holder = undefined;
  }

  /** Lets every process go on that stood still. */
  wake(): void {
    for (const process of this.processes) process.stalled = false;
  }

  /** Forgets every call: mocks keep all that they were given. */
  close(): void {
    for (const mock of this.#mocks) mock.restore();
  }

  #serveS3(client: S3Client): void {
    const mock = mockClient(client);
    this.#mocks.push(mock);
    serveS3(mock, this.objects, this.#times);
  }

  #serveSqs(process: Process): void {
    const queueOf = (url = '') => url.split('/').at(-1) as QueueName; // the worlds' URLs end so
    const find = (receipt = '') => [...this.messages].find(({ id }) => id === receipt);
    const mock = mockClient(process.sqs);
    this.#mocks.push(mock);
    mock.on(ReceiveMessageCommand).callsFake(({ QueueUrl, MaxNumberOfMessages = 1 }) => {
      const taken = this.visible(queueOf(QueueUrl)).slice(0, MaxNumberOfMessages);
      for (const message of taken) {
        message.receives++;
        message.holder = process;
      }
      return {
        Messages: taken.map(({ id, body, receives }) => ({
          MessageId: id,
          ReceiptHandle: id,
          Body: body,
          Attributes: { ApproximateReceiveCount: String(receives) },
        })),
      };
    });
    mock.on(DeleteMessageCommand).callsFake(({ ReceiptHandle }) => {
      // Of SQS's receipt handles the last one counts: a late deletion by an earlier one may do nothing.
      const message = find(ReceiptHandle);
      if (message && (!message.holder || message.holder === process)) this.messages.delete(message);
      return {};
    });
    mock.on(ChangeMessageVisibilityCommand).callsFake(({ ReceiptHandle, VisibilityTimeout }) => {
      const message = find(ReceiptHandle);
      // No clock runs here: a message that waits some seconds is one that the schedule lets wait.
      if (message?.holder === process && VisibilityTimeout < 60) message.holder = undefined;
      return {};
    });
    mock.on(SendMessageCommand).callsFake(({ QueueUrl, MessageBody = '' }) => {
      this.send(queueOf(QueueUrl), MessageBody);
      return {};
    });
    mock.on(SendMessageBatchCommand).callsFake(({ QueueUrl, Entries = [] }) => {
      for (const { MessageBody = '' } of Entries) this.send(queueOf(QueueUrl), MessageBody);
      return {};
    });
    mock.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }) => {
      const count = [...this.messages].filter(({ queue }) => queue === queueOf(QueueUrl)).length;
      return { Attributes: { ApproximateNumberOfMessages: String(count) } };
    });
  }
}

/** Lets every call of a client wait before its effect and before its answer. */
function gate(client: S3Client | SQSClient, pause: (effect?: boolean) => Promise<void>): void {
  const send = client.send.bind(client) as (...args: unknown[]) => Promise<unknown>;
  // The mock replaced `send` already; its overloads are the client's own.
  Object.assign(client, {
    send: async (...args: unknown[]) => {
      await pause(true);
      const answer = await send(...args);
      await pause();
      return answer;
    },
  });
}

function s3Event(bucket: string, key: string, text: string): string {
  return JSON.stringify({
    Records: [
      {
        eventName: 'ObjectCreated:Put',
        eventTime: '2026-01-02T03:04:05.000Z',
        s3: {
          bucket: { name: bucket },
          object: { key, size: text.length, eTag: etagOf(text).replaceAll('"', '') },
        },
      },
    ],
  });
}
