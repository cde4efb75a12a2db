/** Machines: which of ours run, and one CreateFleet request for more. */
import {
  type _InstanceType,
  CreateFleetCommand,
  type CreateFleetCommandInput,
  type CreateFleetCommandOutput,
  DescribeInstancesCommand,
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
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

export type Market = 'spot' | 'on-demand';

export interface Machine {
  readonly id: string;
  readonly vcpus: number;
  readonly market: Market;
}

/** A machine of which its type is known, too. */
export interface LaunchedMachine extends Machine {
  readonly type: string;
}

/** An instance type in a zone: what has machines, or has none. */
export interface Pool {
  readonly type: string;
  readonly vcpus: number;
  readonly subnetId: string;
}

/** One CreateFleet request. */
export interface FleetLaunch {
  readonly template: Pick<LaunchTemplate, 'launchTemplateId' | 'version'>;
  /** Where to look for machines. */
  readonly pools: readonly Pool[];
  readonly targetVcpus: number;
  readonly market: Market;
  /** At most 64 characters; EC2 carries out requests of equal token once. */
  readonly clientToken: string;
}

export interface LaunchResult {
  readonly machines: readonly LaunchedMachine[];
  readonly refusals: readonly Refusal[];
}

/** vCPUs of a machine that neither our table nor EC2 tells of: the size of the `large`s that we prefer. */
const UNKNOWN_CORES = 1;
const UNKNOWN_THREADS = 2;

/** What a request makes that the role may make with our tag only; nobody says that EC2 looks for it in a launch template. */
const TAGGED = ['fleet', 'instance', 'volume'] as const;

/** The machines of this deployment that run or start. EC2 may not show those of the last seconds yet. */
export async function* presentInstances(ec2: EC2Client, platform: string): AsyncGenerator<Instance> {
  const pages = paginateDescribeInstances(
    { client: ec2 },
    {
      Filters: [
        { Name: `tag:${PLATFORM_TAG}`, Values: [platform] },
        { Name: 'instance-state-name', Values: ['pending', 'running'] },
      ],
    },
  );
  for await (const { Reservations = [] } of pages) yield* Reservations.flatMap((r) => r.Instances ?? []);
}

/** A machine's vCPUs as EC2 tells its cores. */
export function vcpusOf({ CpuOptions }: Instance): number {
  const { CoreCount = UNKNOWN_CORES, ThreadsPerCore = UNKNOWN_THREADS } = CpuOptions ?? {};
  return CoreCount * ThreadsPerCore;
}

/** The same, as far as capacity is concerned. */
export async function runningMachines(ec2: EC2Client, settings: FleetSettings): Promise<Machine[]> {
  const table = vcpusByType(settings);
  const machines: Machine[] = [];
  for await (const instance of presentInstances(ec2, settings.platform)) {
    const { InstanceId, InstanceType, InstanceLifecycle } = instance;
    if (InstanceId === undefined) continue; // never sent without, though typed so
    // A type that an earlier deployment listed is not in the table, but EC2 tells its cores.
    const vcpus = table.get(InstanceType ?? '') ?? vcpusOf(instance);
    machines.push({ id: InstanceId, vcpus, market: InstanceLifecycle === 'spot' ? 'spot' : 'on-demand' });
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

/** Values that a filter of DescribeInstances takes. */
const FILTER_VALUES = 200;

/**
 * Those of some machines that end or have ended. One that EC2 does not list yet has not; of more than 200 the rest
 * counts as living.
 */
export async function endedAmong(
  ec2: EC2Client,
  platform: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        { Name: `tag:${PLATFORM_TAG}`, Values: [platform] },
        { Name: 'instance-id', Values: ids.slice(0, FILTER_VALUES) },
        { Name: 'instance-state-name', Values: ['shutting-down', 'terminated', 'stopping', 'stopped'] },
      ],
    }),
  );
  return new Set(Reservations.flatMap(({ Instances = [] }) => Instances.map((one) => one.InstanceId ?? '')));
}

/** Every pool of a launch template: each of its types in each zone. */
export function poolsOf({ instanceTypes }: LaunchTemplate, subnetIds: readonly string[]): Pool[] {
  return instanceTypes.flatMap(({ type, vcpus }) => subnetIds.map((subnetId) => ({ type, vcpus, subnetId })));
}

/**
 * Asks for machines once. Never throws for what EC2 refuses: an exception and an entry of `Errors` are the same
 * to the caller, who judges by what was launched.
 */
export async function launch(
  ec2: EC2Client,
  settings: FleetSettings,
  request: FleetLaunch,
): Promise<LaunchResult> {
  try {
    const output = await ec2.send(new CreateFleetCommand(fleetRequest(settings.platform, request)));
    return launchResult(settings, request.market, output);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { machines: [], refusals: [{ code: error.name, message: error.message }] };
  }
}

function fleetRequest(platform: string, request: FleetLaunch): CreateFleetCommandInput {
  const { template, pools, targetVcpus, market, clientToken } = request;
  const tags = [
    { Key: 'Name', Value: platform },
    { Key: PLATFORM_TAG, Value: platform },
  ];
  return {
    Type: 'instant',
    ClientToken: clientToken,
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: {
          LaunchTemplateId: template.launchTemplateId,
          Version: template.version,
        },
        Overrides: pools.map(({ type, vcpus, subnetId }) => ({
          // The SDK's list of types is as old as the SDK; EC2 knows the newer ones too.
          InstanceType: type as _InstanceType,
          SubnetId: subnetId,
          WeightedCapacity: vcpus,
        })),
      },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: targetVcpus, DefaultTargetCapacityType: market },
    ...(market === 'spot'
      ? { SpotOptions: { AllocationStrategy: 'price-capacity-optimized' } }
      : { OnDemandOptions: { AllocationStrategy: 'lowest-price' } }),
    TagSpecifications: TAGGED.map((ResourceType) => ({ ResourceType, Tags: tags })),
  };
}

function launchResult(
  settings: FleetSettings,
  market: Market,
  { Instances = [], Errors = [] }: CreateFleetCommandOutput,
): LaunchResult {
  const table = vcpusByType(settings);
  return {
    machines: Instances.flatMap(({ InstanceType, InstanceIds = [] }) =>
      InstanceIds.map((id) => ({
        id,
        type: InstanceType ?? '',
        vcpus: table.get(InstanceType ?? '') ?? UNKNOWN_CORES * UNKNOWN_THREADS,
        market,
      })),
    ),
    refusals: Errors.map(
      ({ ErrorCode = 'NoCode', ErrorMessage = 'no message', LaunchTemplateAndOverrides }) => {
        const { InstanceType: type, SubnetId: subnetId } = LaunchTemplateAndOverrides?.Overrides ?? {};
        return {
          code: ErrorCode,
          message: ErrorMessage,
          ...(type !== undefined && subnetId !== undefined && { pool: { type, subnetId } }),
        };
      },
    ),
  };
}

function vcpusByType({ launchTemplates }: FleetSettings): ReadonlyMap<string, number> {
  return new Map(
    launchTemplates.flatMap(({ instanceTypes }) => instanceTypes.map(({ type, vcpus }) => [type, vcpus])),
  );
}
