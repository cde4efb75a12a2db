/**
 * Stands for a function in tests. It prints each event as a line of JSON and does what its messages say: `fail` is
 * reported, `throw`, `crash`, `hang` and `slow` are done, `name another` names a message that is not of the batch.
 * With `HANG` in its environment it never ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse | undefined> {
  const { awsRequestId, functionName } = context;
  const remaining = context.getRemainingTimeInMillis();
  const { env, pid } = process;
  console.log(JSON.stringify({ event, awsRequestId, functionName, remaining, env, pid }));
  const bodies = (event.Records ?? []).map(({ body }) => body);
  if (bodies.includes('throw')) throw new Error('thrown on purpose');
  if (bodies.includes('crash')) process.exit(3);
  if (bodies.includes('hang') || env['HANG']) await sleep(600_000);
  if (bodies.includes('slow')) await sleep(300);
  if (bodies.includes('name another')) return { batchItemFailures: [{ itemIdentifier: 'another' }] };
  const failures = event.Records?.filter(({ body }) => body === 'fail') ?? [];
  if (failures.length === 0) return undefined;
  return { batchItemFailures: failures.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
