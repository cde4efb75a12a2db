/**
 * Everything that the simulation takes for true without computing it, each with its unit and where it comes from.
 * Constants of our own (batch sizes, visibility, idle time) are not here: the model imports the product's.
 * Prices are US dollars in us-east-1. `assumed` means what it says: nobody measured it and no page states it.
 */
import { PRICES, type PriceName } from '../../video/prices.ts';

export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** A URL and the day it was read, a measurement of ours, or `assumed` and why so. */
  readonly source: string;
}

/** A price of the product's own list. */
const listed = (name: PriceName): Assumption => ({
  value: PRICES[name].usd,
  unit: `$ ${PRICES[name].unit}`,
  source: `video/prices.ts: ${PRICES[name].source}`,
});

const EC2_THROTTLING = 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html (2026-11-21)';
const S3_RATES = 'https://repost.aws/knowledge-center/s3-object-key-naming-pattern (2026-11-21)';

export const ASSUMPTIONS = {
  // Machines
  bootMedian: { value: 75, unit: 's', source: 'assumed: EC2 25 s, Ubuntu 15 s, packages and program 35 s' },
  bootSpread: { value: 0.25, unit: 'sigma of the logarithm', source: 'assumed' },
  armSpeed: { value: 1, unit: 'of a measured core', source: 'assumed: a Graviton vCPU is a whole core' },
  x86Speed: { value: 0.7, unit: 'of a measured core', source: 'assumed: an x86 vCPU is half of a core' },
  workSpread: { value: 0.2, unit: 'sigma of the logarithm', source: 'assumed: chunks differ in content' },
  taskOverhead: { value: 0.5, unit: 's a task', source: 'assumed: a dozen S3 and SQS requests' },

  // Spot
  spotLow: {
    value: 0.4,
    unit: 'of the on-demand price',
    source: 'assumed, as are the pools: less than the cheapest of the next line',
  },
  spotHigh: {
    value: 0.6,
    unit: 'of the on-demand price',
    source:
      'https://docs.aws.amazon.com/autoscaling/ec2/userguide/weights-spot-price-per-unit-hour-example.html (2026-11-21): c5 at 0.47 to 0.56',
  },
  interruptions: {
    value: 0.01,
    unit: 'a machine and hour, half to twice that by pool',
    source: 'assumed: the Spot Advisor has 5 to 20 % a month; this is harsher by far',
  },
  noNotice: { value: 0.05, unit: 'of the interruptions', source: 'assumed: crashes, lost networks' },
  poolEmpty: { value: 0.1, unit: 'of the pools, anew every hour', source: 'assumed' },
  poolVcpus: { value: 1500, unit: 'vCPUs that a pool has for us, median', source: 'assumed' },
  poolSpread: { value: 1, unit: 'sigma of the logarithm', source: 'assumed' },

  // Uploads
  lengthMedian: {
    value: 64,
    unit: 's',
    source: 'McGrady et al., Dialing for Videos, 2023, https://doi.org/10.51685/jqd.2023.022 (from memory)',
  },
  lengthMean: {
    value: 615,
    unit: 's',
    source: 'the same paper (from memory); with the median it gives the spread of a log-normal distribution',
  },
  lengthShortest: { value: 2, unit: 's', source: 'assumed' },
  diurnal: {
    value: 0.6,
    unit: 'of the mean, up and down over a day',
    source: 'assumed: four times as many uploads at the peak as in the dead of night',
  },

  // Reading sources
  readRate: {
    value: 85e6,
    unit: 'bytes/s of one GET',
    source:
      'https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html (from memory): 85 to 90 MB/s',
  },
  probeSeconds: { value: 0.5, unit: 's a plan besides reading', source: 'measured: docs/encoding.md' },
  publishSeconds: { value: 0.13, unit: 's', source: 'measured: docs/encoding.md' },
  chunkReads: { value: 4, unit: 'GETs of the source a chunk', source: 'assumed: index, seek, stretch' },
  uploadRate: { value: 5e6, unit: 'bytes/s of a client', source: 'assumed: 40 Mbit/s' },
  uploadPart: { value: 16e6, unit: 'bytes a part of an upload', source: 'assumed; clients choose' },

  // The control plane's own times
  eventDelay: { value: 1, unit: 's from PUT to message', source: 'assumed: AWS says "typically in seconds"' },
  terminating: { value: 30, unit: 's from shutting-down to terminated', source: 'assumed' },
  describeSeconds: { value: 0.3, unit: 's a page of DescribeInstances', source: 'assumed' },
  describePage: {
    value: 1000,
    unit: 'instances a page',
    source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html (from memory)',
  },
  fleetSeconds: { value: 2, unit: 's a CreateFleet of type instant', source: 'assumed' },
  storeSeconds: { value: 0.03, unit: 's a request to S3 or SQS', source: 'assumed' },

  // Prices
  putPrice: listed('s3Write'),
  getPrice: listed('s3Read'),
  sqsPrice: listed('sqsRequest'),
  fairPrice: {
    value: 0.1 / 1e6,
    unit: '$ more a request with a message group',
    source: 'assumed, after https://aws.amazon.com/sqs/pricing/ (from memory)',
  },
  lambdaPrice: listed('lambdaCall'),
  lambdaSecond: listed('lambdaSecond'),
  lambdaGigabytes: { value: 0.5, unit: 'GB of dispatch and sweep', source: 'lib/launcher.ts' },
  diskPrice: { ...listed('diskMonth'), value: PRICES.diskMonth.usd / 730, unit: '$ a GB and hour of gp3' },
  diskGigabytes: { value: 20, unit: 'GB a machine', source: 'default of lib/spotreel.ts' },
  addressPrice: listed('addressHour'),

  // Limits
  prefixWrites: { value: 3500, unit: 'a second and prefix', source: S3_RATES },
  prefixReads: { value: 5500, unit: 'a second and prefix', source: S3_RATES },
  inFlight: {
    value: 120_000,
    unit: 'messages a standard queue',
    source:
      'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (2026-11-21)',
  },
  describeBucket: {
    value: 100,
    unit: 'DescribeInstances at once',
    source: `${EC2_THROTTLING}: DescribeHosts`,
  },
  describeRefill: { value: 20, unit: 'a second', source: `${EC2_THROTTLING}: DescribeHosts` },
  fleetBucket: {
    value: 50,
    unit: 'CreateFleet at once',
    source: `${EC2_THROTTLING}: mutating (from memory)`,
  },
  fleetRefill: { value: 5, unit: 'a second', source: `${EC2_THROTTLING}: mutating (from memory)` },
  launchBucket: {
    value: 1000,
    unit: 'instances at once',
    source: `${EC2_THROTTLING}: RunInstances; assumed to hold for a fleet too`,
  },
  launchRefill: {
    value: 2,
    unit: 'instances a second',
    source: `${EC2_THROTTLING}: RunInstances; assumed to hold for a fleet too`,
  },
  fleetTarget: {
    value: 10_000,
    unit: 'units a fleet',
    source: 'https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/fleet-quotas.html (from memory)',
  },
  spotQuota: { value: 5, unit: 'vCPUs', source: 'a new account; adjustable' },
  lambdaConcurrency: {
    value: 1000,
    unit: 'calls at once',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (from memory)',
  },
  diskQuota: {
    value: 50 * 1024,
    unit: 'GB of gp3',
    source:
      'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html (from memory); adjustable',
  },
  interfaces: {
    value: 5000,
    unit: 'network interfaces a region',
    source:
      'https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (from memory); adjustable',
  },
  subnetAddresses: {
    value: 4091,
    unit: 'a zone',
    source: 'lib/network.ts: /20 less the five that AWS keeps',
  },
} as const satisfies Record<string, Assumption>;

export type AssumptionName = keyof typeof ASSUMPTIONS;

/** The values alone. */
export const A = Object.fromEntries(
  Object.entries(ASSUMPTIONS).map(([name, { value }]) => [name, value]),
) as Readonly<Record<AssumptionName, number>>; // the same names as the table
