/** What a queue can be set to. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html */
import { z } from 'zod';
import type { QueueSettings } from '../../jobs/platform.ts';
import { invalidParameter, SqsError } from './errors.ts';

/** Seconds, except `MaximumMessageSize`: bytes. SQS takes 1 MiB since August 2025. */
const NUMBERS = {
  DelaySeconds: { min: 0, max: 900, initial: 0 },
  MaximumMessageSize: { min: 1024, max: 1_048_576, initial: 1_048_576 },
  MessageRetentionPeriod: { min: 60, max: 1_209_600, initial: 345_600 },
  ReceiveMessageWaitTimeSeconds: { min: 0, max: 20, initial: 0 },
  VisibilityTimeout: { min: 0, max: 43_200, initial: 30 },
} as const;
type NumberName = keyof typeof NUMBERS;

const redrivePolicySchema = z.object({
  deadLetterTargetArn: z.string().min(1),
  maxReceiveCount: z.coerce.number().int().min(1).max(1000),
});
export type RedrivePolicy = z.infer<typeof redrivePolicySchema>;

export type QueueAttributes = Readonly<Record<NumberName, number>> & {
  readonly RedrivePolicy: RedrivePolicy | undefined;
};

export const INITIAL_ATTRIBUTES: QueueAttributes = {
  DelaySeconds: NUMBERS.DelaySeconds.initial,
  MaximumMessageSize: NUMBERS.MaximumMessageSize.initial,
  MessageRetentionPeriod: NUMBERS.MessageRetentionPeriod.initial,
  ReceiveMessageWaitTimeSeconds: NUMBERS.ReceiveMessageWaitTimeSeconds.initial,
  VisibilityTimeout: NUMBERS.VisibilityTimeout.initial,
  RedrivePolicy: undefined,
};

const isNumberName = (name: string): name is NumberName => Object.hasOwn(NUMBERS, name);

/** Attributes as requests spell them, parsed. Throws an `SqsError` where SQS would refuse them. */
export function parseAttributes(given: Readonly<Record<string, string>>): Partial<QueueAttributes> {
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => {
      if (name === 'RedrivePolicy') return [name, parseRedrivePolicy(text)];
      if (!isNumberName(name)) throw unknownAttribute(name);
      const { min, max } = NUMBERS[name];
      const value = Number(text);
      if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max)
        throw new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
      return [name, value];
    }),
  );
}

/** An empty text takes the policy away. */
function parseRedrivePolicy(text: string): RedrivePolicy | undefined {
  if (text === '') return undefined;
  try {
    return redrivePolicySchema.parse(JSON.parse(text));
  } catch {
    throw invalidParameter(
      'RedrivePolicy',
      text,
      'It must be JSON of a deadLetterTargetArn and a maxReceiveCount between 1 and 1000.',
    );
  }
}

export function unknownAttribute(name: string): SqsError {
  return new SqsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

/** Attributes as answers spell them. */
export function formatAttributes({ RedrivePolicy, ...numbers }: QueueAttributes): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
    ...(RedrivePolicy && { RedrivePolicy: JSON.stringify(RedrivePolicy) }),
  };
}

/** The platform's settings of a queue as SQS's attributes. @param deadLetterArn the queue of its dead letters */
export function attributesOf(settings: QueueSettings, deadLetterArn: string | undefined): QueueAttributes {
  return {
    ...INITIAL_ATTRIBUTES,
    VisibilityTimeout: settings.visibilityTimeoutSeconds,
    MessageRetentionPeriod: settings.retentionSeconds,
    ReceiveMessageWaitTimeSeconds: settings.receiveWaitSeconds,
    RedrivePolicy:
      deadLetterArn === undefined
        ? undefined
        : { deadLetterTargetArn: deadLetterArn, maxReceiveCount: settings.maxReceiveCount },
  };
}
