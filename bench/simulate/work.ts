/** Where the simulation meets the product's own capacity function. */
import { type CapacityRequest, capacityRequest } from '../../jobs/capacity.ts';

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
