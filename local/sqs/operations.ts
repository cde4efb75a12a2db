/**
 * SQS's actions, free of protocol: checked input in, output as the JSON protocol has it.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
 */
import { z } from 'zod';
import { formatAttributes, unknownAttribute } from './attributes.ts';
import type { Broker } from './broker.ts';
import { invalidParameter, SqsError } from './errors.ts';
import {
  attributesMd5,
  checkMessage,
  type Message,
  type MessageContent,
  md5,
  messageAttributesSchema,
  messageBytes,
} from './message.ts';
import type { Queue, Received } from './queue.ts';

export interface Call {
  readonly broker: Broker;
  readonly urlOf: (queueName: string) => string;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
}

export interface Outcome {
  readonly output: Record<string, unknown>;
  /** Undoes what must not be lost with the answer. */
  readonly undo?: () => void;
}

/** A value of JSON as it comes from either protocol: `__proto__` and the like were never merged into anything. */
type Input = Readonly<Record<string, unknown>>;
type Action = (input: Input, call: Call) => Outcome | Promise<Outcome>;

const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_LISTED_QUEUES = 1000;

/** The Query protocol knows numbers only as text. */
const integer = (max: number, min = 0) => z.coerce.number().int().min(min).max(max);
const text = z.string();
const textMap = z.record(z.string(), z.string());
const onQueue = z.object({ QueueUrl: text });

const messageSchema = z.object({
  MessageBody: text,
  DelaySeconds: integer(900).optional(),
  MessageAttributes: messageAttributesSchema.default({}),
  MessageSystemAttributes: messageAttributesSchema.default({}),
  MessageGroupId: text.optional(),
});
const heldSchema = z.object({ ReceiptHandle: text });
const visibilitySchema = heldSchema.extend({ VisibilityTimeout: integer(43_200) });
const id = { Id: text };
const sendBatchSchema = onQueue.extend({ Entries: z.array(messageSchema.extend(id)).default([]) });
const deleteBatchSchema = onQueue.extend({ Entries: z.array(heldSchema.extend(id)).default([]) });
const visibilityBatchSchema = onQueue.extend({ Entries: z.array(visibilitySchema.extend(id)).default([]) });

const createSchema = z.object({ QueueName: text, Attributes: textMap.default({}) });
const configureSchema = onQueue.extend({ Attributes: textMap });
const listSchema = z.object({
  QueueNamePrefix: text.default(''),
  MaxResults: integer(MAX_LISTED_QUEUES, 1).optional(),
  NextToken: text.optional(),
});
const readSchema = onQueue.extend({ AttributeNames: z.array(text).default([]) });
const receiveSchema = onQueue.extend({
  AttributeNames: z.array(text).default([]),
  MessageSystemAttributeNames: z.array(text).default([]),
  MessageAttributeNames: z.array(text).default([]),
  MaxNumberOfMessages: integer(10, 1).default(1),
  VisibilityTimeout: integer(43_200).optional(),
  WaitTimeSeconds: integer(20).optional(),
});

