/** The CreateFleet request, and the count of machines that run. */

import { CreateFleetCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type FleetLaunch, launch, type Market, poolsOf, runningMachines } from '../../jobs/fleet.ts';
import { CAPACITY_SETTINGS, launched, refused, refusedBy, running } from '../support/fleet.ts';

const ec2 = mockClient(EC2Client);
const client = new EC2Client({});
const [ARM] = CAPACITY_SETTINGS.launchTemplates;
if (!ARM) throw new Error('a launch template is expected');
const POOLS = poolsOf(ARM, CAPACITY_SETTINGS.subnetIds);
const requestOf = (market: Market): FleetLaunch => ({
  template: ARM,
  pools: POOLS,
  targetVcpus: 6,
  market,
  clientToken: 'token',
});

beforeEach(() => {
  ec2.reset();
});

async function requestFor(market: Market) {
  ec2.on(CreateFleetCommand).resolves({});
  await launch(client, CAPACITY_SETTINGS, requestOf(market));
  const [call] = ec2.commandCalls(CreateFleetCommand);
  if (!call) throw new Error('CreateFleet was not called');
  return call.args[0].input;
}

test('the pools of a launch template are all its types in all zones', () => {
  expect(POOLS.map(({ type, subnetId }) => `${type} ${subnetId}`)).toEqual([
    'c6g.large subnet-a',
    'c6g.large subnet-b',
    'c7g.large subnet-a',
    'c7g.large subnet-b',
    'c8g.large subnet-a',
    'c8g.large subnet-b',
  ]);
});

describe('a spot request', () => {
  test('is instant, price-capacity-optimized, in vCPUs, with the token given', async () => {
    expect(await requestFor('spot')).toMatchObject({
      Type: 'instant',
      ClientToken: 'token',
      SpotOptions: { AllocationStrategy: 'price-capacity-optimized' },
      TargetCapacitySpecification: { TotalTargetCapacity: 6, DefaultTargetCapacityType: 'spot' },
    });
  });

  test('offers the pools given, weighted by their vCPUs, from one launch template', async () => {
    expect((await requestFor('spot')).LaunchTemplateConfigs).toEqual([
      {
        LaunchTemplateSpecification: { LaunchTemplateId: 'lt-arm', Version: '$Latest' },
        Overrides: POOLS.map(({ type, subnetId }) => ({
          InstanceType: type,
          SubnetId: subnetId,
          WeightedCapacity: 2,
        })),
      },
    ]);
  });

  test('tags all that it makes with the platform, as the role must', async () => {
    const { TagSpecifications } = await requestFor('spot');
    const Tags = [
      { Key: 'Name', Value: 'demo' },
      { Key: 'spotreel:platform', Value: 'demo' },
    ];
    expect(TagSpecifications).toEqual([
      { ResourceType: 'fleet', Tags },
      { ResourceType: 'instance', Tags },
      { ResourceType: 'volume', Tags },
    ]);
  });
});

test('an on-demand request asks for the lowest price', async () => {
  const request = await requestFor('on-demand');
  expect(request).toMatchObject({
    OnDemandOptions: { AllocationStrategy: 'lowest-price' },
    TargetCapacitySpecification: { DefaultTargetCapacityType: 'on-demand' },
  });
  expect(request).not.toHaveProperty('SpotOptions');
});

test('what was launched comes back with its vCPUs and market', async () => {
  ec2.on(CreateFleetCommand).resolves(launched('c7i.xlarge', 'i-1', 'i-2'));
  expect(await launch(client, CAPACITY_SETTINGS, requestOf('spot'))).toEqual({
    machines: [
      { id: 'i-1', type: 'c7i.xlarge', vcpus: 4, market: 'spot' },
      { id: 'i-2', type: 'c7i.xlarge', vcpus: 4, market: 'spot' },
    ],
    refusals: [],
  });
});

test('what was refused comes back with the pool that EC2 names', async () => {
  ec2.on(CreateFleetCommand).resolves({
    Errors: [
      ...(refusedBy('Unsupported', ['c7g.large', 'subnet-b']).Errors ?? []),
      ...(refused('InternalError').Errors ?? []),
    ],
  });
  expect((await launch(client, CAPACITY_SETTINGS, requestOf('spot'))).refusals).toEqual([
    {
      code: 'Unsupported',
      message: 'EC2 says Unsupported',
      pool: { type: 'c7g.large', subnetId: 'subnet-b' },
    },
    { code: 'InternalError', message: 'EC2 says InternalError' },
  ]);
});

describe('machines that run', () => {
  test('are those of this platform that run or start, over all pages', async () => {
    ec2
      .on(DescribeInstancesCommand, { NextToken: undefined })
      .resolves({ ...running('c7g.large'), NextToken: 'more' })
      .on(DescribeInstancesCommand, { NextToken: 'more' })
      .resolves({ Reservations: [{ Instances: [{ InstanceId: 'i-2', InstanceType: 'c7i.xlarge' }] }] });
    expect(await runningMachines(client, CAPACITY_SETTINGS)).toEqual([
      { id: 'i-running-0', vcpus: 2, market: 'spot' },
      { id: 'i-2', vcpus: 4, market: 'on-demand' },
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
    expect(await runningMachines(client, CAPACITY_SETTINGS)).toEqual([
      { id: 'i-1', vcpus, market: 'on-demand' },
    ]);
  });
});
