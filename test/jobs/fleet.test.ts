/** The CreateFleet request, and the count of machines that run. */

import { CreateFleetCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type FleetSettings, launch, type Market, runningMachines } from '../../jobs/fleet.ts';
import { CAPACITY_SETTINGS, launched, running } from '../support/fleet.ts';

const ec2 = mockClient(EC2Client);
const client = new EC2Client({});
const SMALL = { targetVcpus: 6, largestVcpus: 2 };

beforeEach(() => {
  ec2.reset();
});

async function requestFor(settings: FleetSettings, largestVcpus: number, market: Market = 'spot') {
  ec2.on(CreateFleetCommand).resolves({});
  await launch(client, settings, { targetVcpus: 6, largestVcpus }, market, 'token');
  const [call] = ec2.commandCalls(CreateFleetCommand);
  if (!call) throw new Error('CreateFleet was not called');
  return call.args[0].input;
}

describe('a spot request', () => {
  test('is instant, price-capacity-optimized, in vCPUs, with the token given', async () => {
    expect(await requestFor(CAPACITY_SETTINGS, 2)).toMatchObject({
      Type: 'instant',
      ClientToken: 'token',
      SpotOptions: { AllocationStrategy: 'price-capacity-optimized' },
      TargetCapacitySpecification: { TotalTargetCapacity: 6, DefaultTargetCapacityType: 'spot' },
    });
  });

  test('offers every instance type in every zone, weighted by its vCPUs, the first architecture first', async () => {
    const { LaunchTemplateConfigs } = await requestFor(CAPACITY_SETTINGS, 4);
    const both = (InstanceType: string, WeightedCapacity: number) =>
      ['subnet-a', 'subnet-b'].map((SubnetId) => ({ InstanceType, SubnetId, WeightedCapacity }));
    expect(LaunchTemplateConfigs).toEqual([
      {
        LaunchTemplateSpecification: { LaunchTemplateId: 'lt-arm', Version: '$Latest' },
        Overrides: ['c6g.large', 'c7g.large', 'c8g.large'].flatMap((type) => both(type, 2)),
      },
      {
        LaunchTemplateSpecification: { LaunchTemplateId: 'lt-x86', Version: '7' },
        Overrides: [
          ...['c6a.large', 'c6i.large', 'c7a.large'].flatMap((type) => both(type, 2)),
          ...both('c7i.xlarge', 4),
        ],
      },
    ]);
  });

  test('leaves out types that are too large, and a launch template that has no other', async () => {
    const [arm, x86] = CAPACITY_SETTINGS.launchTemplates;
    if (!arm || !x86) throw new Error('two launch templates are expected');
    const large = { ...arm, instanceTypes: [{ type: 'c7g.4xlarge', vcpus: 16 }] };
    const { LaunchTemplateConfigs } = await requestFor(
      { ...CAPACITY_SETTINGS, launchTemplates: [large, x86] },
      2,
    );
    expect(LaunchTemplateConfigs).toHaveLength(1);
    expect(LaunchTemplateConfigs?.[0]?.Overrides).toHaveLength(6);
  });

  test('has at most 300 overrides, and leaves out the types listed last', async () => {
    const launchTemplates = CAPACITY_SETTINGS.launchTemplates.map((template) => ({
      ...template,
      instanceTypes: Array.from({ length: 40 }, (_, index) => ({ type: `t${index}.large`, vcpus: 2 })),
    }));
    const subnetIds = ['a', 'b', 'c', 'd', 'e', 'f'].map((zone) => `subnet-${zone}`);
    const { LaunchTemplateConfigs = [] } = await requestFor(
      { ...CAPACITY_SETTINGS, launchTemplates, subnetIds },
      2,
    );
    expect(LaunchTemplateConfigs.map(({ Overrides }) => Overrides?.length)).toEqual([150, 150]);
    expect(LaunchTemplateConfigs[1]?.Overrides?.at(-1)?.InstanceType).toBe('t24.large');
  });

  test('tags fleet and machines with the platform', async () => {
    const { TagSpecifications } = await requestFor(CAPACITY_SETTINGS, 2);
    const Tags = [
      { Key: 'Name', Value: 'demo' },
      { Key: 'spotreel:platform', Value: 'demo' },
    ];
    expect(TagSpecifications).toEqual([
      { ResourceType: 'fleet', Tags },
      { ResourceType: 'instance', Tags },
    ]);
  });
});

test('an on-demand request asks for the lowest price', async () => {
  const request = await requestFor(CAPACITY_SETTINGS, 2, 'on-demand');
  expect(request).toMatchObject({
    OnDemandOptions: { AllocationStrategy: 'lowest-price' },
    TargetCapacitySpecification: { DefaultTargetCapacityType: 'on-demand' },
  });
  expect(request).not.toHaveProperty('SpotOptions');
});

test('what was launched comes back with its vCPUs', async () => {
  ec2.on(CreateFleetCommand).resolves(launched('c7i.xlarge', 'i-1', 'i-2'));
  expect(await launch(client, CAPACITY_SETTINGS, SMALL, 'spot', 'token')).toEqual({
    machines: [
      { id: 'i-1', vcpus: 4 },
      { id: 'i-2', vcpus: 4 },
    ],
    refusals: [],
  });
});

describe('machines that run', () => {
  test('are those of this platform that run or start, over all pages', async () => {
    ec2
      .on(DescribeInstancesCommand, { NextToken: undefined })
      .resolves({ ...running('c7g.large'), NextToken: 'more' })
      .on(DescribeInstancesCommand, { NextToken: 'more' })
      .resolves({ Reservations: [{ Instances: [{ InstanceId: 'i-2', InstanceType: 'c7i.xlarge' }] }] });
    expect(await runningMachines(client, CAPACITY_SETTINGS)).toEqual([
      { id: 'i-running-0', vcpus: 2 },
      { id: 'i-2', vcpus: 4 },
    ]);
    expect(ec2.commandCalls(DescribeInstancesCommand)[0]?.args[0].input.Filters).toEqual([
      { Name: 'tag:spotreel:platform', Values: ['demo'] },
      { Name: 'instance-state-name', Values: ['pending', 'running'] },
    ]);
  });

  test.each([
    ['as EC2 tells its cores', { CoreCount: 8, ThreadsPerCore: 2 }, 16],
    ['as two vCPUs where EC2 does not tell', undefined, 2],
  ])('count a type that the table does not have %s', async (_, CpuOptions, vcpus) => {
    ec2.on(DescribeInstancesCommand).resolves({
      Reservations: [
        { Instances: [{ InstanceId: 'i-1', InstanceType: 'm5.4xlarge', ...(CpuOptions && { CpuOptions }) }] },
      ],
    });
    expect(await runningMachines(client, CAPACITY_SETTINGS)).toEqual([{ id: 'i-1', vcpus }]);
  });
});
