/** Answers of EC2 for tests, and the settings of a small deployment. */
import { type _InstanceType, type CreateFleetCommandOutput, EC2ServiceException } from '@aws-sdk/client-ec2';
import type { CapacitySettings } from '../../jobs/ensure-capacity.ts';
import { LIST_PRICES } from '../../video/prices.ts';

export const CAPACITY_SETTINGS: CapacitySettings = {
  platform: 'demo',
  launchTemplates: [
    {
      architecture: 'arm64',
      launchTemplateId: 'lt-arm',
      version: '$Latest',
      instanceTypes: ['c6g.large', 'c7g.large', 'c8g.large'].map((type) => ({ type, vcpus: 2 })),
    },
    {
      architecture: 'x86_64',
      launchTemplateId: 'lt-x86',
      version: '7',
      instanceTypes: [
        ...['c6a.large', 'c6i.large', 'c7a.large'].map((type) => ({ type, vcpus: 2 })),
        { type: 'c7i.xlarge', vcpus: 4 },
      ],
    },
  ],
  subnetIds: ['subnet-a', 'subnet-b'],
  maxVcpus: 8,
  maxOnDemandVcpus: 0,
  targetSeconds: 100,
  spending: { ceilings: { daily: undefined, monthly: undefined }, prices: LIST_PRICES, diskGigabytes: 20 },
};

type Answer = Pick<CreateFleetCommandOutput, 'Instances' | 'Errors'>;

/** A fleet answer that names these machines. */
export const launched = (InstanceType: 'c7g.large' | 'c7i.xlarge', ...InstanceIds: string[]): Answer => ({
  Instances: [{ InstanceType, InstanceIds }],
});

/** A fleet answer in which each code is one pool's refusal. */
export const refused = (...codes: string[]): Answer => ({
  Instances: [],
  Errors: codes.map((code) => ({ ErrorCode: code, ErrorMessage: `EC2 says ${code}` })),
});

/** A fleet answer in which these pools refused with a code. */
export const refusedBy = (
  code: string,
  ...pools: Array<readonly [type: string, subnet: string]>
): Answer => ({
  Instances: [],
  Errors: pools.map(([type, SubnetId]) => ({
    ErrorCode: code,
    ErrorMessage: `EC2 says ${code}`,
    LaunchTemplateAndOverrides: { Overrides: { InstanceType: type as _InstanceType, SubnetId } },
  })),
});

/** The exception that the SDK throws for a code. */
export const ec2Error = (name: string): EC2ServiceException =>
  new EC2ServiceException({ name, message: `EC2 says ${name}`, $fault: 'client', $metadata: {} });

/** An answer of DescribeInstances with running spot machines of these types. */
export const running = (...types: Array<'c7g.large' | 'c7i.xlarge'>) => ({
  Reservations: types.map((InstanceType, index) => ({
    Instances: [{ InstanceId: `i-running-${index}`, InstanceType, InstanceLifecycle: 'spot' as const }],
  })),
});
