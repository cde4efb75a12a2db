/** Where the simulation meets the product's own functions for work and capacity. */
import { type CapacityRequest, capacityRequest } from '../../jobs/capacity.ts';
import type { Plan } from '../../video/plan.ts';
import { toNumber } from '../../video/rational.ts';

/** vCPU-seconds a million pixels: encoding and decoding, from 82 vCPU-s for 62 s of 1080p25 (docs/encoding.md). */
const ENCODE = 0.0113;
const DECODE = 0.0051;

/** vCPU-seconds of a second of a plan's chunks. */
export function chunkWorkPerSecond({ rungs, rate, source }: Plan): number {
  const out = rungs.reduce((sum, { width, height }) => sum + width * height, 0);
  return ((out * ENCODE + source.width * source.height * DECODE) * toNumber(rate)) / 1e6;
}

/** What waits, and what runs. */
export interface Need {
  readonly workSeconds: number;
  readonly tasks: number;
  readonly runningVcpus: number;
  readonly maxVcpus: number;
  readonly typeVcpus: readonly number[];
}

export function requestFor({ tasks, runningVcpus, maxVcpus, typeVcpus }: Need): CapacityRequest | undefined {
  return capacityRequest({ tasks, runningVcpus, maxVcpus, typeVcpus });
}
