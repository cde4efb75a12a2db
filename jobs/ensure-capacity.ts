/** Turns work that waits into machines: the one place that decides when CreateFleet is called. */
import { createHash } from 'node:crypto';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { type CapacityRequest, capacityRequest, smallestRequest } from './capacity.ts';
import type { DispatchEnvironment } from './environment.ts';
import { type FleetSettings, launch, type Machine, type Market, runningMachines } from './fleet.ts';
import { explain, LaunchError, type Refusal } from './launch-errors.ts';
import { log } from './log.ts';

export interface CapacitySettings extends FleetSettings {
  /** vCPUs that may run at once. */
  readonly maxVcpus: number;
  /** Launch one on-demand machine where spot has none and nothing of ours runs. */
  readonly onDemandFallback: boolean;
}

/** The part of dispatch's environment that is about machines. */
export function capacitySettingsOf(environment: DispatchEnvironment): CapacitySettings {
  return {
    platform: environment.PLATFORM,
    launchTemplates: environment.LAUNCH_TEMPLATES,
    subnetIds: environment.SUBNET_IDS,
    maxVcpus: environment.MAX_VCPUS,
    onDemandFallback: environment.ON_DEMAND_FALLBACK,
  };
}

/** One delivery of a message. A later delivery of the same message counts one more and may launch anew. */
export interface Delivery {
  readonly messageId: string;
  readonly receiveCount: number;
}

/**
 * The machines as one invocation sees them: EC2 is asked once what runs, and what the invocation launches is added,
 * because DescribeInstances does not show the newest machines at once.
 */
export class Capacity {
  readonly #ec2: EC2Client;
  readonly #settings: CapacitySettings;
  readonly #typeVcpus: readonly number[];
  readonly #leaving: string | undefined;
  #machines: Machine[] | undefined;

  /** @param leaving the id of a machine that is about to end, which therefore does not count as one that runs */
  constructor(ec2: EC2Client, settings: CapacitySettings, leaving?: string) {
    this.#ec2 = ec2;
    this.#settings = settings;
    this.#leaving = leaving;
    this.#typeVcpus = settings.launchTemplates.flatMap((template) =>
      template.instanceTypes.map(({ vcpus }) => vcpus),
    );
  }

  /**
   * Makes sure that machines run for so many tasks (at least one), as far as `maxVcpus` allows. A launch that got
   * anything is a success. One that got nothing is enough too while machines of ours run: they drain the queue.
   * Throws a `LaunchError` where nothing runs and nothing was launched.
   */
  async ensure(tasks: number, delivery: Delivery): Promise<void> {
    this.#machines ??= (await runningMachines(this.#ec2, this.#settings)).filter(
      ({ id }) => id !== this.#leaving,
    );
    const runningVcpus = this.#machines.reduce((sum, { vcpus }) => sum + vcpus, 0);
    const { maxVcpus, onDemandFallback } = this.#settings;
    const request = capacityRequest({ tasks, runningVcpus, maxVcpus, typeVcpus: this.#typeVcpus });
    if (!request) {
      if (runningVcpus > 0) return;
      throw new Error(`MAX_VCPUS is ${maxVcpus}, less than any instance type has; raise it and deploy`);
    }
    const refusals = await this.#launch('spot', request, delivery);
    if (this.#machines.length > 0) return;
    if (onDemandFallback && explain(refusals).class === 'elsewhere') {
      refusals.push(...(await this.#launch('on-demand', smallestRequest(this.#typeVcpus), delivery)));
      if (this.#machines.length > 0) return;
    }
    throw new LaunchError(refusals);
  }

  /** Launches, remembers the machines and logs what EC2 said. Returns the refusals. */
  async #launch(market: Market, request: CapacityRequest, delivery: Delivery): Promise<Refusal[]> {
    const token = clientToken(market, delivery);
    const { machines, refusals } = await launch(this.#ec2, this.#settings, request, market, token);
    this.#machines?.push(...machines);
    const fields = { market, askedVcpus: request.targetVcpus, refusals: byCode(refusals) };
    if (machines.length > 0) log('info', 'machines-launched', { ...fields, machines });
    else {
      const { code, reason, advice, class: kind } = explain(refusals);
      const level = kind === 'configuration' ? 'error' : 'warn';
      log(level, 'launch-refused', { ...fields, code, class: kind, reason, advice });
    }
    return [...refusals];
  }
}

/**
 * EC2 carries out a token once, so neither the SDK's retries nor a repeated invocation for one delivery launch
 * twice. The market is part of it because equal tokens must come with equal parameters. 64 characters, EC2's limit.
 */
function clientToken(market: Market, { messageId, receiveCount }: Delivery): string {
  return createHash('sha256')
    .update(JSON.stringify([market, messageId, receiveCount]))
    .digest('hex');
}

/** One entry a code with the first text and how many pools said so: a fleet has a hundred pools. */
function byCode(refusals: readonly Refusal[]) {
  const groups = Map.groupBy(refusals, ({ code }) => code);
  return [...groups].map(([code, group]) => ({ code, pools: group.length, message: group[0]?.message }));
}
