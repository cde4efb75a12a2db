/** Turns work that waits into machines: the one place that decides when CreateFleet is called. */
import { createHash } from 'node:crypto';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { backlogWork, type Calibration, readCalibration } from './calibration.ts';
import { capacityRequest, type Work } from './capacity.ts';
import type { DispatchEnvironment, LaunchTemplate } from './environment.ts';
import {
  type FleetSettings,
  launch,
  type Machine,
  type Market,
  type Pool,
  poolsOf,
  runningMachines,
} from './fleet.ts';
import { classify, explain, LaunchError, type LaunchErrorClass, type Refusal } from './launch-errors.ts';
import { log } from './log.ts';
import { poolName, recentRefusals, refusedPools, rememberRefusals } from './refusals.ts';
import type { ObjectStore } from './store.ts';

export interface CapacitySettings extends FleetSettings {
  /** vCPUs that may run at once, spot and on-demand together. */
  readonly maxVcpus: number;
  /** vCPUs of on-demand machines that may run at once; they are asked for where spot has too few. */
  readonly maxOnDemandVcpus: number;
  /** Seconds within which waiting work should be done. */
  readonly targetSeconds: number;
}

/** The part of dispatch's environment that is about machines. */
export function capacitySettingsOf(environment: DispatchEnvironment): CapacitySettings {
  return {
    platform: environment.PLATFORM,
    launchTemplates: environment.LAUNCH_TEMPLATES,
    subnetIds: environment.SUBNET_IDS,
    maxVcpus: environment.MAX_VCPUS,
    maxOnDemandVcpus: environment.MAX_ON_DEMAND_VCPUS,
    targetSeconds: environment.TARGET_SECONDS,
  };
}

/** One delivery of a message. A later delivery of the same message counts one more and may launch anew. */
export interface Delivery {
  readonly messageId: string;
  readonly receiveCount: number;
}

/** What waits for machines. */
export interface Backlog {
  /** The tasks whose plans are at hand. */
  readonly planned: Work;
  /** Messages in the tasks queue, those of the plans at hand usually among them. */
  readonly messages: number;
}

/** A launch template, and where it may look for machines. */
interface Offer {
  readonly template: LaunchTemplate;
  readonly pools: readonly Pool[];
}

/** After these another architecture is asked too. After the others it would hear the same. */
const NEXT_ARCHITECTURE: readonly LaunchErrorClass[] = ['elsewhere', 'configuration'];

/** Classes whose log line should wake the owner. */
const OWNERS: readonly LaunchErrorClass[] = ['configuration', 'give-up'];

/**
 * The machines as one invocation sees them: EC2 is asked once what runs, and what the invocation launches is added,
 * because DescribeInstances does not show the newest machines at once.
 */
export class Capacity {
  readonly #ec2: EC2Client;
  readonly #uploads: ObjectStore;
  readonly #settings: CapacitySettings;
  readonly #leaving: string | undefined;
  #machines: Machine[] = [];
  #seen: Promise<Calibration> | undefined;
  #refused: Set<string> | undefined;

  /**
   * @param uploads keeps the hints that one invocation leaves for the next
   * @param leaving the id of a machine that is about to end, which therefore does not count as one that runs
   */
  constructor(ec2: EC2Client, uploads: ObjectStore, settings: CapacitySettings, leaving?: string) {
    this.#ec2 = ec2;
    this.#uploads = uploads;
    this.#settings = settings;
    this.#leaving = leaving;
  }

