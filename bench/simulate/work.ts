/** Where the simulation meets the product's own functions for capacity. */
import { backlogWork, type Calibration } from '../../jobs/calibration.ts';
import { type CapacityRequest, capacityRequest, type Work } from '../../jobs/capacity.ts';
import { type Architecture, DEFAULT_INSTANCE_TYPES } from '../../lib/instance-types.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';

/** Seconds within which a backlog should be done: the platform's default. */
const { turnaroundSeconds } = encodeSettingsSchema.parse({});

/** In the order in which they are asked: the platform's default. */
export const ARCHITECTURES: readonly Architecture[] = ['arm64', 'x86_64'];

/** What waits as an invocation sees it, and what runs. */
export interface Need {
  readonly planned: Work;
  readonly messages: number;
  readonly calibration: Calibration;
  readonly runningVcpus: number;
  readonly maxVcpus: number;
}

/** What an architecture is asked for. */
export function requestFor(architecture: Architecture, need: Need): CapacityRequest | undefined {
  const { planned, messages, calibration, runningVcpus, maxVcpus } = need;
  const work = backlogWork(planned, messages, calibration);
  const typeVcpus = DEFAULT_INSTANCE_TYPES[architecture].map(({ vcpus }) => vcpus);
  return capacityRequest({ work, targetSeconds: turnaroundSeconds, runningVcpus, maxVcpus, typeVcpus });
}
