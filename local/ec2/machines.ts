/** The instances of a laptop's EC2, and the fleet requests that make them. */
import { randomUUID } from 'node:crypto';
import { LIST_PRICES } from '../../video/prices.ts';
import type { XmlContent } from '../aws/xml.ts';
import type { FaultHooks } from '../faults/hooks.ts';
import type { Authorize } from '../iam/iam.ts';
import { Ec2Error } from './errors.ts';
import { bestPool, type FleetRequest, machinesFor, type Pool, poolsOf } from './fleet.ts';
import { coresOf, Instance, type InstanceEvent, type WorkerSpec } from './instance.ts';
import type { Credentials } from './metadata.ts';

export interface Ec2Options {
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** Instances that may run at once; beyond them there is no capacity. */
  readonly maxInstances: number;
  /** Cores of each; a request's overrides of this `WeightedCapacity` are preferred. */
  readonly vcpusPerInstance: number;
  readonly worker: WorkerSpec;
  /** Those of the instances' role, handed out by their metadata. */
  readonly credentials: Credentials;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
  /** Milliseconds between SIGTERM and SIGKILL. @default 10 000 */
  readonly terminateGraceMs?: number;
  /** Hears what EC2 would send to EventBridge. @default - nobody does */
  readonly tell?: (event: InstanceEvent) => void;
  /** Refuses launches, for tests of those who ask for them. */
  readonly faults?: FaultHooks;
}

/** Elements of an answer. */
export type Content = { [name: string]: XmlContent };

const TERMINATE_GRACE_MS = 10_000;
/** EC2 shows terminated instances for about an hour. */
const TERMINATED_SHOWN_MS = 3600 * 1000;

export class Machines {
  readonly #options: Ec2Options;
  #instances: Instance[] = [];
  /** Answers by client token: a request that comes again is carried out once. */
  readonly #requests = new Map<string, { readonly request: string; readonly answer: Promise<Content> }>();
  #closed = false;

  constructor(options: Ec2Options) {
    this.#options = options;
  }

  get vcpus(): number {
    return this.#options.vcpusPerInstance;
  }

  get region(): string {
    return this.#options.region;
  }

  all(): readonly Instance[] {
    const shownSince = Date.now() - TERMINATED_SHOWN_MS;
    this.#instances = this.#instances.filter(({ endTime }) => !endTime || endTime.getTime() > shownSince);
    return this.#instances;
  }

  /** Throws an `Ec2Error` where there is none of this id. */
  find(id: string): Instance {
    const instance = this.all().find((one) => one.id === id);
    if (!instance) throw new Ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
    return instance;
  }

