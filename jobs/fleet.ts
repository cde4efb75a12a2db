/** Machines: which of ours run, and one CreateFleet request for more. */
import {
  type _InstanceType,
  CreateFleetCommand,
  type CreateFleetCommandInput,
  type CreateFleetCommandOutput,
  DescribeInstancesCommand,
  type EC2Client,
  type FleetLaunchTemplateConfigRequest,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
import type { CapacityRequest } from './capacity.ts';
import { type LaunchTemplate, PLATFORM_TAG } from './environment.ts';
import type { Refusal } from './launch-errors.ts';

/** What a deployment's machines are made of. */
export interface FleetSettings {
  /** The value of their `spotreel:platform` tag. */
  readonly platform: string;
  /** One an architecture, the preferred one first. */
  readonly launchTemplates: readonly LaunchTemplate[];
  /** One a zone. */
  readonly subnetIds: readonly string[];
}

export interface Machine {
  readonly id: string;
  readonly vcpus: number;
}

export type Market = 'spot' | 'on-demand';

export interface LaunchResult {
  readonly machines: readonly Machine[];
  readonly refusals: readonly Refusal[];
}

/**
 * Overrides in one fleet, over all its launch templates.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FleetLaunchTemplateConfigRequest.html
 */
const MAX_OVERRIDES = 300;

/** vCPUs of a machine that neither our table nor EC2 tells of: the size of the `large`s that we prefer. */
const UNKNOWN_CORES = 1;
const UNKNOWN_THREADS = 2;

/** The machines of this deployment that run or start. EC2 may not show those of the last seconds yet. */
export async function runningMachines(ec2: EC2Client, settings: FleetSettings): Promise<Machine[]> {
  const table = vcpusByType(settings);
  const machines: Machine[] = [];
  const pages = paginateDescribeInstances(
    { client: ec2 },
    {
      Filters: [
        { Name: `tag:${PLATFORM_TAG}`, Values: [settings.platform] },
        { Name: 'instance-state-name', Values: ['pending', 'running'] },
      ],
    },
  );
  for await (const { Reservations = [] } of pages)
    for (const { InstanceId, InstanceType, CpuOptions } of Reservations.flatMap((r) => r.Instances ?? [])) {
      if (InstanceId === undefined) continue; // never sent without, though typed so
      const { CoreCount = UNKNOWN_CORES, ThreadsPerCore = UNKNOWN_THREADS } = CpuOptions ?? {};
      // A type that an earlier deployment listed is not in the table, but EC2 tells its cores.
      const vcpus = table.get(InstanceType ?? '') ?? CoreCount * ThreadsPerCore;
      machines.push({ id: InstanceId, vcpus });
    }
  return machines;
}

/** When a machine of this deployment was launched; undefined where it is not ours, or ended an hour ago. */
export async function launchTimeOf(ec2: EC2Client, platform: string, id: string): Promise<Date | undefined> {
  // By a filter: an id that EC2 does not know (any more) would be an error otherwise.
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        { Name: `tag:${PLATFORM_TAG}`, Values: [platform] },
        { Name: 'instance-id', Values: [id] },
      ],
    }),
  );
  return Reservations[0]?.Instances?.[0]?.LaunchTime;
}

/**
 * Asks for machines once. Never throws for what EC2 refuses: an exception and an entry of `Errors` are the same
 * to the caller, who judges by what was launched.
 * @param clientToken at most 64 characters; EC2 carries out requests of equal token once
 */
export async function launch(
  ec2: EC2Client,
  settings: FleetSettings,
  request: CapacityRequest,
  market: Market,
  clientToken: string,
): Promise<LaunchResult> {
  try {
    const input = fleetRequest(settings, request, market, clientToken);
    return launchResult(settings, await ec2.send(new CreateFleetCommand(input)));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { machines: [], refusals: [{ code: error.name, message: error.message }] };
  }
}

function fleetRequest(
  settings: FleetSettings,
  { targetVcpus, largestVcpus }: CapacityRequest,
  market: Market,
  clientToken: string,
): CreateFleetCommandInput {
  const tags = [
    { Key: 'Name', Value: settings.platform },
    { Key: PLATFORM_TAG, Value: settings.platform },
  ];
  return {
    Type: 'instant',
    ClientToken: clientToken,
    LaunchTemplateConfigs: launchTemplateConfigs(settings, largestVcpus),
    TargetCapacitySpecification: { TotalTargetCapacity: targetVcpus, DefaultTargetCapacityType: market },
    ...(market === 'spot'
      ? { SpotOptions: { AllocationStrategy: 'price-capacity-optimized' } }
      : { OnDemandOptions: { AllocationStrategy: 'lowest-price' } }),
    TagSpecifications: [
      { ResourceType: 'fleet', Tags: tags },
      { ResourceType: 'instance', Tags: tags },
    ],
  };
}

/** Every offered instance type in every zone. Where that is too much, the types listed last are left out. */
function launchTemplateConfigs(
  { launchTemplates, subnetIds }: FleetSettings,
  largestVcpus: number,
): FleetLaunchTemplateConfigRequest[] {
  const typesPerTemplate = Math.floor(MAX_OVERRIDES / (subnetIds.length * launchTemplates.length));
  return launchTemplates.flatMap(({ launchTemplateId, version, instanceTypes }) => {
    const offered = instanceTypes.filter(({ vcpus }) => vcpus <= largestVcpus).slice(0, typesPerTemplate);
    if (offered.length === 0) return [];
    return [
      {
        LaunchTemplateSpecification: { LaunchTemplateId: launchTemplateId, Version: version },
        Overrides: offered.flatMap(({ type, vcpus }) =>
          subnetIds.map((subnet) => ({
            // The SDK's list of types is as old as the SDK; EC2 knows the newer ones too.
            InstanceType: type as _InstanceType,
            SubnetId: subnet,
            WeightedCapacity: vcpus,
          })),
        ),
      },
    ];
  });
}

function launchResult(
  settings: FleetSettings,
  { Instances = [], Errors = [] }: CreateFleetCommandOutput,
): LaunchResult {
  const table = vcpusByType(settings);
  return {
    machines: Instances.flatMap(({ InstanceType, InstanceIds = [] }) =>
      InstanceIds.map((id) => ({
        id,
        vcpus: table.get(InstanceType ?? '') ?? UNKNOWN_CORES * UNKNOWN_THREADS,
      })),
    ),
    refusals: Errors.map(({ ErrorCode = 'NoCode', ErrorMessage = 'no message' }) => ({
      code: ErrorCode,
      message: ErrorMessage,
    })),
  };
}

function vcpusByType({ launchTemplates }: FleetSettings): ReadonlyMap<string, number> {
  return new Map(
    launchTemplates.flatMap(({ instanceTypes }) => instanceTypes.map(({ type, vcpus }) => [type, vcpus])),
  );
}
