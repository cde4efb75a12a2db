/**
 * The permission that each action asks for: its own, a batch that of its single action.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
 */
import type { Call } from '../iam/policy.ts';

/** @param arnOf of a queue's name */
export function callOf(
  action: string,
  { QueueUrl, QueueName, SourceArn }: Readonly<Record<string, unknown>>,
  arnOf: (name: string) => string,
): Call {
  const name = typeof QueueUrl === 'string' ? QueueUrl.split('/').at(-1) : QueueName;
  const resource = typeof name === 'string' ? arnOf(name) : String(SourceArn ?? '*');
  return { action: `sqs:${action.replace(/Batch$/, '')}`, resource };
}
