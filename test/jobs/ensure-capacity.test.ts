/** What is launched for a backlog, and whether that succeeded, whatever EC2 answered. */

import {
  CreateFleetCommand,
  DescribeInstancesCommand,
  DescribeSpotPriceHistoryCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { Capacity } from '../../jobs/ensure-capacity.ts';
import { LAUNCH_ERRORS, LaunchError } from '../../jobs/launch-errors.ts';
import { capacityKeys } from '../../jobs/names.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { valuesOf } from '../support/emitted.ts';
import { CAPACITY_SETTINGS, ec2Error, launched, refused, refusedBy, running } from '../support/fleet.ts';
import { captureLog } from '../support/log-lines.ts';
import { jsonObject, s3Error } from '../support/s3-objects.ts';

const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const DELIVERY = { messageId: 'm1', receiveCount: 1 };
const capacity = (settings: Partial<typeof CAPACITY_SETTINGS> = {}) =>
  new Capacity(new EC2Client({}), new ObjectStore(new S3Client({}), 'uploads-bucket'), {
    ...CAPACITY_SETTINGS,
    ...settings,
  });
/** So many planned tasks that each want a vCPU. */
const work = (tasks: number) => ({
  planned: { tasks, seconds: tasks * CAPACITY_SETTINGS.targetSeconds },
  messages: 0,
});

const requests = () => ec2.commandCalls(CreateFleetCommand).map(({ args }) => args[0].input);
/** What was asked for, in order: `spot lt-arm 8`. */
const asked = () =>
  requests().map(({ LaunchTemplateConfigs, TargetCapacitySpecification }) =>
    [
      TargetCapacitySpecification?.DefaultTargetCapacityType,
      LaunchTemplateConfigs?.[0]?.LaunchTemplateSpecification?.LaunchTemplateId,
      TargetCapacitySpecification?.TotalTargetCapacity,
    ].join(' '),
  );
/** The pools of a request: `c7g.large subnet-a`. */
const poolsOf = (index: number) =>
  requests()[index]?.LaunchTemplateConfigs?.flatMap(({ Overrides = [] }) =>
    Overrides.map(({ InstanceType, SubnetId }) => `${InstanceType} ${SubnetId}`),
  );

/** Hints in the upload bucket: text by key. */
const hints = new Map<string, string>();
const REFUSALS = { Key: capacityKeys.refusals };
const refusals = () => JSON.parse(hints.get(capacityKeys.refusals) ?? '{}');

let logged: ReturnType<typeof captureLog>;
beforeEach(() => {
  for (const mock of [ec2, s3]) mock.reset();
  hints.clear();
  s3.on(GetObjectCommand).callsFake(({ Key }) => {
    const text = hints.get(Key);
    if (text === undefined) throw s3Error(404, 'NoSuchKey');
    return jsonObject(text);
  });
  s3.on(HeadObjectCommand).callsFake(({ Key }) => {
    if (!hints.has(Key)) throw s3Error(404, 'NotFound');
    return { ETag: '"e"' };
  });
  s3.on(PutObjectCommand).callsFake(({ Key, Body }) => {
    hints.set(Key, String(Body));
    return {};
  });
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeSpotPriceHistoryCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const CODES = [
  ...LAUNCH_ERRORS.map(({ code, class: kind, smaller }) => ({ code, kind, smaller })),
  { code: 'SomethingNew', kind: 'later' as const, smaller: undefined },
];
/** Whom a refusal of every request of two vCPUs lets be asked, by class. */
const WAYS = {
  elsewhere: ['spot lt-arm 2', 'spot lt-x86 2', 'on-demand lt-arm 2', 'on-demand lt-x86 2'],
  configuration: ['spot lt-arm 2', 'spot lt-x86 2'],
  later: ['spot lt-arm 2'],
  'give-up': ['spot lt-arm 2'],
};
const LEVELS = { elsewhere: 'warn', later: 'warn', configuration: 'error', 'give-up': 'error' };

describe.each(CODES)('$code', ({ code, kind, smaller }) => {
  const ways = [
    ['thrown', () => ec2.on(CreateFleetCommand).rejects(ec2Error(code))],
    ['in the answer', () => ec2.on(CreateFleetCommand).resolves(refused(code, code))],
  ] as const;

  test.each(ways)('%s, is an error with reason and advice where nothing runs', async (_, answer) => {
    answer();
    const error = await capacity()
      .ensure(work(1), DELIVERY)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LaunchError);
    expect(error).toMatchObject({ code, class: kind, message: expect.stringContaining(`EC2 says ${code}`) });
    expect(logged()[0]).toMatchObject({
      level: LEVELS[kind],
      event: 'launch-refused',
      code,
      class: kind,
      architecture: 'arm64',
      refusals: [{ code, message: `EC2 says ${code}` }],
    });
    // Only what the owner can mend is to wake them.
    expect(valuesOf(logged(), 'LaunchErrors').length > 0).toBe(LEVELS[kind] === 'error');
  });

  test.each(ways)('%s, is no error where machines of ours run', async (_, answer) => {
    ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
    answer();
    await capacity().ensure(work(8), DELIVERY);
    expect(logged()[0]).toMatchObject({ event: 'launch-refused', code });
  });

  test('is no error beside a machine that was launched', async () => {
    ec2.on(CreateFleetCommand).resolves({ ...refused(code), ...launched('c7g.large', 'i-1') });
    await capacity().ensure(work(2), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 2']);
    expect(logged()).toMatchObject([
      {
        level: 'info',
        event: 'machines-launched',
        machines: [{ id: 'i-1', vcpus: 2, market: 'spot' }],
        refusals: [{ code, pools: 1 }],
      },
    ]);
  });

  // By a spot quota both architectures are refused alike.
  const expected = kind === 'elsewhere' && smaller ? [WAYS.elsewhere[0], WAYS.elsewhere[2]] : WAYS[kind];
  test.each(ways)(`%s, lets be asked: ${expected.join(', ')}`, async (_, answer) => {
    answer();
    await expect(capacity({ maxOnDemandVcpus: 8 }).ensure(work(2), DELIVERY)).rejects.toBeInstanceOf(
      LaunchError,
    );
    expect(asked()).toEqual(expected);
  });
});

describe('architectures', () => {
  test('the first one gets all that it has machines for', async () => {
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1', 'i-2', 'i-3', 'i-4'));
    await capacity().ensure(work(8), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 8']);
  });

  test('the next one gets what the first had no machines for', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce({ ...refused('InsufficientInstanceCapacity'), ...launched('c7g.large', 'i-1') })
      .resolvesOnce(launched('c7i.xlarge', 'i-2'));
    await capacity().ensure(work(8), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 8', 'spot lt-x86 4']);
  });

  test('the next one is asked where the launch template of the first is gone', async () => {
    ec2
      .on(CreateFleetCommand)
      .rejectsOnce(ec2Error('InvalidLaunchTemplateId.NotFound'))
      .resolvesOnce(launched('c7g.large', 'i-1'));
    await capacity().ensure(work(2), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 2', 'spot lt-x86 2']);
  });
});

describe('a quota', () => {
  const tooMuch = refused('MaxSpotInstanceCountExceeded');

  test('that refuses is asked for half as much, down to the smallest machine', async () => {
    ec2.on(CreateFleetCommand).resolves(tooMuch);
    await expect(capacity({ maxVcpus: 64 }).ensure(work(64), DELIVERY)).rejects.toMatchObject({
      code: 'MaxSpotInstanceCountExceeded',
    });
    const targets = requests().map((one) => one.TargetCapacitySpecification?.TotalTargetCapacity ?? 0);
    expect(targets).toEqual([64, 32, 16, 8, 4, 2]);
    expect(new Set(requests().map(({ ClientToken }) => ClientToken)).size).toBe(targets.length);
  });

  test('is used up, and no more is asked for, when half or a quarter of it passes', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce(tooMuch)
      .resolvesOnce(tooMuch)
      .resolvesOnce(launched('c7g.large', 'i-1', 'i-2'))
      .resolves(launched('c7g.large', 'i-3'));
    await capacity({ maxVcpus: 16 }).ensure(work(16), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 16', 'spot lt-arm 8', 'spot lt-arm 4']);
  });

  test('that ends a launch halfway is not asked again', async () => {
    ec2.on(CreateFleetCommand).resolves({ ...tooMuch, ...launched('c7g.large', 'i-1', 'i-2') });
    await capacity().ensure(work(8), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 8']);
  });

  describe('that showed itself', () => {
    const settings = { maxVcpus: 64 };
    const NOW = new Date('2026-01-02T03:04:05Z');
    beforeEach(async () => {
      jest.useFakeTimers({ now: NOW });
      ec2
        .on(CreateFleetCommand)
        .callsFake(({ TargetCapacitySpecification: { TotalTargetCapacity } }) =>
          TotalTargetCapacity > 4 ? tooMuch : launched('c7g.large', 'i-running-0', 'i-running-1'),
        );
      await capacity(settings).ensure(work(64), DELIVERY);
      ec2.on(DescribeInstancesCommand).resolves(running('c7g.large', 'c7g.large'));
      ec2.resetHistory();
    });
    const later = (seconds: number) => jest.setSystemTime(NOW.getTime() + seconds * 1000);

    test('is not felt out again for three minutes', async () => {
      later(179);
      await capacity(settings).ensure(work(64), DELIVERY);
      expect(asked()).toEqual([]);
      later(180);
      await capacity(settings).ensure(work(64), DELIVERY);
      expect(asked()[0]).toBe('spot lt-arm 60');
    });

    test('is filled again at once when a machine ended', async () => {
      later(61);
      ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
      await capacity(settings).ensure(work(64), DELIVERY);
      expect(asked()[0]).toBe('spot lt-arm 2');
    });

    test('leaves the rest to on-demand machines', async () => {
      later(61);
      await capacity({ ...settings, maxOnDemandVcpus: 4 }).ensure(work(64), DELIVERY);
      expect(asked()).toEqual(['on-demand lt-arm 4']);
    });
  });

  test('that leaves nothing is tried with the smallest machine alone', async () => {
    ec2.on(CreateFleetCommand).resolves(tooMuch);
    await expect(capacity({ maxVcpus: 64 }).ensure(work(64), DELIVERY)).rejects.toBeInstanceOf(LaunchError);
    ec2.resetHistory();
    await expect(capacity({ maxVcpus: 64 }).ensure(work(64), DELIVERY)).rejects.toBeInstanceOf(LaunchError);
    expect(asked()).toEqual(['spot lt-arm 2']);
  });

  test('of 5 vCPUs, a new account’s, is never exceeded by the default of 4', async () => {
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1', 'i-2'));
    await capacity({ maxVcpus: 4 }).ensure(work(1000), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 4']);
    expect(poolsOf(0)?.every((pool) => pool.includes('.large'))).toBe(true);
  });
});

test('only types between the smallest and the largest of the request are offered', async () => {
  const sizes = { large: 2, xlarge: 4, '2xlarge': 8, '4xlarge': 16 };
  const instanceTypes = ['c6g', 'c6gd', 'c7g', 'c7gd', 'c8g', 'c8gd'].flatMap((family) =>
    Object.entries(sizes).map(([size, vcpus]) => ({ type: `${family}.${size}`, vcpus })),
  );
  const [template] = CAPACITY_SETTINGS.launchTemplates.map((one) => ({ ...one, instanceTypes }));
  ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
  await capacity({ maxVcpus: 2000, launchTemplates: template ? [template] : [] }).ensure(work(790), DELIVERY);
  hints.delete(capacityKeys.launches);
  await capacity({ maxVcpus: 16, launchTemplates: template ? [template] : [] }).ensure(work(1), DELIVERY);
  const offered = (index: number) => new Set(poolsOf(index)?.map((pool) => pool.replace(/^.*\.| .*$/g, '')));
  expect(offered(0)).toEqual(new Set(['xlarge', '2xlarge', '4xlarge']));
  expect(offered(1)).toEqual(new Set(['large']));
});

describe('on-demand machines', () => {
  const noSpot = refused('InsufficientInstanceCapacity');

  test('make up for what spot lacks, within their budget', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce({ ...noSpot, ...launched('c7g.large', 'i-1') })
      .resolvesOnce(noSpot)
      .resolves(launched('c7g.large', 'i-2', 'i-3'));
    await capacity({ maxOnDemandVcpus: 4 }).ensure(work(8), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 8', 'spot lt-x86 4', 'on-demand lt-arm 4']);
  });

  test('are not asked for by default', async () => {
    ec2.on(CreateFleetCommand).resolves(noSpot);
    await expect(capacity().ensure(work(2), DELIVERY)).rejects.toBeInstanceOf(LaunchError);
    expect(asked()).toEqual(['spot lt-arm 2', 'spot lt-x86 2']);
  });

  test('that run count against their budget', async () => {
    ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [{ Instances: [{ InstanceId: 'i-1', InstanceType: 'c7g.large' }] }],
    });
    ec2.on(CreateFleetCommand).resolves(noSpot);
    await capacity({ maxOnDemandVcpus: 2 }).ensure(work(8), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 6', 'spot lt-x86 4']);
  });

  test('and spot machines together stay within maxVcpus', async () => {
    ec2.on(DescribeInstancesCommand).resolves(running('c7g.large', 'c7g.large', 'c7g.large'));
    ec2.on(CreateFleetCommand).resolves(noSpot);
    await capacity({ maxOnDemandVcpus: 8 }).ensure(work(100), DELIVERY);
    expect(asked().slice(2)).toEqual(['on-demand lt-arm 2', 'on-demand lt-x86 2']);
  });

  test('that are refused too are explained by all that EC2 said', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce(noSpot)
      .resolvesOnce(noSpot)
      .resolves(refused('VcpuLimitExceeded'));
    await expect(capacity({ maxOnDemandVcpus: 2 }).ensure(work(8), DELIVERY)).rejects.toMatchObject({
      code: 'VcpuLimitExceeded',
    });
  });
});

describe('a pool that had no machine', () => {
  const NOW = new Date('2026-01-02T03:04:05Z');
  const ARM = ['c6g.large', 'c7g.large', 'c8g.large'];
  const SUBNETS = ['subnet-a', 'subnet-b'];
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  const remember = (pools: readonly string[], secondsAgo: number) => {
    const at = new Date(NOW.getTime() - secondsAgo * 1000).toISOString();
    hints.set(capacityKeys.refusals, JSON.stringify(Object.fromEntries(pools.map((pool) => [pool, at]))));
  };

  test('is remembered with its time, those that were not tried are not', async () => {
    ec2.on(CreateFleetCommand).resolvesOnce({
      Errors: [
        ...(refusedBy('InsufficientInstanceCapacity', ['c7g.large', 'subnet-a']).Errors ?? []),
        ...(refusedBy('UnfulfillableCapacity', ['c8g.large', 'subnet-b']).Errors ?? []),
      ],
      ...launched('c7g.large', 'i-1'),
    });
    await capacity().ensure(work(2), DELIVERY);
    expect(refusals()).toEqual({ 'spot c7g.large subnet-a': NOW.toISOString() });
  });

  test('is left out for three minutes', async () => {
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    remember(['spot c7g.large subnet-a', 'on-demand c6g.large subnet-b'], 179);
    await capacity().ensure(work(2), DELIVERY);
    hints.delete(capacityKeys.launches);
    remember(['spot c7g.large subnet-a'], 180);
    await capacity().ensure(work(2), DELIVERY);
    const all = ARM.flatMap((type) => SUBNETS.map((subnet) => `${type} ${subnet}`));
    expect(poolsOf(0)).toEqual(all.filter((pool) => pool !== 'c7g.large subnet-a'));
    expect(poolsOf(1)).toEqual(all);
  });

  test('is left out of an architecture, which is skipped where all of its pools are', async () => {
    remember(
      ARM.flatMap((type) => SUBNETS.map((subnet) => `spot ${type} ${subnet}`)),
      1,
    );
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    await capacity().ensure(work(2), DELIVERY);
    expect(asked()).toEqual(['spot lt-x86 2']);
  });

  test('is asked all the same where nothing else remains that fits', async () => {
    const types = [...ARM, 'c6a.large', 'c6i.large', 'c7a.large'];
    remember(
      types.flatMap((type) => SUBNETS.map((subnet) => `spot ${type} ${subnet}`)),
      1,
    );
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    await capacity({ maxVcpus: 2 }).ensure(work(2), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 2']);
  });

  test('does not keep a laptop, which has no other, from asking it again', async () => {
    const [template] = CAPACITY_SETTINGS.launchTemplates;
    const instanceTypes = [{ type: 'local.machine', vcpus: 2 }];
    const laptop = {
      launchTemplates: template ? [{ ...template, instanceTypes }] : [],
      subnetIds: ['subnet-a'],
      maxVcpus: 2,
    };
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce(refusedBy('InsufficientInstanceCapacity', ['local.machine', 'subnet-a']))
      .resolves(launched('c7g.large', 'i-1'));
    await expect(capacity(laptop).ensure(work(2), DELIVERY)).rejects.toBeInstanceOf(LaunchError);
    expect(Object.keys(refusals())).toEqual(['spot local.machine subnet-a']);
    await capacity(laptop).ensure(work(2), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 2', 'spot lt-arm 2']);
  });

  test('is left out for the rest of the invocation', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce({
        ...refusedBy('InsufficientInstanceCapacity', ['c6g.large', 'subnet-a']),
        ...launched('c7g.large', 'i-1'),
      })
      .resolves(launched('c7g.large', 'i-2'));
    const invocation = capacity();
    await invocation.ensure(work(2), DELIVERY);
    await invocation.ensure(work(4), { messageId: 'm2', receiveCount: 1 });
    expect(poolsOf(1)).not.toContain('c6g.large subnet-a');
  });

  test('forgets those whose time is over when another is remembered', async () => {
    remember(['spot c6g.large subnet-b'], 181);
    ec2.on(CreateFleetCommand).resolvesOnce({
      ...refusedBy('Unsupported', ['c7g.large', 'subnet-a']),
      ...launched('c7g.large', 'i-1'),
    });
    await capacity().ensure(work(2), DELIVERY);
    expect(Object.keys(refusals())).toEqual(['spot c7g.large subnet-a']);
  });

  test.each([
    ['cannot be read', () => s3.on(GetObjectCommand, REFUSALS).rejects(s3Error(403, 'AccessDenied'))],
    ['is nonsense', () => hints.set(capacityKeys.refusals, '[1]')],
    ['cannot be written', () => s3.on(PutObjectCommand, REFUSALS).rejects(s3Error(403, 'AccessDenied'))],
    [
      'is written by another',
      () => s3.on(PutObjectCommand, REFUSALS).rejects(s3Error(412, 'PreconditionFailed')),
    ],
  ])('costs no launch when its memory %s', async (_, trouble) => {
    trouble();
    ec2.on(CreateFleetCommand).resolves({
      ...refusedBy('InsufficientInstanceCapacity', ['c6g.large', 'subnet-a']),
      ...launched('c7g.large', 'i-1'),
    });
    await capacity().ensure(work(2), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 2']);
    const [line] = logged().filter(({ event }) => String(event).startsWith('hint-not-'));
    expect(line).toMatchObject({ key: expect.stringMatching(/^capacity\//) });
  });
});

describe('the backlog', () => {
  const calibrate = (factor: number, taskSeconds: number) =>
    hints.set(capacityKeys.calibration, JSON.stringify({ factor, taskSeconds }));
  const room = { maxVcpus: 64 };
  beforeEach(() => {
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
  });

  test('of plans is corrected by what encodes really cost', async () => {
    calibrate(2, 50);
    await capacity(room).ensure({ planned: { tasks: 40, seconds: 1000 }, messages: 40 }, DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 20', 'spot lt-x86 18']);
  });

  test('of messages counts each as the average task', async () => {
    calibrate(2, 50);
    await capacity(room).ensure({ planned: { tasks: 0, seconds: 0 }, messages: 40 }, DELIVERY);
    expect(asked()[0]).toBe('spot lt-arm 20');
  });
});

test('an answer with neither machine nor error is an error where nothing runs', async () => {
  ec2.on(CreateFleetCommand).resolves({});
  await expect(capacity().ensure(work(1), DELIVERY)).rejects.toMatchObject({
    code: 'NoReason',
    class: 'later',
  });
});

describe('is not called', () => {
  test.each([
    ['where enough runs', 2, {}],
    ['where all that may run does', 100, { maxVcpus: 2 }],
  ])('CreateFleet, %s', async (_, tasks, settings) => {
    ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
    await capacity(settings).ensure(work(tasks), DELIVERY);
    expect(requests()).toEqual([]);
  });
});

test('a maxVcpus below every instance type is an error that says so', async () => {
  await expect(capacity({ maxVcpus: 1 }).ensure(work(1), DELIVERY)).rejects.toThrow('MAX_VCPUS is 1');
  expect(requests()).toEqual([]);
});

test('machines that were just launched count, though EC2 does not show them yet', async () => {
  ec2
    .on(CreateFleetCommand)
    .resolvesOnce(launched('c7g.large', 'i-1', 'i-2'))
    .resolves(launched('c7g.large', 'i-3'));
  const invocation = capacity();
  await invocation.ensure(work(4), DELIVERY);
  await invocation.ensure(work(4), { messageId: 'm2', receiveCount: 1 });
  await invocation.ensure(work(6), { messageId: 'm3', receiveCount: 1 });
  expect(asked()).toEqual(['spot lt-arm 4', 'spot lt-arm 2']);
  expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
});

describe('the client token', () => {
  async function tokenOf(messageId: string, receiveCount: number, tasks = 1): Promise<string> {
    ec2.resetHistory();
    hints.clear();
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    await capacity().ensure(work(tasks), { messageId, receiveCount });
    return requests()[0]?.ClientToken ?? '';
  }

  test('is the same for one delivery, and within the 64 characters that EC2 takes', async () => {
    const token = await tokenOf('m1', 1);
    expect(await tokenOf('m1', 1)).toBe(token);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is another for a later delivery, another message, size, architecture and market', async () => {
    const spot = [
      await tokenOf('m1', 1),
      await tokenOf('m1', 2),
      await tokenOf('m2', 1),
      await tokenOf('m', 11),
      await tokenOf('m1', 1, 4),
    ];
    ec2.resetHistory();
    hints.clear();
    ec2.on(CreateFleetCommand).resolves(refused('Unsupported'));
    await expect(capacity({ maxOnDemandVcpus: 2 }).ensure(work(1), DELIVERY)).rejects.toThrow();
    const [, ...others] = requests().map(({ ClientToken }) => ClientToken);
    expect(others).toHaveLength(3);
    expect(new Set([...spot, ...others]).size).toBe(8);
  });
});

describe('where no machine that was launched came up', () => {
  const launches = (sinceMinutes: number, lastMinutes: number) => {
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    hints.set(capacityKeys.starts, JSON.stringify({ since: ago(sinceMinutes), last: ago(lastMinutes) }));
  };

  test('none is launched for a while, and tasks wait without an error', async () => {
    launches(12, 2);
    await capacity().ensure(work(8), DELIVERY);
    expect(asked()).toEqual([]);
    expect(valuesOf(logged(), 'LaunchErrors')).toEqual([1]);
  });

  test('one is launched then, of the smallest, whatever waits', async () => {
    launches(30, 20);
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    await capacity().ensure(work(8), DELIVERY);
    expect(asked()).toEqual(['spot lt-arm 2']);
    expect(valuesOf(logged(), 'LaunchErrors')).toEqual([1]);
  });

  test('a launch is remembered, and a refusal is none', async () => {
    ec2.on(CreateFleetCommand).resolves(refused('InsufficientInstanceCapacity'));
    await expect(capacity().ensure(work(2), DELIVERY)).rejects.toThrow();
    expect(hints.has(capacityKeys.starts)).toBe(false);
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    await capacity().ensure(work(2), DELIVERY);
    expect(hints.has(capacityKeys.starts)).toBe(true);
  });
});
