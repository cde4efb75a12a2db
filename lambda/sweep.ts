/**
 * Lambda `sweep`, on a schedule: where tasks wait or are held by a worker that died, makes sure that machines run.
 * Dispatch launches on events only; a killed machine sends none.
 */
import { EC2Client } from '@aws-sdk/client-ec2';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { EventBridgeEvent } from 'aws-lambda';
import { Capacity, capacitySettingsOf } from '../jobs/ensure-capacity.ts';
import { dispatchEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { backlog } from '../jobs/queue.ts';

const environment = parseEnvironment(dispatchEnvironmentSchema, process.env);
const sqs = new SQSClient({});
const ec2 = new EC2Client({});

export async function handler({ id }: EventBridgeEvent<'Scheduled Event', unknown>): Promise<void> {
  const { visible, inFlight, delayed } = await backlog(sqs, environment.TASKS_QUEUE_URL);
  const tasks = visible + inFlight + delayed;
  if (tasks === 0) return;
  await new Capacity(ec2, capacitySettingsOf(environment)).ensure(tasks, { messageId: id, receiveCount: 1 });
}