const ACTIONS: Readonly<Record<string, Action>> = {
  CreateQueue(input, { broker, urlOf }) {
    const { QueueName, Attributes } = check(createSchema, input);
    return { output: { QueueUrl: urlOf(broker.create(QueueName, Attributes).name) } };
  },

  GetQueueUrl(input, { broker, urlOf }) {
    const { QueueName } = check(z.object({ QueueName: text }), input);
    return { output: { QueueUrl: urlOf(broker.byName(QueueName).name) } };
  },

  ListQueues(input, { broker, urlOf }) {
    const { QueueNamePrefix, MaxResults, NextToken } = check(listSchema, input);
    // The token is the last name of the page before.
    const names = broker
      .names()
      .filter((name) => name.startsWith(QueueNamePrefix) && (NextToken === undefined || name > NextToken));
    const page = names.slice(0, MaxResults ?? MAX_LISTED_QUEUES);
    // SQS gives a token only to who asked for pages.
    const more = MaxResults !== undefined && page.length < names.length;
    return { output: { QueueUrls: page.map(urlOf), ...(more && { NextToken: page.at(-1) }) } };
  },

  GetQueueAttributes(input, { broker }) {
    const { QueueUrl, AttributeNames } = check(readSchema, input);
    const all = describe(broker.byUrl(QueueUrl), broker);
    const unknown = AttributeNames.find(
      (name) => name !== 'All' && !Object.hasOwn(all, name) && !SOMETIMES.has(name),
    );
    if (unknown !== undefined) throw unknownAttribute(unknown);
    return { output: { Attributes: pick(all, AttributeNames) } };
  },

  SetQueueAttributes(input, { broker }) {
    const { QueueUrl, Attributes } = check(configureSchema, input);
    broker.configure(broker.byUrl(QueueUrl), Attributes);
    return { output: {} };
  },

  PurgeQueue(input, { broker }) {
    broker.byUrl(check(onQueue, input).QueueUrl).purge();
    return { output: {} };
  },

  SendMessage(input, { broker }) {
    const queue = broker.byUrl(check(onQueue, input).QueueUrl);
    const content = checkedContent(check(messageSchema, input), queue);
    return { output: sent(queue.send([content])[0]) };
  },

  SendMessageBatch(input, { broker }) {
    const { QueueUrl, Entries } = check(sendBatchSchema, input);
    const queue = broker.byUrl(QueueUrl);
    checkBatch('SendMessageBatchRequestEntry', Entries);
    const bytes = Entries.reduce((sum, entry) => sum + messageBytes(contentOf(entry)), 0);
    if (bytes > MAX_BATCH_BYTES)
      throw new SqsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
      );
    const { done, Failed } = attemptEach(Entries, (entry) => checkedContent(entry, queue));
    const messages = queue.send(done.map(({ value }) => value));
    const Successful = done.map(({ Id }, index) => ({ Id, ...sent(messages[index]) }));
    return { output: { Successful, Failed } };
  },

  async ReceiveMessage(input, { broker, gone }) {
    const request = check(receiveSchema, input);
    const queue = broker.byUrl(request.QueueUrl);
    const received = await queue.receive({
      max: request.MaxNumberOfMessages,
      visibilitySeconds: request.VisibilityTimeout ?? queue.attributes.VisibilityTimeout,
      waitSeconds: request.WaitTimeSeconds ?? queue.attributes.ReceiveMessageWaitTimeSeconds,
      gone,
    });
    if (received.length === 0) return { output: {} };
    const system = [...request.AttributeNames, ...request.MessageSystemAttributeNames];
    const Messages = received.map((one) => delivered(one, system, request.MessageAttributeNames));
    return { output: { Messages }, undo: () => queue.putBack(received) };
  },

  DeleteMessage(input, { broker }) {
    const { ReceiptHandle, QueueUrl } = check(onQueue.extend(heldSchema.shape), input);
    broker.byUrl(QueueUrl).delete(ReceiptHandle);
    return { output: {} };
  },

  DeleteMessageBatch(input, { broker }) {
    const { QueueUrl, Entries } = check(deleteBatchSchema, input);
    const queue = broker.byUrl(QueueUrl);
    checkBatch('DeleteMessageBatchRequestEntry', Entries);
    const { done, Failed } = attemptEach(Entries, ({ ReceiptHandle }) => queue.delete(ReceiptHandle));
    return { output: { Successful: done.map(({ Id }) => ({ Id })), Failed } };
  },

  ChangeMessageVisibility(input, { broker }) {
    const request = check(onQueue.extend(visibilitySchema.shape), input);
    broker.byUrl(request.QueueUrl).changeVisibility(request.ReceiptHandle, request.VisibilityTimeout);
    return { output: {} };
  },

  ChangeMessageVisibilityBatch(input, { broker }) {
    const { QueueUrl, Entries } = check(visibilityBatchSchema, input);
    const queue = broker.byUrl(QueueUrl);
    checkBatch('ChangeMessageVisibilityBatchRequestEntry', Entries);
    const { done, Failed } = attemptEach(Entries, ({ ReceiptHandle, VisibilityTimeout }) =>
      queue.changeVisibility(ReceiptHandle, VisibilityTimeout),
    );
    return { output: { Successful: done.map(({ Id }) => ({ Id })), Failed } };
  },
};

/** Runs an action by its name. Rejects with an `SqsError` where SQS would refuse. */
export async function perform(action: string, input: Input, call: Call): Promise<Outcome> {
  const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (!run)
    throw new SqsError(
      'UnknownOperationException',
      `The action ${action} is not valid here; there are ${Object.keys(ACTIONS).join(', ')}.`,
    );
  return run(input, call);
}

function check<T extends z.ZodType>(schema: T, input: Input): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const value = path.reduce<unknown>(
    (node, step) => (typeof node === 'object' && node !== null ? Reflect.get(node, step) : undefined),
    input,
  );
  if (value === undefined)
    throw new SqsError(
      'MissingRequiredParameterException',
      `The request must contain the parameter ${path.join('.')}.`,
    );
  throw invalidParameter(path.join('.'), JSON.stringify(value), `${issue?.message}.`);
}

