/** Turns work that waits into machines: the one place that decides when CreateFleet is called. */
import { createHash, randomUUID } from 'node:crypto';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { backlogWork, type Calibration, readCalibration } from './calibration.ts';
import { capacityRequest, type Work } from './capacity.ts';
import { type DispatchEnvironment, type LaunchTemplate, spendingSettingsOf } from './environment.ts';
import {
  endedAmong,
  type FleetSettings,
  type LaunchedMachine,
  launch,
  type Machine,
  type Market,
  type Pool,
  poolsOf,
  runningMachines,
} from './fleet.ts';
import { classify, explain, LaunchError, type LaunchErrorClass, type Refusal } from './launch-errors.ts';
import { announceLaunch, concludeLaunch, type Launch } from './launches.ts';
import type { SpendingSettings } from './ledger.ts';
import { log } from './log.ts';
import { logMetrics } from './metrics.ts';
import { type Quotas, recentQuotas, rememberQuota } from './quotas.ts';
import { poolName, recentRefusals, refusedPools, rememberRefusals } from './refusals.ts';
import { countLaunched, reserve } from './spending.ts';
import { launchPace, rememberLaunch } from './starts.ts';
import type { ObjectStore } from './store.ts';

export interface CapacitySettings extends FleetSettings {
  /** vCPUs that may run at once, spot and on-demand together. */
  readonly maxVcpus: number;
  /** vCPUs of on-demand machines that may run at once; they are asked for where spot has too few. */
  readonly maxOnDemandVcpus: number;
  /** Seconds within which waiting work should be done. */
  readonly targetSeconds: number;
  readonly spending: SpendingSettings;
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
    spending: spendingSettingsOf(environment),
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

const NO_OTHERS = { machines: [], askedVcpus: 0 };

/** Classes whose log line should wake the owner. */
const OWNERS: readonly LaunchErrorClass[] = ['configuration', 'give-up'];

/**
 * The machines as one invocation sees them: EC2 is asked once what runs, and what this invocation launches, and others
 * beside it, is added, because DescribeInstances does not show the newest machines at once.
 */
export class Capacity {
  readonly #ec2: EC2Client;
  readonly #uploads: ObjectStore;
  readonly #settings: CapacitySettings;
  readonly #leaving: string | undefined;
  readonly #now: () => number;
  /** Names this invocation to others. */
  readonly #asker = randomUUID();
  /** What runs by EC2's word, and what was launched here. */
  readonly #machines: Machine[] = [];
  readonly #launched: LaunchedMachine[] = [];
  /** A spending ceiling leaves nothing to launch, or no machine comes up. */
  #held = false;
  /** What others launch, beyond that. */
  #others: { readonly machines: readonly Machine[]; readonly askedVcpus: number } = NO_OTHERS;
  #seen: Promise<Calibration> | undefined;
  #refused: Set<string> | undefined;
  #quotas: Quotas | undefined;

  /**
   * @param uploads keeps the hints that one invocation leaves for the next
   * @param leaving the id of a machine that is about to end, which therefore does not count as one that runs
   * @param now milliseconds since the epoch
   */
  constructor(
    ec2: EC2Client,
    uploads: ObjectStore,
    settings: CapacitySettings,
    leaving?: string,
    now: () => number = () => Date.now(),
  ) {
    this.#ec2 = ec2;
    this.#uploads = uploads;
    this.#settings = settings;
    this.#leaving = leaving;
    this.#now = now;
  }

