/**
 * The machines that may encode. Encoding is pure computing, so these are the compute families; many of them, since
 * a spot request that takes any of many pools is filled more often, interrupted less and costs less:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-best-practices.html
 */
import type { LaunchTemplate } from '../jobs/environment.ts';

export type Architecture = LaunchTemplate['architecture'];

/** An EC2 instance type and what it counts against `maxVcpus`. */
export interface WorkerType {
  readonly type: string;
  readonly vcpus: number;
}

/** More do not fit into the 4 KB that Lambda gives a function's environment. */
export const MAX_INSTANCE_TYPES = 32;

const FAMILIES: Readonly<Record<Architecture, readonly string[]>> = {
  arm64: ['c6g', 'c6gd', 'c7g', 'c7gd', 'c8g', 'c8gd'],
  x86_64: ['c5', 'c5a', 'c6a', 'c6i', 'c7a', 'c7i'],
};

/** Whether a vCPU of the type costs no more than `dearestVcpuHour` of the list prices, which is the dearest of these families'. */
export const isOfListPrice = (architecture: Architecture, type: string): boolean =>
  FAMILIES[architecture].some((family) => type.startsWith(`${family}.`));

/** vCPUs by size. The large ones keep the machines of a large fleet few (jobs/capacity.ts). */
const SIZES = { large: 2, xlarge: 4, '2xlarge': 8, '4xlarge': 16, '8xlarge': 32 };

/** The one family that goes from `4xlarge` to a size of its own. */
const ODD_SIZES: Readonly<Record<string, WorkerType>> = { 'c5.8xlarge': { type: 'c5.9xlarge', vcpus: 36 } };

const typesOf = (architecture: Architecture): WorkerType[] =>
  FAMILIES[architecture].flatMap((family) =>
    Object.entries(SIZES).map(([size, vcpus]) => {
      const type = `${family}.${size}`;
      return ODD_SIZES[type] ?? { type, vcpus };
    }),
  );

export const DEFAULT_INSTANCE_TYPES: Readonly<Record<Architecture, readonly WorkerType[]>> = {
  arm64: typesOf('arm64'),
  x86_64: typesOf('x86_64'),
};
