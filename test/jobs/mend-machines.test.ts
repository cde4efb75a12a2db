/** Machines that should be gone are terminated; all others, and their heartbeats, are left alone. */
import { DescribeInstancesCommand, EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { mendMachines } from '../../jobs/mend-machines.ts';
import { workerKey } from '../../jobs/names.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { reportWorker } from '../../jobs/workers.ts';
import { valuesOf } from '../support/emitted.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';

const s3 = mockClient(S3Client);
const ec2 = mockClient(EC2Client);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
const NOW = new Date('2026-01-02T12:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);

/** A machine that was launched so many minutes ago and, if ever, reported last so many minutes ago. */
async function machine(launched: number, reported?: number): Promise<void> {
  ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [{ Instances: [{ InstanceId: 'i-1', LaunchTime: minutesAgo(launched) }] }],
  });
  if (reported !== undefined) await heartbeat('i-1', reported);
}

const heartbeat = (id: string, minutes: number) =>
  reportWorker(uploads, {
    id,
    startedAt: minutesAgo(100).toISOString(),
    lastSeenAt: minutesAgo(minutes).toISOString(),
    tasksInHand: 1,
    recipe: 1,
  });

const mend = () =>
  mendMachines({
    ec2: new EC2Client({}),
    uploads,
    platform: 'demo',
    maxLifetimeSeconds: 2 * 3600,
    now: NOW,
  });
const terminated = () =>
  ec2.commandCalls(TerminateInstancesCommand).flatMap(({ args }) => args[0].input.InstanceIds);

let logged: ReturnType<typeof captureLog>;
beforeEach(() => {
  s3.reset();
  ec2.reset();
  objects.clear();
  serveS3(s3, objects);
  ec2.on(TerminateInstancesCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a machine is terminated', () => {
  test.each<[string, number, number | undefined]>([
    ['past its lifetime and the grace for its own end, however well it works', 2 * 60 + 16, 0],
    ['whose worker never reported, when a boot would have ended', 21, undefined],
    ['whose worker fell silent', 60, 11],
  ])('%s', async (_, launched, reported) => {
    await machine(launched, reported);
    await mend();
    expect(terminated()).toEqual(['i-1']);
    expect(valuesOf(logged(), 'SilentMachines')).toEqual([1]);
  });
});

describe('a machine is left alone', () => {
  test.each<[string, number, number | undefined]>([
    ['that reports', 119, 1],
    ['that ends itself just now, at its lifetime', 2 * 60 + 14, 0],
    ['that boots', 19, undefined],
    ['that lost some heartbeats', 60, 9],
  ])('%s', async (_, launched, reported) => {
    await machine(launched, reported);
    await mend();
    expect(terminated()).toEqual([]);
  });
});

test('only machines of this platform that run or start are looked at', async () => {
  await machine(1);
  await mend();
  expect(ec2.commandCalls(DescribeInstancesCommand)[0]?.args[0].input.Filters).toEqual([
    { Name: 'tag:spotreel:platform', Values: ['demo'] },
    { Name: 'instance-state-name', Values: ['pending', 'running'] },
  ]);
});

test('the heartbeat of a machine that is gone for an hour is deleted, no other', async () => {
  await machine(60, 1);
  await heartbeat('i-gone', 61);
  await heartbeat('i-going', 59);
  await mend();
  const left = [...objects.keys()];
  expect(left).toEqual([`uploads/${workerKey('i-1')}`, `uploads/${workerKey('i-going')}`]);
});
