/** Spot pools: what they have, what they cost, how often they take a machine back. */
import type { CapacityRequest } from '../../jobs/capacity.ts';
import { type Architecture, DEFAULT_INSTANCE_TYPES } from '../../lib/instance-types.ts';
import { A } from './assumptions.ts';
import { Random } from './random.ts';

/**
 * On-demand dollars a vCPU and hour of each family in us-east-1 (aws.amazon.com/ec2/pricing/on-demand, from memory);
 * c5 agrees with the page that `spotHigh` cites. All sizes of a family cost the same a vCPU.
 */
const ON_DEMAND: Readonly<Record<string, number>> = {
  c6g: 0.034,
  c6gd: 0.0384,
  c7g: 0.0363,
  c7gd: 0.0454,
  c8g: 0.0399,
  c8gd: 0.049,
  c5: 0.0425,
  c5a: 0.0385,
  c6a: 0.0383,
  c6i: 0.0425,
  c7a: 0.0513,
  c7i: 0.0446,
};

export interface Pool {
  readonly architecture: string;
  readonly type: string;
  readonly zone: number;
  readonly vcpus: number;
  /** Dollars a vCPU and hour. */
  readonly price: number;
  /** Of a measured core. */
  readonly speed: number;
  /** A machine and hour. */
  readonly interruptions: number;
  /** vCPUs that it has for us. */
  readonly depth: number;
  used: number;
  /** It has nothing at this time. */
  empty: boolean;
}

const HOUR = 3600;

export class SpotMarket {
  readonly pools: readonly Pool[];
  readonly #random: Random;
  #hour = -1;

  /** @param interruptions a machine and hour, on average over the pools */
  constructor(seed: number, zones: number, interruptions: number) {
    this.#random = new Random(seed, 'market');
    this.pools = Object.entries(DEFAULT_INSTANCE_TYPES).flatMap(([architecture, types]) =>
      types.flatMap(({ type, vcpus }) =>
        Array.from({ length: zones }, (_, zone) =>
          this.#pool(architecture, type, vcpus, zone, interruptions),
        ),
      ),
    );
  }

  #pool(architecture: string, type: string, vcpus: number, zone: number, interruptions: number): Pool {
    const onDemand = ON_DEMAND[type.split('.')[0] ?? ''];
    if (onDemand === undefined)
      throw new Error(`${type} has no price; add its family to the table in market.ts`);
    return {
      architecture,
      type,
      zone,
      vcpus,
      price: onDemand * this.#random.between(A.spotLow, A.spotHigh),
      speed: architecture === 'arm64' ? A.armSpeed : A.x86Speed,
      interruptions: interruptions * this.#random.between(0.5, 2),
      depth: this.#random.logNormal(A.poolVcpus, A.poolSpread),
      used: 0,
      empty: false,
    };
  }

  /**
   * The pools of the machines that a fleet gets: `price-capacity-optimized` looks for the pools with the most
   * capacity, and takes the cheapest of them. The fleet launches until it has the target; the last machine may
   * carry it beyond. Fewer machines, or none, where the pools have no more or the quota has no room for more.
   * @param room vCPUs that the quota leaves
   */
  take(now: number, architecture: Architecture, request: CapacityRequest, room: number): Pool[] {
    this.#turnHour(now);
    const { targetVcpus, smallestVcpus, largestVcpus } = request;
    const offered = this.pools
      .filter((pool) => pool.architecture === architecture)
      .filter(({ vcpus }) => vcpus >= smallestVcpus && vcpus <= largestVcpus)
      .filter((pool) => !pool.empty && pool.depth - pool.used >= pool.vcpus)
      .sort((a, b) => b.depth - b.used - (a.depth - a.used));
    const byPrice = (a: Pool, b: Pool) => a.price - b.price;
    const half = Math.ceil(offered.length / 2);
    const order = [...offered.slice(0, half).sort(byPrice), ...offered.slice(half).sort(byPrice)];
    const taken: Pool[] = [];
    let missing = targetVcpus;
    let left = room;
    for (const pool of order)
      while (missing > 0 && left >= pool.vcpus && pool.depth - pool.used >= pool.vcpus) {
        pool.used += pool.vcpus;
        missing -= pool.vcpus;
        left -= pool.vcpus;
        taken.push(pool);
      }
    return taken;
  }

  /** Every hour other pools are empty. */
  #turnHour(now: number): void {
    for (; this.#hour < Math.floor(now / HOUR); this.#hour++)
      for (const pool of this.pools) pool.empty = this.#random.next() < A.poolEmpty;
  }
}
