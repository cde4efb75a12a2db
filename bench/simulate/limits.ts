/** AWS's limits and our own, and how near a run came to each. */
import { DISPATCH_BATCH, DISPATCH_TIMEOUT_SECONDS } from '../../jobs/platform.ts';
import { packetsTimeout } from '../../video/packets.ts';
import { A } from './assumptions.ts';
import { fewestTokens } from './meter.ts';
import { peak, type Resource, requestsOf } from './requests.ts';
import { DEFAULTS, type Result, type Sample } from './simulation.ts';

export interface Check {
  readonly name: string;
  readonly reached: number;
  readonly limit: number;
  readonly unit: string;
  readonly ok: boolean;
  /** What makes the figure hard to read wrongly. */
  readonly note?: string;
}

/** Seconds that a message may wait for dispatch: more is a stall that an owner would notice. */
const DISPATCH_WAIT = 60;

const most = (name: string, reached: number, limit: number, unit: string, note?: string): Check => ({
  name,
  reached,
  limit,
  unit,
  ok: reached <= limit,
  ...(note !== undefined && { note }),
});

export function checksOf({ scenario, steps, samples, dispatch, longestPlan }: Result): Check[] {
  const highest = (of: (sample: Sample) => number) => peak(samples.map(of));
  const rate = (...resources: Resource[]) => peak(requestsOf(steps, ...resources));
  const machines = highest((sample) => sample.machines);
  const quota = (name: 'spotQuota' | 'diskQuota' | 'interfaces' | 'launchBucket') => {
    const raised = scenario.raised[name];
    return { limit: raised ?? A[name], note: raised === undefined ? undefined : `raised from ${A[name]}` };
  };
  const bucket = (name: string, resource: Resource, size: number, refill: number): Check => {
    const counts = requestsOf(steps, resource);
    const ok = fewestTokens(counts, size, refill) >= 0;
    const note = `a bucket of ${size}, ${refill} more a second`;
    return { name, reached: peak(counts), limit: size, unit: 'in a second', ok, note };
  };
  const prefix = 'the whole prefix as one partition';
  const spot = quota('spotQuota');
  const disk = quota('diskQuota');
  const interfaces = quota('interfaces');
  const launches = quota('launchBucket');
  return [
    most('S3 uploads/ writes', rate('uploads/ writes'), A.prefixWrites, '/s', prefix),
    most('S3 uploads/ reads', rate('uploads/ reads'), A.prefixReads, '/s', prefix),
    most('S3 jobs/ writes', rate('jobs/ writes'), A.prefixWrites, '/s', prefix),
    most('S3 jobs/ reads and lists', rate('jobs/ reads', 'jobs/ lists'), A.prefixReads, '/s', prefix),
    most('S3 capacity/ writes', rate('capacity/ writes'), A.prefixWrites, '/s', prefix),
    most('S3 capacity/ reads', rate('capacity/ reads'), A.prefixReads, '/s', prefix),
    most('S3 v/ writes', rate('v/ writes'), A.prefixWrites, '/s', prefix),
    most('S3 v/ lists', rate('v/ lists'), A.prefixReads, '/s', prefix),
    most(
      'SQS tasks in flight',
      highest(({ inFlight }) => inFlight),
      A.inFlight,
      'messages',
    ),
    most(
      'SQS uploads in flight',
      DISPATCH_BATCH.maximumConcurrency * DISPATCH_BATCH.size,
      A.inFlight,
      'messages',
      'by maximumConcurrency and batch size',
    ),
    bucket('EC2 DescribeInstances', 'DescribeInstances', A.describeBucket, A.describeRefill),
    bucket('EC2 CreateFleet', 'CreateFleet', A.fleetBucket, A.fleetRefill),
    bucket('EC2 instances launched', 'instances', launches.limit, A.launchRefill),
    most('EC2 units a fleet', dispatch.largestTarget, A.fleetTarget, 'vCPUs'),
    most('EC2 spot quota, for maxVcpus', scenario.maxVcpus, spot.limit, 'vCPUs', spot.note),
    most('EBS gp3 storage', machines * A.diskGigabytes, disk.limit, 'GB', disk.note),
    most('VPC network interfaces', machines, interfaces.limit, '', interfaces.note),
    most(
      'VPC addresses a zone',
      Math.ceil(machines / DEFAULTS.zones),
      A.subnetAddresses,
      '',
      'if zones share evenly',
    ),
    most('Lambda dispatch at once', DISPATCH_BATCH.maximumConcurrency + 1, A.lambdaConcurrency, 'calls'),
    most('Lambda dispatch, longest call', dispatch.longestCall, DISPATCH_TIMEOUT_SECONDS, 's'),
    most('dispatch, longest wait of a message', peak(dispatch.waits), DISPATCH_WAIT, 's', 'our own limit'),
    most(
      'plan task, longest',
      longestPlan.planSeconds,
      packetsTimeout(longestPlan.bytes),
      's',
      'ffprobe reads every byte',
    ),
  ];
}