  /**
   * Makes sure that machines run for the backlog (at least one), as far as `maxVcpus` allows: spot machines of the
   * first architecture, of the others for what that one lacks, and on-demand ones within their budget for what spot
   * lacks. A launch that got anything is a success. One that got nothing is enough too while machines of ours run:
   * they drain the queue. Throws a `LaunchError` where nothing runs and nothing was launched.
   */
  async ensure({ planned, messages }: Backlog, delivery: Delivery): Promise<void> {
    this.#seen ??= this.#look();
    const work = backlogWork(planned, messages, await this.#seen);
    const refusals = await this.#launchOn('spot', work, delivery);
    if (refusals.length > 0 && explain(refusals).class === 'elsewhere')
      refusals.push(...(await this.#launchOn('on-demand', work, delivery)));
    if (this.#machines.length > 0) return;

    const { maxVcpus, launchTemplates } = this.#settings;
    const sizes = launchTemplates.flatMap((template) => template.instanceTypes.map(({ vcpus }) => vcpus));
    if (Math.min(...sizes) > maxVcpus)
      throw new Error(`MAX_VCPUS is ${maxVcpus}, less than any instance type has; raise it and deploy`);
    throw new LaunchError(refusals);
  }

  async #look(): Promise<Calibration> {
    const [machines, calibration] = await Promise.all([
      runningMachines(this.#ec2, this.#settings),
      readCalibration(this.#uploads),
    ]);
    this.#machines = machines.filter(({ id }) => id !== this.#leaving);
    return calibration;
  }

  /** vCPUs that run, of one market or of all. */
  #running(market?: Market): number {
    return this.#machines.reduce(
      (sum, machine) => (market === undefined || machine.market === market ? sum + machine.vcpus : sum),
      0,
    );
  }

  /** Asks every architecture in turn for what the work still lacks. Returns the refusals. */
  async #launchOn(market: Market, work: Work, delivery: Delivery): Promise<Refusal[]> {
    const { maxVcpus, maxOnDemandVcpus } = this.#settings;
    const running = this.#running();
    const budget = maxOnDemandVcpus - this.#running('on-demand');
    let limit = market === 'spot' ? maxVcpus : Math.min(maxVcpus, running + budget);
    const refusals: Refusal[] = [];
    if (!capacityRequest(this.#need(work, limit, this.#allPools()))) return refusals;

    for (const offer of await this.#offers(market, limit - running)) {
      const asked = await this.#launchFrom(offer, market, work, limit, delivery);
      refusals.push(...asked.refusals);
      limit = asked.limit;
      if (asked.refusals.length > 0 && !NEXT_ARCHITECTURE.includes(explain(asked.refusals).class)) break;
    }
    return refusals;
  }

  /**
   * Asks one architecture for what the work lacks, and for half as much and half again while a quota refuses that:
   * how much of it is left is known to nobody before. Returns the refusals, and the vCPUs that may run by what the
   * quota showed.
   */
  async #launchFrom(
    offer: Offer,
    market: Market,
    work: Work,
    limit: number,
    delivery: Delivery,
  ): Promise<{ readonly refusals: readonly Refusal[]; readonly limit: number }> {
    const request = capacityRequest(this.#need(work, limit, offer.pools));
    if (!request) return { refusals: [], limit };
    const before = this.#running();
    const { smallestVcpus, largestVcpus } = request;
    const pools = offer.pools.filter(({ vcpus }) => vcpus >= smallestVcpus && vcpus <= largestVcpus);
    const refusals = await this.#launch({ ...offer, pools }, market, request.targetVcpus, delivery);
    if (!refusals.some(({ code }) => classify(code).smaller)) return { refusals, limit };

    const launched = this.#running() > before;
    const smaller = launched ? this.#running() : before + Math.floor(request.targetVcpus / 2);
    const next = await this.#launchFrom(offer, market, work, smaller, delivery);
    return { refusals: [...refusals, ...next.refusals], limit: next.limit };
  }

  #need(work: Work, maxVcpus: number, pools: readonly Pool[]) {
    const { targetSeconds } = this.#settings;
    const typeVcpus = [...new Map(pools.map(({ type, vcpus }) => [type, vcpus])).values()];
    return { work, targetSeconds, runningVcpus: this.#running(), maxVcpus, typeVcpus };
  }

  #allPools(): Pool[] {
    const { launchTemplates, subnetIds } = this.#settings;
    return launchTemplates.flatMap((template) => poolsOf(template, subnetIds));
  }

  /** Where machines that fit into so many vCPUs may be found: not where they were refused lately, unless there is no other. */
  async #offers(market: Market, room: number): Promise<Offer[]> {
    const { launchTemplates, subnetIds } = this.#settings;
    this.#refused ??= await recentRefusals(this.#uploads, Date.now());
    const refused = this.#refused;
    const offersOf = (wanted: (pool: Pool) => boolean) =>
      launchTemplates
        .map((template) => ({ template, pools: poolsOf(template, subnetIds).filter(wanted) }))
        .filter(({ pools }) => pools.length > 0);
    const fits = ({ vcpus }: Pool) => vcpus <= room;
    const open = offersOf((pool) => fits(pool) && !refused.has(poolName(market, pool)));
    return open.length > 0 ? open : offersOf(fits);
  }

  /** Launches, remembers the machines and the pools that had none, and logs what EC2 said. Returns the refusals. */
  async #launch(
    { template, pools }: Offer,
    market: Market,
    targetVcpus: number,
    delivery: Delivery,
  ): Promise<readonly Refusal[]> {
    const clientToken = tokenOf(market, template, targetVcpus, delivery);
    const request = { template, pools, targetVcpus, market, clientToken };
    const { machines, refusals } = await launch(this.#ec2, this.#settings, request);
    this.#machines.push(...machines);
    logLaunch({ market, architecture: template.architecture, askedVcpus: targetVcpus }, machines, refusals);

    const none = refusedPools(market, refusals);
    if (none.length > 0) {
      for (const pool of none) this.#refused?.add(pool);
      await rememberRefusals(this.#uploads, none, Date.now());
    }
    return refusals;
  }
}

/**
 * EC2 carries out a token once, so neither the SDK's retries nor a repeated invocation for one delivery launch
 * twice. What a delivery may ask for several times differs in the token, because equal tokens must come with equal
 * parameters. 64 characters, EC2's limit.
 */
function tokenOf(
  market: Market,
  { launchTemplateId }: LaunchTemplate,
  targetVcpus: number,
  { messageId, receiveCount }: Delivery,
): string {
  return createHash('sha256')
    .update(JSON.stringify([market, launchTemplateId, targetVcpus, messageId, receiveCount]))
    .digest('hex');
}

function logLaunch(asked: object, machines: readonly Machine[], refusals: readonly Refusal[]): void {
  const fields = { ...asked, refusals: byCode(refusals) };
  if (machines.length > 0) {
    log('info', 'machines-launched', { ...fields, machines });
    return;
  }
  const { code, reason, advice, class: kind } = explain(refusals);
  const level = OWNERS.includes(kind) ? 'error' : 'warn';
  log(level, 'launch-refused', { ...fields, code, class: kind, reason, advice });
}

/** One entry a code with the first text and how many pools said so: a fleet has a hundred pools. */
function byCode(refusals: readonly Refusal[]) {
  const groups = Map.groupBy(refusals, ({ code }) => code);
  return [...groups].map(([code, group]) => ({ code, pools: group.length, message: group[0]?.message }));
}
