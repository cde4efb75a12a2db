/** Where the simulation meets the product's own function for capacity. */
import { type CapacityRequest, capacityRequest } from '../../jobs/capacity.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';

/** Seconds within which a backlog should be done: the platform's default. */
const { turnaroundSeconds } = encodeSettingsSchema.parse({});

/** What waits, and what runs. */
export interface Need {
  readonly workSeconds: number;
  readonly tasks: number;
  readonly runningVcpus: number;
  readonly maxVcpus: number;
  readonly typeVcpus: readonly number[];
}

export function requestFor({ tasks, workSeconds, ...rest }: Need): CapacityRequest | undefined {
  const work = { tasks, seconds: workSeconds };
  return capacityRequest({ work, targetSeconds: turnaroundSeconds, ...rest });
}
