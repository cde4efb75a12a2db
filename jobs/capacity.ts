/** How many vCPUs to ask EC2 for, and on machines of which size. Pure. */

/** An encode runs one thread a rung and as many chunks at once as there are cores (measured: ENCODING.md). */
const VCPUS_PER_TASK = 1;

/** Pools of spot machines differ from day to day: with fewer types than this, all may be empty at once. */
export const MIN_INSTANCE_TYPES = 6;

/** At least so many machines share the work, so that a reclaimed one takes at most a quarter of it. */
const MIN_SHARE = 4;

/**
 * A fleet is asked for in parts no smaller than this share of the whole, so that a large one has hundreds of machines
 * and not thousands: each has an address and a disk that cost and count against quotas, and EC2 limits how many are
 * launched (docs/scale.md). Up to twice as many vCPUs as this, the smallest machines are large enough.
 */
const MAX_SHARE = 200;

/** Work that waits for machines. */
export interface Work {
  readonly tasks: number;
  /** vCPU-seconds of all of them together. */
  readonly seconds: number;
}

export interface CapacityNeed {
  readonly work: Work;
  /** Seconds within which it should be done. */
  readonly targetSeconds: number;
  /** vCPUs of our machines that run or start. */
  readonly runningVcpus: number;
  /** vCPUs that may run at once. */
  readonly maxVcpus: number;
  /** vCPUs of each instance type that may be launched. */
  readonly typeVcpus: readonly number[];
}

export interface CapacityRequest {
  /** vCPUs to ask for. */
  readonly targetVcpus: number;
  /** vCPUs of the smallest and the largest instance type to offer. */
  readonly smallestVcpus: number;
  readonly largestVcpus: number;
}

/**
 * What to ask for so that the work is done within its target, or undefined where nothing is missing or nothing more
 * fits. There is always one machine, and never more vCPUs than tasks: further ones would have nothing to do.
 *
 * A fleet launches until its target is reached, so its last machine may carry it beyond by the machine's size
 * less one step. The target is lowered by that much where the sum could exceed `maxVcpus`, which is the owner's.
 */
export function capacityRequest(need: CapacityNeed): CapacityRequest | undefined {
  const { work, targetSeconds, runningVcpus } = need;
  const useful = Math.min(Math.ceil(work.seconds / targetSeconds), work.tasks * VCPUS_PER_TASK);
  const room = need.maxVcpus - runningVcpus;
  const missing = Math.min(Math.max(1, useful) - runningVcpus, room);
  const fitting = need.typeVcpus.filter((vcpus) => vcpus <= room).sort((a, b) => a - b);
  if (missing <= 0 || fitting.length === 0) return undefined;

  const fewer = fitting.filter((vcpus) => vcpus >= (runningVcpus + missing) / MAX_SHARE);
  const candidates = fewer.length >= MIN_INSTANCE_TYPES ? fewer : fitting.slice(-MIN_INSTANCE_TYPES);
  const smallestVcpus = Math.min(...candidates);
  const forVariety = candidates[MIN_INSTANCE_TYPES - 1] ?? Math.max(...candidates);
  const limit = Math.max(forVariety, missing / MIN_SHARE);
  const offered = candidates.filter((vcpus) => vcpus <= limit);
  const largestVcpus = Math.max(...offered);
  const step = offered.reduce(greatestCommonDivisor);
  const highest = room - largestVcpus + step;
  const targetVcpus = Math.min(Math.ceil(missing / step), Math.floor(highest / step)) * step;
  return { targetVcpus, smallestVcpus, largestVcpus };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