  /** What one of these machines costs now: as much as its vCPUs would on AWS, by the list. */
  spotPrices(types: readonly string[], zone = `${this.#options.region}a`): Content[] {
    const spotPrice = String(this.#options.vcpusPerInstance * LIST_PRICES.vcpuHour);
    return types.map((instanceType) => ({
      instanceType,
      availabilityZone: zone,
      productDescription: 'Linux/UNIX',
      spotPrice,
      timestamp: new Date().toISOString(),
    }));
  }

  /** https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html */
  async createFleetOnce(request: FleetRequest): Promise<Content> {
    const { ClientToken = randomUUID() } = request;
    const known = this.#requests.get(ClientToken);
    const text = JSON.stringify(request);
    if (known && known.request !== text)
      throw new Ec2Error(
        'IdempotentParameterMismatch',
        `The request with client token '${ClientToken}' differs from the one that it was first used for`,
      );
    const content = known?.answer ?? this.#createFleet(request, ClientToken);
    this.#requests.set(ClientToken, { request: text, answer: content });
    // What failed was not carried out, so it may be tried again.
    content.catch(() => this.#requests.delete(ClientToken));
    return content;
  }

  async #createFleet(request: FleetRequest, clientToken: string): Promise<Content> {
    const { TotalTargetCapacity: target, DefaultTargetCapacityType: lifecycle } =
      request.TargetCapacitySpecification;
    const pools = poolsOf(request);
    const pool = bestPool(pools, this.#options.vcpusPerInstance);
    if (!pool) throw new Error('A request that has pools has a best one');
    const fleetId = `fleet-${randomUUID()}`;
    const refusedWith = this.#options.faults?.fleetRequested();
    const room = refusedWith === undefined ? this.#room() : 0;
    const { count, filled } = machinesFor(target, pool.weight, room);
    const tags = new Map([['aws:ec2:fleet-id', fleetId], ...instanceTags(request)]);
    const launched = await Promise.all(
      Array.from({ length: count }, () => this.#launch(pool, lifecycle, tags, clientToken)),
    );
    const instanceIds = { item: launched.map(({ id }) => id) };
    return {
      fleetId,
      fleetInstanceSet: {
        item:
          count === 0
            ? []
            : [{ ...describePool(pool, lifecycle), instanceIds, instanceType: pool.instanceType }],
      },
      errorSet: { item: filled ? [] : pools.map((one) => refusal(one, lifecycle, refusedWith)) },
    };
  }

  #alive(): Instance[] {
    return this.#instances.filter(({ state }) => state !== 'terminated');
  }

  /** The lowest number that no living instance has, so that a replacement takes the cores of the one it replaces. */
  #freeSlot(): number {
    const taken = new Set(this.#alive().map(({ options }) => options.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  /** Machines that may still be launched. Those that shut down make room at once: EC2 has more than this laptop. */
  #room(): number {
    const staying = this.#alive().filter(({ state }) => state !== 'shutting-down');
    return this.#closed ? 0 : Math.max(0, this.#options.maxInstances - staying.length);
  }

  async #launch(
    { instanceType: type, override }: Pool,
    lifecycle: 'spot' | 'on-demand',
    tags: ReadonlyMap<string, string>,
    clientToken: string,
  ): Promise<Instance> {
    const {
      region,
      worker,
      credentials,
      vcpusPerInstance,
      terminateGraceMs = TERMINATE_GRACE_MS,
      tell = () => {},
    } = this.#options;
    const availabilityZone = override.AvailabilityZone ?? `${region}a`;
    const slot = this.#freeSlot();
    const instance = new Instance({
      type,
      lifecycle,
      placement: { region, subnetId: override.SubnetId, availabilityZone },
      tags,
      clientToken,
      worker,
      credentials,
      cores: coresOf(slot, vcpusPerInstance),
      slot,
      terminateGraceMs,
      tell,
    });
    // Before it starts, for it takes room from now on.
    this.#instances.push(instance);
    await instance.start();
    return instance;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const alive = this.#alive();
    for (const instance of alive) instance.terminate('Client.UserInitiatedShutdown');
    await Promise.all(alive.map(({ ended }) => ended));
  }
}

function instanceTags({ TagSpecification }: FleetRequest): [string, string][] {
  return TagSpecification.filter(({ ResourceType }) => ResourceType === 'instance').flatMap(({ Tag }) =>
    Tag.map(({ Key, Value }): [string, string] => [Key, Value]),
  );
}

function describePool({ template, override }: Pool, lifecycle: string): Content {
  return {
    launchTemplateAndOverrides: {
      launchTemplateSpecification: {
        launchTemplateId: template.LaunchTemplateId,
        launchTemplateName: template.LaunchTemplateName,
        version: template.Version,
      },
      overrides: {
        instanceType: override.InstanceType,
        subnetId: override.SubnetId,
        availabilityZone: override.AvailabilityZone,
        maxPrice: override.MaxPrice,
        priority: override.Priority,
        weightedCapacity: override.WeightedCapacity,
      },
    },
    lifecycle,
  };
}

function refusal(pool: Pool, lifecycle: string, code = 'InsufficientInstanceCapacity'): Content {
  return {
    ...describePool(pool, lifecycle),
    errorCode: code,
    errorMessage: 'There is no capacity left on this machine that matches your request.',
  };
}
