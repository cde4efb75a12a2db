/** How fast messages go through the local SQS, beside a server that echoes as many requests. */
import { join } from 'node:path';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { inBatches } from '../../jobs/batches.ts';
import { startSpotreel } from '../../test/support/spotreel.ts';
import { ask, startBareServer } from '../bare/start.ts';
import { type Bench, inRounds, secondsOf } from '../measure.ts';
import { type Measured, perSecond, ratio } from '../row.ts';

const MESSAGES = Array.from({ length: 1000 }, (_, index) => index);
/** As many as one client keeps on their way. */
const AT_ONCE = 8;
/** About as long as a task. */
const BODY = JSON.stringify({ task: 'x'.repeat(300) });

const receivedSchema = z.object({ Messages: z.tuple([z.object({ ReceiptHandle: z.string() })]) });

export async function sqs({ rounds, folder }: Bench): Promise<Measured[]> {
  const platform = await startSpotreel(join(folder, 'sqs'));
  const server = await startBareServer(join(folder, 'sqs-bare'));
  try {
    await platform.sqs.send(new CreateQueueCommand({ QueueName: 'bench' }));
    const QueueUrl = platform.queueUrl('bench');
    const all = await inRounds(
      rounds,
      async () =>
        [
          await secondsForAll(() => throughQueue(QueueUrl)),
          await secondsForAll(() => threeEchoes(server.url)),
        ] as const,
    );
    return [
      ratio(
        'time to send, receive and delete / of as many echoes',
        all,
        perSecond(MESSAGES.length, 'messages'),
      ),
    ];
  } finally {
    server.end();
    await platform.interrupt();
  }
}

const secondsForAll = (work: () => Promise<void>): Promise<number> =>
  secondsOf(() => Array.fromAsync(inBatches(MESSAGES, AT_ONCE, work)));

/** Calls SQS by its JSON protocol; an SDK's own work would hide most of what SQS takes. */
async function call(action: string, input: { QueueUrl: string; [name: string]: unknown }): Promise<unknown> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` };
  const answer = await ask(input.QueueUrl, { method: 'POST', headers, body: JSON.stringify(input) });
  return JSON.parse(Buffer.from(answer).toString() || '{}');
}

/** Sends a message, and takes one; whichever it is, for all are alike. */
async function throughQueue(QueueUrl: string): Promise<void> {
  await call('SendMessage', { QueueUrl, MessageBody: BODY });
  const { Messages } = receivedSchema.parse(await call('ReceiveMessage', { QueueUrl }));
  await call('DeleteMessage', { QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle });
}

async function threeEchoes(url: string): Promise<void> {
  for (let request = 0; request < 3; request++) await ask(url, { method: 'POST', body: BODY });
}