function contentOf(
  input: z.infer<typeof messageSchema>,
): MessageContent & { delaySeconds: number | undefined } {
  return {
    body: input.MessageBody,
    attributes: input.MessageAttributes,
    systemAttributes: input.MessageSystemAttributes,
    group: input.MessageGroupId,
    delaySeconds: input.DelaySeconds,
  };
}

function checkedContent(input: z.infer<typeof messageSchema>, queue: Queue) {
  const content = contentOf(input);
  checkMessage(content, queue.attributes.MaximumMessageSize);
  return content;
}

function sent(message: Message | undefined): Record<string, unknown> {
  if (!message) throw new Error('A message that was sent is not there');
  return {
    MessageId: message.id,
    MD5OfMessageBody: md5(message.body),
    MD5OfMessageAttributes: attributesMd5(message.attributes),
    MD5OfMessageSystemAttributes: attributesMd5(message.systemAttributes),
  };
}

/** A received message, with the attributes that were asked for. */
function delivered({ message, receiptHandle }: Received, system: string[], names: string[]) {
  const { AWSTraceHeader } = message.systemAttributes;
  const systemAttributes = pick(
    {
      SenderId: 'AIDALOCAL',
      SentTimestamp: String(message.sentAt),
      ApproximateReceiveCount: String(message.receiveCount),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      ...(message.group !== undefined && { MessageGroupId: message.group }),
      ...(message.deadLetterSource !== undefined && { DeadLetterQueueSourceArn: message.deadLetterSource }),
      ...(AWSTraceHeader?.StringValue !== undefined && { AWSTraceHeader: AWSTraceHeader.StringValue }),
    },
    system,
  );
  const attributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) => names.some((wanted) => matches(name, wanted))),
  );
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    Attributes: systemAttributes,
    MD5OfMessageAttributes: attributesMd5(attributes),
    ...(Object.keys(attributes).length > 0 && { MessageAttributes: attributes }),
  };
}

/** `All`, `.*`, `prefix.*` or the name itself. */
function matches(name: string, wanted: string): boolean {
  if (wanted === 'All') return true;
  return wanted.endsWith('.*') ? name.startsWith(wanted.slice(0, -2)) : name === wanted;
}

/** Those of the values that are asked for by name or by `All`; `undefined` where that is none. */
function pick(values: Record<string, string>, names: string[]): Record<string, string> | undefined {
  const picked = Object.entries(values).filter(([name]) => names.includes(name) || names.includes('All'));
  return picked.length > 0 ? Object.fromEntries(picked) : undefined;
}

/** Attributes that a queue need not have. */
const SOMETIMES: ReadonlySet<string> = new Set(['RedrivePolicy']);

function describe(queue: Queue, broker: Broker): Record<string, string> {
  const { visible, inFlight, delayed } = queue.counts();
  return {
    ...formatAttributes(queue.attributes),
    QueueArn: broker.arnOf(queue.name),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
  };
}

/** The rules that hold for every batch. @param kind the entries' name in the Query protocol, for the message */
function checkBatch(kind: string, entries: ReadonlyArray<{ readonly Id: string }>): void {
  if (entries.length === 0)
    throw new SqsError('EmptyBatchRequest', `There should be at least one ${kind} in the request.`);
  if (entries.length > MAX_BATCH_ENTRIES)
    throw new SqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH_ENTRIES}. You have sent ${entries.length}.`,
    );
  for (const [index, { Id }] of entries.entries()) {
    if (!/^[\w-]{1,80}$/.test(Id))
      throw new SqsError(
        'InvalidBatchEntryId',
        `A batch entry id can only contain alphanumeric characters, hyphens and underscores, at most 80: '${Id}'`,
      );
    if (entries.findIndex((entry) => entry.Id === Id) !== index)
      throw new SqsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
  }
}

/** Does something for each entry; what SQS would refuse of one does not touch the others. */
function attemptEach<E extends { readonly Id: string }, R>(entries: readonly E[], attempt: (entry: E) => R) {
  const done: { readonly Id: string; readonly value: R }[] = [];
  const failed: Record<string, unknown>[] = [];
  for (const entry of entries) {
    try {
      done.push({ Id: entry.Id, value: attempt(entry) });
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { done, Failed: failed.length > 0 ? failed : undefined };
}
