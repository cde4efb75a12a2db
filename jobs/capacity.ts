/** How many vCPUs to ask EC2 for, and on machines of which size. Pure. */

/** An encode runs one thread a rung and as many chunks at once as there are cores (measured: ENCODING.md). */
const VCPUS_PER_TASK = 1;

/** Pools of spot machines differ from day to day: with fewer types than this, all may be empty at once. */
export const MIN_INSTANCE_TYPES = 6;

/** At least so many machines share the work, so that a reclaimed one takes at most a quarter of it. */
const MIN_SHARE = 4;

export interface CapacityNeed {
  /** Tasks that wait or will soon. */
  readonly tasks: number;
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
  /** vCPUs of the largest instance type to offer. */
  readonly largestVcpus: number;
}

/**
 * What to ask for so that every task gets its vCPU, or undefined where nothing is missing or nothing more fits.
 *
 * A fleet launches until its target is reached, so its last machine may carry it beyond by the machine's size
 * less one step. The target is lowered by that much where the sum could exceed `maxVcpus`, which is the owner's.
 */
export function capacityRequest(need: CapacityNeed): CapacityRequest | undefined {
  const room = need.maxVcpus - need.runningVcpus;
  const missing = Math.min(need.tasks * VCPUS_PER_TASK - need.runningVcpus, room);
  const fitting = need.typeVcpus.filter((vcpus) => vcpus <= room).sort((a, b) => a - b);
  const smallest = fitting[0];
  if (missing <= 0 || smallest === undefined) return undefined;

  const forVariety = fitting[MIN_INSTANCE_TYPES - 1] ?? Math.max(...fitting);
  const limit = Math.max(forVariety, missing / MIN_SHARE);
  const offered = fitting.filter((vcpus) => vcpus <= limit);
  const largestVcpus = Math.max(...offered);
  const step = offered.reduce(greatestCommonDivisor);
  const highest = room - largestVcpus + step;
  const targetVcpus = Math.min(Math.ceil(missing / step), Math.floor(highest / step)) * step;
  return { targetVcpus, largestVcpus };
}

/** One machine of the smallest size. */
export function smallestRequest(typeVcpus: readonly number[]): CapacityRequest {
  const smallest = Math.min(...typeVcpus);
  return { targetVcpus: smallest, largestVcpus: smallest };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
