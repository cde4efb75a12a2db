/** A message: what SQS takes, what it answers about it, and its checksums. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { invalidParameter, SqsError } from './errors.ts';

export const messageAttributesSchema = z.record(
  z.string(),
  z.object({
    DataType: z.string(),
    StringValue: z.string().optional(),
    /** Base64. */
    BinaryValue: z.string().optional(),
  }),
);
export type MessageAttributes = z.infer<typeof messageAttributesSchema>;

/** What a sender gives. */
export interface MessageContent {
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly systemAttributes: MessageAttributes;
  /** `MessageGroupId`: on a standard queue the tenant among whom messages are handed out fairly. */
  readonly group: string | undefined;
}

/** A message in a queue, as the journal keeps it. Times are milliseconds since 1970. */
export interface Message extends MessageContent {
  readonly id: string;
  readonly sentAt: number;
  /** ARN of the queue that gave it up, for a dead letter. */
  readonly deadLetterSource: string | undefined;
  /** Until then nobody receives it. */
  visibleAt: number;
  receiveCount: number;
  firstReceivedAt: number | undefined;
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const GROUP = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;
const ATTRIBUTE_NAME = /^(?!aws\.|amazon\.|\.)(?!.*\.\.)[\w.-]{1,256}(?<!\.)$/i;
const MAX_ATTRIBUTES = 10;

export const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** Bytes that count towards the size limit: the body, and each attribute's name, type and value. */
export function messageBytes({ body, attributes }: MessageContent): number {
  return Object.entries(attributes).reduce(
    (sum, [name, { DataType, ...value }]) =>
      sum + Buffer.byteLength(name) + Buffer.byteLength(DataType) + attributeValue(value).length,
    Buffer.byteLength(body),
  );
}

/** Throws an `SqsError` where SQS would refuse the message. @param maxBytes the queue's `MaximumMessageSize` */
export function checkMessage(message: MessageContent, maxBytes: number): void {
  if (message.body === '')
    throw new SqsError(
      'MissingRequiredParameterException',
      'The request must contain the parameter MessageBody.',
    );
  if (FORBIDDEN.test(message.body))
    throw new SqsError('InvalidMessageContents', 'Invalid characters found in the message body');
  if (messageBytes(message) > maxBytes)
    throw new SqsError(
      'InvalidParameterValueException',
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`,
    );
  if (message.group !== undefined && !GROUP.test(message.group))
    throw invalidParameter(
      'MessageGroupId',
      message.group,
      'It must be 1 to 128 letters, digits or punctuation.',
    );
  const attributes = Object.entries(message.attributes);
  if (attributes.length > MAX_ATTRIBUTES)
    throw new SqsError(
      'InvalidParameterValueException',
      `Number of message attributes [${attributes.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`,
    );
  for (const [name, { DataType, ...value }] of attributes) {
    if (!ATTRIBUTE_NAME.test(name))
      throw invalidParameter('MessageAttributeName', name, 'It is not the name of a message attribute.');
    if (!/^(String|Number|Binary)(\.|$)/.test(DataType))
      throw invalidParameter(
        `MessageAttributes.${name}.DataType`,
        DataType,
        'It must be String, Number or Binary.',
      );
    if (attributeValue(value).length === 0)
      throw invalidParameter(`MessageAttributes.${name}`, '', 'A message attribute needs a value.');
  }
}

function attributeValue(value: {
  StringValue?: string | undefined;
  BinaryValue?: string | undefined;
}): Buffer {
  return value.BinaryValue === undefined
    ? Buffer.from(value.StringValue ?? '')
    : Buffer.from(value.BinaryValue, 'base64');
}

/**
 * The checksum that SDKs compare with their own; `undefined` where there are no attributes.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
 */
export function attributesMd5(attributes: MessageAttributes): string | undefined {
  const entries = Object.entries(attributes).sort(([a], [b]) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  if (entries.length === 0) return undefined;
  const hash = createHash('md5');
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const [name, { DataType, ...value }] of entries) {
    field(Buffer.from(name));
    field(Buffer.from(DataType));
    hash.update(Buffer.of(DataType.startsWith('Binary') ? 2 : 1));
    field(attributeValue(value));
  }
  return hash.digest('hex');
}
