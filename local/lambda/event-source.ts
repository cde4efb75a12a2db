/**
 * What Lambda's event source mapping is between an SQS queue and a function: long polls, batches, a limit of
 * invocations at once, and partial batch responses.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord, SQSRecordAttributes } from 'aws-lambda';
import { z } from 'zod';
import { type FunctionOptions, LambdaFunction } from './function.ts';

export interface EventSourceOptions extends FunctionOptions {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly region: string;
  readonly batch: {
    /** Messages a call, at most. */
    readonly size: number;
    /** Seconds to wait for a batch to fill, from its first message on. */
    readonly windowSeconds: number;
    /** Calls at once, at most. */
    readonly maximumConcurrency: number;
  };
}

export interface EventSource {
  /**
   * Stops polling, gives running invocations a few seconds to end, ends the others, and makes their messages
   * visible again.
   */
  close(): Promise<void>;
}

/** SQS's limit of messages in one request, and of seconds in one poll. */
const SQS_BATCH = 10;
const SQS_WAIT_SECONDS = 20;
/** Pause after a poll that failed. */
const RETRY_MS = 1000;
/** What running invocations get when the laptop is told to stop. */
const CLOSE_GRACE_MS = 3000;

/**
 * Nothing in it means that all is well; whatever else is not of this form means that all has failed.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
const responseSchema = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })).nullish() })
  .nullish();

/** Starts polling. Rejects where the queue is not there. */
export async function startEventSource(options: EventSourceOptions): Promise<EventSource> {
  const { sqs, queueUrl: QueueUrl } = options;
  const question = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  const { Attributes } = await sqs.send(question);
  const source = new Source(options, Attributes?.['QueueArn'] ?? '', await LambdaFunction.open(options));
  const polling = source.poll();
  return { close: () => source.stop(polling) };
}

class Source {
  readonly #options: EventSourceOptions;
  readonly #queueArn: string;
  readonly #function: LambdaFunction;
  readonly #stopped = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: EventSourceOptions, queueArn: string, lambda: LambdaFunction) {
    this.#options = options;
    this.#queueArn = queueArn;
    this.#function = lambda;
  }

  async poll(): Promise<void> {
    const { maximumConcurrency } = this.#options.batch;
    while (!this.#stopped.signal.aborted) {
      while (this.#running.size >= maximumConcurrency) await Promise.race(this.#running);
      const messages = await this.#gather();
      if (messages.length === 0) continue;
      const run = this.#handle(messages).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  async stop(polling: Promise<void>): Promise<void> {
    this.#stopped.abort();
    await Promise.race([Promise.all(this.#running), sleep(CLOSE_GRACE_MS, undefined, { ref: false })]);
    await this.#function.end();
    await polling;
    await Promise.all(this.#running);
    await this.#function.close();
  }

  /** A batch: full, or what came within the window of its first message; nothing after a poll in vain. */
  async #gather(): Promise<Message[]> {
    const { size, windowSeconds } = this.#options.batch;
    const messages = await this.#receive(size, SQS_WAIT_SECONDS);
    const end = Date.now() + windowSeconds * 1000;
    while (messages.length > 0 && messages.length < size && !this.#stopped.signal.aborted) {
      const left = (end - Date.now()) / 1000;
      if (left <= 0) break;
      // SQS counts whole seconds, so a window may last a second longer.
      messages.push(...(await this.#receive(size - messages.length, Math.ceil(left))));
    }
    return messages;
  }

  async #receive(count: number, seconds: number): Promise<Message[]> {
    const { signal } = this.#stopped;
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#options.queueUrl,
      MaxNumberOfMessages: Math.min(count, SQS_BATCH),
      WaitTimeSeconds: Math.min(seconds, SQS_WAIT_SECONDS),
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    try {
      const { Messages = [] } = await this.#options.sqs.send(command, { abortSignal: signal });
      return Messages;
    } catch (error) {
      if (signal.aborted) return [];
      await this.#function.log(error);
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      return [];
    }
  }

  /** Invokes the function. What succeeded is deleted; what failed comes back after its visibility timeout. */
  async #handle(messages: readonly Message[]): Promise<void> {
    try {
      const failed = this.#stopped.signal.aborted ? messages : await this.#invoke(messages);
      await this.#delete(messages.filter((message) => !failed.includes(message)));
      // The next start should not have to wait for what this one dropped.
      if (this.#stopped.signal.aborted) await this.#show(failed);
    } catch (error) {
      // The messages come back, as after any failure.
      await this.#function.log(error);
    }
  }

  /** The messages that failed. */
  async #invoke(messages: readonly Message[]): Promise<readonly Message[]> {
    const { region } = this.#options;
    const event: SQSEvent = { Records: messages.map((message) => recordOf(message, this.#queueArn, region)) };
    try {
      return failedMessages(await this.#function.invoke(event), messages);
    } catch (error) {
      await this.#function.log(error);
      return messages;
    }
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    const { sqs, queueUrl: QueueUrl } = this.#options;
    for (const Entries of entriesOf(messages))
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }

  async #show(messages: readonly Message[]): Promise<void> {
    const { sqs, queueUrl: QueueUrl } = this.#options;
    for (const entries of entriesOf(messages)) {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  }
}

/** Which messages a function's answer says have failed. Throws where it names one that is not of the batch. */
function failedMessages(response: unknown, messages: readonly Message[]): Message[] {
  const parsed = responseSchema.safeParse(response);
  if (!parsed.success)
    throw new Error(`The function's answer is no partial batch response: ${JSON.stringify(response)}`);
  return (parsed.data?.batchItemFailures ?? []).map(({ itemIdentifier }) => {
    const message = messages.find(({ MessageId }) => MessageId === itemIdentifier);
    if (!message)
      throw new Error(`The function names '${itemIdentifier}' as failed, which was not in its batch`);
    return message;
  });
}

/** Messages as entries of batch requests, as many in one as SQS takes. */
function entriesOf(messages: readonly Message[]) {
  const entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  return Array.from({ length: Math.ceil(entries.length / SQS_BATCH) }, (_, page) =>
    entries.slice(page * SQS_BATCH, (page + 1) * SQS_BATCH),
  );
}

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event */
function recordOf(message: Message, eventSourceARN: string, awsRegion: string): SQSRecord {
  const { MessageId = '', ReceiptHandle = '', Body = '', MD5OfBody = '', MD5OfMessageAttributes } = message;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    // All were asked for, and SQS sends those that the type requires.
    attributes: { ...message.Attributes } as unknown as SQSRecordAttributes,
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(
        ([name, { DataType = '', StringValue, BinaryValue }]) => [
          name,
          {
            ...(StringValue !== undefined && { stringValue: StringValue }),
            ...(BinaryValue && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
            stringListValues: [],
            binaryListValues: [],
            dataType: DataType,
          },
        ],
      ),
    ),
    md5OfBody: MD5OfBody,
    ...(MD5OfMessageAttributes !== undefined && { md5OfMessageAttributes: MD5OfMessageAttributes }),
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion,
  };
}
