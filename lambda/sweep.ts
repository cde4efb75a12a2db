/**
 * Lambda `sweep`, on a schedule and when EC2 tells that a machine leaves: where tasks wait or are held by a worker
 * that died, makes sure that machines run. Dispatch launches on new objects only; a lost machine makes none.
 */
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { EventBridgeEvent } from 'aws-lambda';
import { Capacity, capacitySettingsOf } from '../jobs/ensure-capacity.ts';
import { dispatchEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { invocations } from '../jobs/invocation.ts';
import { parseMachineEvent, wantsReplacement } from '../jobs/machine-events.ts';
import { backlog } from '../jobs/queue.ts';
import { countEnd } from '../jobs/spending.ts';
import { ObjectStore } from '../jobs/store.ts';

/** The sweep sees messages, not the plans that they are from. */
const NONE = { tasks: 0, seconds: 0 };

const environment = parseEnvironment(dispatchEnvironmentSchema, process.env);
const uploads = new ObjectStore(new S3Client({}), environment.UPLOAD_BUCKET);
const sqs = new SQSClient({});
const ec2 = new EC2Client({});

type Event = EventBridgeEvent<string, unknown>;

export const handler = invocations('sweep', environment.PLATFORM, async (event: Event) => {
  const machine = parseMachineEvent(event);
  if (machine?.news === 'ended') await countEnd(uploads, machine.instance, machine.time);
  const { visible, inFlight, delayed } = await backlog(sqs, environment.TASKS_QUEUE_URL);
  const messages = visible + inFlight + delayed;
  // Where no task waits, a fleet's machines end within seconds, and EC2 would refuse to be asked about each of them
  // (docs/scale.md). What one of them held when it died, the next sweep on schedule sees.
  if (visible === 0 && machine?.news === 'ended') return;
  if (machine && !(await wantsReplacement(ec2, environment.PLATFORM, machine))) return;
  if (messages === 0) return;
  const capacity = new Capacity(ec2, uploads, capacitySettingsOf(environment), machine?.instance);
  await capacity.ensure({ planned: NONE, messages }, { messageId: event.id, receiveCount: 1 });
});
