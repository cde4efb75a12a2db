/** Invocations that ask EC2 beside each other: each counts what the others launch. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateFleetCommand,
  DescribeInstancesCommand,
  DescribeSpotPriceHistoryCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { Capacity } from '../../jobs/ensure-capacity.ts';
import type { Launch } from '../../jobs/launches.ts';
import { capacityKeys } from '../../jobs/names.ts';
import { ObjectStore, toStoredJson } from '../../jobs/store.ts';
import { CAPACITY_SETTINGS, launched, refused, running } from '../support/fleet.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { s3Error } from '../support/s3-objects.ts';

const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const NOW = Date.parse('2026-01-02T03:04:05Z');
const LAUNCHES = { Key: capacityKeys.launches };
const NAME = `uploads-bucket/${capacityKeys.launches}`;

let objects: Objects;
let deliveries = 0;
beforeEach(() => {
  for (const mock of [ec2, s3]) mock.reset();
  objects = new Map();
  serveS3(s3, objects);
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeSpotPriceHistoryCommand).resolves({});
  captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** An invocation of its own that wants a vCPU a task. */
function ensure(
  tasks: number,
  changes: Partial<typeof CAPACITY_SETTINGS> = {},
  leaving?: string,
): Promise<void> {
  const store = new ObjectStore(new S3Client({}), 'uploads-bucket');
  const capacity = new Capacity(
    new EC2Client({}),
    store,
    { ...CAPACITY_SETTINGS, ...changes },
    leaving,
    () => NOW,
  );
  const work = { tasks, seconds: tasks * CAPACITY_SETTINGS.targetSeconds };
  return capacity.ensure({ planned: work, messages: 0 }, { messageId: `m${deliveries++}`, receiveCount: 1 });
}
const asked = () =>
  ec2
    .commandCalls(CreateFleetCommand)
    .map(({ args }) => args[0].input.TargetCapacitySpecification?.TotalTargetCapacity);
const noted = (): Launch[] => Object.values(JSON.parse(objects.get(NAME) ?? '{}'));
/** Lets another invocation have said this, so many seconds ago. */
function another(secondsAgo: number, launch: Partial<Launch>): void {
  const at = new Date(NOW - secondsAgo * 1000).toISOString();
  objects.set(NAME, toStoredJson({ another: { at, askedVcpus: 0, machines: [], ...launch } }));
}
const spot = (id: string, vcpus = 4) => ({ id, vcpus, market: 'spot' as const });

test('a launch is told before EC2 is asked, and what it got after', async () => {
  const before: Launch[][] = [];
  ec2.on(CreateFleetCommand).callsFake(() => {
    before.push(noted());
    return launched('c7g.large', 'i-1', 'i-2');
  });
  await ensure(4);
  const at = new Date(NOW).toISOString();
  expect(before).toEqual([[{ at, askedVcpus: 6, machines: [] }]]);
  expect(noted()).toEqual([{ at, askedVcpus: 0, machines: [spot('i-1', 2), spot('i-2', 2)] }]);
});

test('nothing is told where nothing is missing, and nothing is left of a launch that got nothing', async () => {
  ec2.on(CreateFleetCommand).resolves(refused('InternalError'));
  await expect(ensure(2)).rejects.toThrow('InternalError');
  expect(noted()).toEqual([]);
  ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
  objects.clear();
  await ensure(2);
  expect(objects.size).toBe(0);
});

describe('counts as running', () => {
  beforeEach(() => {
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
  });
  const unlisted = { machines: [spot('i-new')] };
  const listed = { machines: [spot('i-running-0', 2)] };

  test.each<[string, number, Partial<Launch>, number[]]>([
    ['what another asks for', 1, { askedVcpus: 4 }, [4]],
    ['all that there may be, so that nothing is asked', 1, { askedVcpus: 8 }, []],
    ['what another launched and EC2 does not list', 59, unlisted, [4]],
    ['a machine that EC2 lists, once', 1, listed, [6]],
    ['no launch of a minute ago', 60, unlisted, [6]],
    ['nothing of an invocation that ended a minute ago before EC2 answered', 60, { askedVcpus: 8 }, [6]],
  ])('%s', async (what, secondsAgo, launch, expected) => {
    if (what.startsWith('a machine that EC2 lists') || expected[0] === 6)
      ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
    another(secondsAgo, launch);
    await ensure(8);
    expect(asked().slice(0, 1)).toEqual(expected);
  });

  test('no machine that ended as soon as it was launched', async () => {
    another(5, unlisted);
    ec2
      .on(DescribeInstancesCommand)
      .resolvesOnce({})
      .resolves({ Reservations: [{ Instances: [{ InstanceId: 'i-new' }] }] });
    await ensure(8);
    expect(asked()[0]).toBe(8);
    const [, second] = ec2.commandCalls(DescribeInstancesCommand).map(({ args }) => args[0].input.Filters);
    expect(second).toContainEqual({ Name: 'instance-id', Values: ['i-new'] });
    expect(second).toContainEqual({
      Name: 'instance-state-name',
      Values: ['shutting-down', 'terminated', 'stopping', 'stopped'],
    });
  });

  test('no machine that is about to end', async () => {
    another(5, unlisted);
    await ensure(8, {}, 'i-new');
    expect(asked()[0]).toBe(8);
  });
});

test('a launch stays within what was told, and asks for no machine beyond it', async () => {
  const [arm, x86] = CAPACITY_SETTINGS.launchTemplates;
  if (!arm || !x86) throw new Error('the settings have two architectures');
  const large = { ...arm, instanceTypes: [{ type: 'c7g.4xlarge', vcpus: 16 }] };
  const small = {
    ...x86,
    instanceTypes: [5, 6, 7, 8, 9, 10].map((age) => ({ type: `c${age}i.large`, vcpus: 2 })),
  };
  ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
  await ensure(2, { launchTemplates: [large, small], maxVcpus: 64 });
  const [request] = ec2.commandCalls(CreateFleetCommand).map(({ args }) => args[0].input);
  expect(request?.LaunchTemplateConfigs?.[0]?.LaunchTemplateSpecification?.LaunchTemplateId).toBe('lt-x86');
});

test('who asks while another does is content with what that one gets', async () => {
  another(1, { askedVcpus: 8 });
  await expect(ensure(8)).resolves.toBeUndefined();
});

test('however many ask at the same moment, they stay within maxVcpus', async () => {
  let machines = 0;
  ec2.on(CreateFleetCommand).callsFake(async ({ TargetCapacitySpecification }) => {
    await sleep(10);
    const count = Math.ceil(TargetCapacitySpecification.TotalTargetCapacity / 2);
    return launched('c7g.large', ...Array.from({ length: count }, () => `i-${machines++}`));
  });
  await Promise.all(Array.from({ length: 5 }, () => ensure(100)));
  expect(2 * machines).toBe(CAPACITY_SETTINGS.maxVcpus);
});

test.each([
  ['read', () => s3.on(GetObjectCommand, LAUNCHES).rejects(s3Error(403, 'AccessDenied'))],
  ['written', () => s3.on(PutObjectCommand, LAUNCHES).rejects(s3Error(503, 'SlowDown'))],
  [
    'written, because others always are faster',
    () => s3.on(PutObjectCommand, LAUNCHES).rejects(s3Error(412, 'Changed')),
  ],
])('machines are asked for all the same where it cannot be %s', async (_, trouble) => {
  trouble();
  ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
  await ensure(2);
  expect(asked()).toEqual([2]);
});
