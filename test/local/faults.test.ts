/** The laptop's services can be disturbed: what their clients then see is what AWS's clients see. */
import { CreateFleetCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startEc2 } from '../../local/ec2/ec2.ts';
import type { FaultHooks, S3Fault } from '../../local/faults/hooks.ts';
import { BUCKET, openBench as openS3 } from './support/s3.ts';
import { openBench as openSqs, SETTINGS } from './support/sqs.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Disturbs nothing but what a test names. */
const only = (hooks: Partial<FaultHooks>): FaultHooks => ({
  s3Request: () => undefined,
  messageSent: () => 0,
  fleetRequested: () => undefined,
  ...hooks,
});

/** S3 whose next request meets this, and those after it nothing. */
async function s3With(fault: S3Fault) {
  const next = [fault];
  const bench = await openS3({ faults: only({ s3Request: () => next.shift() }) });
  closers.push(bench.close);
  return bench.s3;
}

const OBJECT = { Bucket: BUCKET, Key: 'a' };
const SLOW_DOWN = { name: 'SlowDown', $metadata: { httpStatusCode: 503 } };

describe('S3', () => {
  test('refuses a request before it is carried out: nothing was written', async () => {
    const s3 = await s3With({ refuse: 'before' });
    await expect(s3.send(new PutObjectCommand({ ...OBJECT, Body: 'x' }))).rejects.toMatchObject(SLOW_DOWN);
    await expect(s3.send(new HeadObjectCommand(OBJECT))).rejects.toMatchObject({ name: 'NotFound' });
  });

  test('loses the answer of a request that it carried out: the object is there', async () => {
    const s3 = await s3With({ refuse: 'after' });
    await expect(s3.send(new PutObjectCommand({ ...OBJECT, Body: 'x' }))).rejects.toMatchObject(SLOW_DOWN);
    expect(await s3.send(new HeadObjectCommand(OBJECT))).toMatchObject({ ContentLength: 1 });
  });

  test('sends a body late, and whole', async () => {
    const s3 = await s3With({});
    await s3.send(new PutObjectCommand({ ...OBJECT, Body: 'x' }));
    const slow = await openS3({ faults: only({ s3Request: () => ({ slowMs: 300 }) }) });
    closers.push(slow.close);
    await slow.s3.send(new PutObjectCommand({ ...OBJECT, Body: 'late' }));
    const asked = Date.now();
    const { Body } = await slow.s3.send(new GetObjectCommand(OBJECT));
    expect(await Body?.transformToString()).toBe('late');
    expect(Date.now() - asked).toBeGreaterThanOrEqual(290); // timers may be a little early
  });
});

describe('SQS', () => {
  test('delays a message that was sent without a delay, and says which', async () => {
    const sent: unknown[] = [];
    const messageSent = (queue: string, { body, group }: { body: string; group: string | undefined }) => {
      sent.push({ queue, body, group });
      return 1;
    };
    const queues = [{ name: 'tasks', settings: SETTINGS }];
    const bench = await openSqs(queues, 0, only({ messageSent }));
    closers.push(bench.close);
    const QueueUrl = bench.sqs.queueUrl('tasks');
    await bench.client.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'late', MessageGroupId: 'video' }),
    );
    expect(sent).toEqual([{ queue: 'tasks', body: 'late', group: 'video' }]);
    const receive = (WaitTimeSeconds: number) =>
      bench.client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds }));
    expect((await receive(0)).Messages).toBeUndefined();
    expect((await receive(5)).Messages).toMatchObject([{ Body: 'late' }]);
  });

  test('shows what is in flight, and how often it was received', async () => {
    const bench = await openSqs([{ name: 'tasks', settings: SETTINGS }]);
    closers.push(bench.close);
    await bench.sqs.send('tasks', 'one', 'video');
    const message = { body: 'one', group: 'video', sentAt: expect.any(Number) };
    expect(bench.sqs.messages('tasks')).toEqual([{ ...message, receiveCount: 0, inFlight: false }]);
    await bench.client.send(new ReceiveMessageCommand({ QueueUrl: bench.sqs.queueUrl('tasks') }));
    expect(bench.sqs.messages('tasks')).toEqual([{ ...message, receiveCount: 1, inFlight: true }]);
  });
});

describe('EC2', () => {
  test('refuses a fleet with the code that it is told', async () => {
    const ec2 = await startEc2({
      port: 0,
      region: 'eu-test-1',
      maxInstances: 1,
      vcpusPerInstance: 1,
      worker: { command: process.execPath, args: ['-e', ''], env: {}, logDir: '/dev/null' },
      credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' },
      faults: only({ fleetRequested: () => 'MaxSpotInstanceCountExceeded' }),
    });
    closers.push(ec2.close);
    const client = new EC2Client({
      endpoint: ec2.url,
      region: 'eu-test-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const answer = await client.send(
      new CreateFleetCommand({
        Type: 'instant',
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '$Latest' },
            Overrides: [{ InstanceType: 'c7g.large' }],
          },
        ],
        TargetCapacitySpecification: { TotalTargetCapacity: 1 },
      }),
    );
    client.destroy();
    expect(answer.Errors).toMatchObject([{ ErrorCode: 'MaxSpotInstanceCountExceeded' }]);
    expect(ec2.instances()).toEqual([]);
  });
});
