/** Whether a launch succeeded, whatever EC2 answered: every error that the table knows, thrown and in a 200. */

import { CreateFleetCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { Capacity } from '../../jobs/ensure-capacity.ts';
import { LAUNCH_ERRORS, LaunchError } from '../../jobs/launch-errors.ts';
import { CAPACITY_SETTINGS, ec2Error, launched, refused, running } from '../support/fleet.ts';
import { captureLog } from '../support/log-lines.ts';

const ec2 = mockClient(EC2Client);
const DELIVERY = { messageId: 'm1', receiveCount: 1 };
const capacity = (settings: Partial<typeof CAPACITY_SETTINGS> = {}) =>
  new Capacity(new EC2Client({}), { ...CAPACITY_SETTINGS, ...settings });
const requests = () => ec2.commandCalls(CreateFleetCommand).map(({ args }) => args[0].input);
const targets = () => requests().map((request) => request.TargetCapacitySpecification?.TotalTargetCapacity);

let logged: ReturnType<typeof captureLog>;
beforeEach(() => {
  ec2.reset();
  ec2.on(DescribeInstancesCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const CODES = [
  ...LAUNCH_ERRORS.map(({ code, class: kind }) => ({ code, kind })),
  { code: 'SomethingNew', kind: 'later' },
];

describe.each(CODES)('$code', ({ code, kind }) => {
  const ways = [
    ['thrown', () => ec2.on(CreateFleetCommand).rejects(ec2Error(code))],
    ['in the answer', () => ec2.on(CreateFleetCommand).resolves(refused(code, code))],
  ] as const;

  test.each(ways)('%s, is an error with reason and advice where nothing runs', async (_, answer) => {
    answer();
    const error = await capacity()
      .ensure(1, DELIVERY)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LaunchError);
    expect(error).toMatchObject({ code, class: kind, message: expect.stringContaining(`EC2 says ${code}`) });
    expect(logged()).toMatchObject([
      {
        level: kind === 'configuration' ? 'error' : 'warn',
        event: 'launch-refused',
        code,
        class: kind,
        refusals: [{ code, message: `EC2 says ${code}` }],
      },
    ]);
  });

  test.each(ways)('%s, is no error where machines of ours run', async (_, answer) => {
    ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
    answer();
    await capacity({ onDemandFallback: true }).ensure(8, DELIVERY);
    expect(requests()).toHaveLength(1);
    expect(logged()).toMatchObject([{ event: 'launch-refused', code }]);
  });

  test('is no error beside a machine that was launched', async () => {
    ec2.on(CreateFleetCommand).resolves({ ...refused(code), ...launched('c7g.large', 'i-1') });
    await capacity({ onDemandFallback: true }).ensure(8, DELIVERY);
    expect(requests()).toHaveLength(1);
    expect(logged()).toMatchObject([
      {
        level: 'info',
        event: 'machines-launched',
        machines: [{ id: 'i-1', vcpus: 2 }],
        refusals: [{ code, pools: 1 }],
      },
    ]);
  });

  const once = kind === 'elsewhere' ? 'asks for one on-demand machine' : 'does not ask for on-demand';
  test.each(ways)(`%s, ${once} where that is allowed`, async (_, answer) => {
    answer();
    await expect(capacity({ onDemandFallback: true }).ensure(8, DELIVERY)).rejects.toBeInstanceOf(
      LaunchError,
    );
    const markets = requests().map(
      (request) => request.TargetCapacitySpecification?.DefaultTargetCapacityType,
    );
    expect(markets).toEqual(kind === 'elsewhere' ? ['spot', 'on-demand'] : ['spot']);
  });
});

describe('on-demand fallback', () => {
  test('is one machine of the smallest size, and enough', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce(refused('InsufficientInstanceCapacity'))
      .resolvesOnce(launched('c7g.large', 'i-1'));
    await capacity({ onDemandFallback: true }).ensure(8, DELIVERY);
    expect(targets()).toEqual([8, 2]);
    const offered = requests()[1]?.LaunchTemplateConfigs?.flatMap(({ Overrides = [] }) => Overrides);
    expect(new Set(offered?.map(({ WeightedCapacity }) => WeightedCapacity))).toEqual(new Set([2]));
  });

  test('that is refused too is explained by all that EC2 said', async () => {
    ec2
      .on(CreateFleetCommand)
      .resolvesOnce(refused('InsufficientInstanceCapacity'))
      .resolvesOnce(refused('VcpuLimitExceeded'));
    await expect(capacity({ onDemandFallback: true }).ensure(8, DELIVERY)).rejects.toMatchObject({
      code: 'VcpuLimitExceeded',
    });
  });
});

test('an answer with neither machine nor error is an error where nothing runs', async () => {
  ec2.on(CreateFleetCommand).resolves({});
  await expect(capacity().ensure(1, DELIVERY)).rejects.toMatchObject({ code: 'NoReason', class: 'later' });
});

describe('is not called', () => {
  test.each([
    ['where enough runs', 2, {}],
    ['where all that may run does', 100, { maxVcpus: 2 }],
  ])('CreateFleet, %s', async (_, tasks, settings) => {
    ec2.on(DescribeInstancesCommand).resolves(running('c7g.large'));
    await capacity(settings).ensure(tasks, DELIVERY);
    expect(requests()).toEqual([]);
  });
});

test('a maxVcpus below every instance type is an error that says so', async () => {
  await expect(capacity({ maxVcpus: 1 }).ensure(1, DELIVERY)).rejects.toThrow('MAX_VCPUS is 1');
  expect(requests()).toEqual([]);
});

test('machines that were just launched count, though EC2 does not show them yet', async () => {
  ec2
    .on(CreateFleetCommand)
    .resolvesOnce(launched('c7g.large', 'i-1', 'i-2'))
    .resolves(launched('c7g.large', 'i-3'));
  const invocation = capacity();
  await invocation.ensure(4, DELIVERY);
  await invocation.ensure(4, { messageId: 'm2', receiveCount: 1 });
  await invocation.ensure(6, { messageId: 'm3', receiveCount: 1 });
  expect(targets()).toEqual([4, 2]);
  expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
});

describe('the client token', () => {
  async function tokenOf(messageId: string, receiveCount: number): Promise<string> {
    ec2.resetHistory();
    ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1'));
    await capacity().ensure(1, { messageId, receiveCount });
    return requests()[0]?.ClientToken ?? '';
  }

  test('is the same for one delivery, and within the 64 characters that EC2 takes', async () => {
    const token = await tokenOf('m1', 1);
    expect(await tokenOf('m1', 1)).toBe(token);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is another for a later delivery, for another message, and for on-demand', async () => {
    const spot = [
      await tokenOf('m1', 1),
      await tokenOf('m1', 2),
      await tokenOf('m2', 1),
      await tokenOf('m', 11),
    ];
    ec2.reset();
    ec2.on(DescribeInstancesCommand).resolves({});
    ec2.on(CreateFleetCommand).resolvesOnce(refused('Unsupported')).resolves(launched('c7g.large', 'i-1'));
    await capacity({ onDemandFallback: true }).ensure(1, DELIVERY);
    expect(new Set([...spot, requests()[1]?.ClientToken]).size).toBe(5);
  });
});