  /**
   * Makes sure that machines run for the backlog (at least one), as far as `maxVcpus` allows: spot machines of the
   * first architecture, of the others for what that one lacks, and on-demand ones within their budget for what spot
   * lacks. A launch that got anything is a success. One that got nothing is enough too while machines of ours run, or
   * another invocation asks for some: they drain the queue; and so it is where a spending ceiling holds launches back, or no
   * machine comes up: the sweep launches in time. Throws a `LaunchError` where nothing runs and nothing was launched otherwise.
   */
  async ensure({ planned, messages }: Backlog, delivery: Delivery): Promise<void> {
    this.#seen ??= this.#look();
    const work = backlogWork(planned, messages, await this.#seen);
    const refusals = await this.#launchFor(work, delivery);
    if (this.#running() > 0 || this.#held) return;

    const { maxVcpus } = this.#settings;
    if (this.#smallest() > maxVcpus)
      throw new Error(`MAX_VCPUS is ${maxVcpus}, less than any instance type has; raise it and deploy`);
    throw new LaunchError(refusals);
  }

  async #look(): Promise<Calibration> {
    const [machines, calibration] = await Promise.all([
      runningMachines(this.#ec2, this.#settings),
      readCalibration(this.#uploads),
    ]);
    this.#machines.push(...machines.filter(({ id }) => id !== this.#leaving));
    return calibration;
  }

  /** Counts what others launch. */
  async #count(launches: readonly Launch[]): Promise<void> {
    const known = new Set([this.#leaving, ...this.#machines.map(({ id }) => id)]);
    const unseen = launches.flatMap(({ machines }) => machines).filter(({ id }) => !known.has(id));
    const ids = unseen.map(({ id }) => id);
    const ended = await endedAmong(this.#ec2, this.#settings.platform, ids);
    this.#others = {
      machines: unseen.filter(({ id }) => !ended.has(id)),
      askedVcpus: launches.reduce((sum, { askedVcpus }) => sum + askedVcpus, 0),
    };
  }

  /** vCPUs that run or are being asked for: of one market, to which the latter may belong, or of all. */
  #running(market?: Market): number {
    return [...this.#machines, ...this.#others.machines].reduce(
      (sum, machine) => (market === undefined || machine.market === market ? sum + machine.vcpus : sum),
      this.#others.askedVcpus,
    );
  }

  /** The most vCPUs that launches for this work may come to; 0 where none is wanted. */
  #wanted(work: Work): number {
    const { maxVcpus } = this.#settings;
    const request = capacityRequest(this.#need(work, maxVcpus, this.#allPools()));
    if (!request) return 0;
    return Math.min(request.targetVcpus + request.largestVcpus, maxVcpus - this.#running());
  }

  /** Asks for what the work lacks, after others are told, and stays within what they were told. Returns the refusals. */
  async #launchFor(work: Work, delivery: Delivery): Promise<Refusal[]> {
    if (this.#wanted(work) === 0) return [];
    const most = await this.#pace();
    this.#held = most === 0;
    if (this.#held) return [];
    await announceLaunch(this.#uploads, this.#asker, this.#now(), async (others) => {
      await this.#count(others);
      return this.#wanted(work);
    });
    const allowed = await this.#reserve(Math.min(this.#wanted(work), most));
    const limit = this.#running() + allowed;
    const before = this.#launched.length;
    const refusals = await this.#launchOn('spot', work, limit, delivery);
    // Of a quota that is known to be used up, spot is not asked: it lacks machines without a refusal.
    const lacks =
      refusals.length > 0 ? explain(refusals).class === 'elsewhere' : this.#quotas?.spot !== undefined;
    if (lacks) refusals.push(...(await this.#launchOn('on-demand', work, limit, delivery)));
    await concludeLaunch(this.#uploads, this.#asker, this.#now(), this.#launched);
    if (this.#launched.length > before) await rememberLaunch(this.#uploads, this.#now());
    const { spending } = this.#settings;
    if (allowed > 0)
      await countLaunched(this.#ec2, this.#uploads, spending, this.#asker, this.#launched, this.#now());
    return refusals;
  }

  /** The most vCPUs that may be launched by how the last ones came up. */
  async #pace(): Promise<number> {
    const pace = await launchPace(this.#uploads, this.#now());
    if (pace === 'any') return Number.POSITIVE_INFINITY;
    logMetrics('error', 'machines-not-up', { launched: pace }, { LaunchErrors: 1 });
    return pace === 'one' ? this.#smallest() : 0;
  }

  /** The vCPUs that may be launched, of those that are wanted, by what the owner allows to be spent. */
  async #reserve(wanted: number): Promise<number> {
    const sizes = { wanted, smallest: this.#smallest() };
    if (wanted < sizes.smallest) return 0;
    const allowed = await reserve(this.#uploads, this.#settings.spending, this.#asker, sizes, this.#now());
    this.#held = allowed === 0;
    return allowed;
  }

  /** vCPUs of the smallest machine. */
  #smallest(): number {
    return Math.min(...this.#allPools().map(({ vcpus }) => vcpus));
  }

  /** Asks every architecture in turn for what the work still lacks, up to so many vCPUs. Returns the refusals. */
  async #launchOn(market: Market, work: Work, most: number, delivery: Delivery): Promise<Refusal[]> {
    const running = this.#running();
    const elsewhere = running - this.#running(market);
    let limit = Math.min(most, elsewhere + (await this.#allowed(market)));
    const refusals: Refusal[] = [];
    if (!capacityRequest(this.#need(work, limit, this.#allPools()))) return refusals;

    for (const offer of await this.#offers(market, limit - running)) {
      const asked = await this.#launchFrom(offer, market, work, limit, delivery);
      refusals.push(...asked.refusals);
      limit = asked.limit;
      if (asked.refusals.length > 0 && !NEXT_ARCHITECTURE.includes(explain(asked.refusals).class)) break;
    }
    if (refusals.some(({ code }) => classify(code).smaller)) {
      const vcpus = limit - elsewhere;
      this.#quotas = { ...this.#quotas, [market]: vcpus };
      await rememberQuota(this.#uploads, market, vcpus, this.#now());
    }
    return refusals;
  }

  /** vCPUs that a market may have by the owner's budget and its quota, of which the smallest machine is always tried. */
  async #allowed(market: Market): Promise<number> {
    const { maxVcpus, maxOnDemandVcpus } = this.#settings;
    const budget = market === 'spot' ? maxVcpus : maxOnDemandVcpus;
    this.#quotas ??= await recentQuotas(this.#uploads, this.#now());
    const quota = this.#quotas[market] ?? budget;
    return Math.min(budget, Math.max(quota, this.#smallest()));
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
    this.#refused ??= await recentRefusals(this.#uploads, this.#now());
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
    this.#launched.push(...machines);
    logLaunch({ market, architecture: template.architecture, askedVcpus: targetVcpus }, machines, refusals);

    const none = refusedPools(market, refusals);
    if (none.length > 0) {
      for (const pool of none) this.#refused?.add(pool);
      await rememberRefusals(this.#uploads, none, this.#now());
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
  const refused = { ...fields, code, class: kind, reason, advice };
  if (OWNERS.includes(kind)) logMetrics('error', 'launch-refused', refused, { LaunchErrors: 1 });
  else log('warn', 'launch-refused', refused);
}

/** One entry a code with the first text and how many pools said so: a fleet has a hundred pools. */
function byCode(refusals: readonly Refusal[]) {
  const groups = Map.groupBy(refusals, ({ code }) => code);
  return [...groups].map(([code, group]) => ({ code, pools: group.length, message: group[0]?.message }));
}
