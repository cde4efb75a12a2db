/**
 * What things cost at list price: US dollars in us-east-1, before taxes, free tiers and discounts for quantity, each with
 * where it was read and when. An owner whose region or contract differs sets their own (`prices`, docs/cost.md).
 */
import { z } from 'zod';

export interface Price {
  /** US dollars. */
  readonly usd: number;
  /** What they buy. */
  readonly unit: string;
  /** A page and the day it was read, or who read it when; `from memory` where no page was at hand. */
  readonly source: string;
}

const S3_REQUESTS =
  'https://c3x.dev/blog/s3-request-fees-explained (2026-11-21), as aws.amazon.com/s3/pricing';
const SERVERLESS =
  'https://gist.github.com/allenheltondev/d028926b7fe3b0656c96af9140ab55e3 (2020-03-11, read 2026-11-21)';
const PRICE_LIST = 'AWS Price List API of 2026-09-29, as public repositories quote it (read 2026-11-21)';
const VANTAGE =
  'https://instances.vantage.sh/aws/ec2, as MaterializeInc/materialize quotes it (read 2026-11-21)';
const CLOUDWATCH = 'https://aws.amazon.com/cloudwatch/pricing/ (from memory)';
const WAF = 'https://c3x.dev/blog/aws-waf-cost-explained/ (read 2026-11-21), as aws.amazon.com/waf/pricing';
const MUX =
  'https://github.com/api-evangelist/mux-com, plans (2026-05-25, read 2026-11-21): a transcript of mux.com/pricing/video that nobody confirmed; the lowest rate, higher resolutions cost more';
const CLOUDFLARE =
  'https://github.com/api-evangelist/cloudflare-stream, plans (2026-07-11, read 2026-11-21), as developers.cloudflare.com/stream/pricing';

export const PRICES = {
  // Machines
  vcpuHour: {
    usd: 0.0725 / 2,
    unit: 'a vCPU and hour of c7g on demand; what a machine counts for whose own price nobody tells',
    source: PRICE_LIST,
  },
  dearestVcpuHour: {
    usd: 0.1026 / 2,
    unit: 'a vCPU and hour of c7a on demand, the dearest of the default types; spot is never above on demand',
    source: VANTAGE,
  },
  addressHour: {
    usd: 0.005,
    unit: 'a public IPv4 address and hour',
    source: 'https://www.doit.com/aws-public-ipv4-price-increase-the-complete-guide/ (2026-11-21)',
  },
  diskMonth: { usd: 0.08, unit: 'a GB and month of gp3', source: PRICE_LIST },
  snapshotMonth: {
    usd: 0.05,
    unit: 'a GB and month of what a snapshot of a disk holds',
    source: 'https://aws.amazon.com/ebs/pricing/ (from memory)',
  },

  // Storage and requests
  s3Write: { usd: 0.005 / 1000, unit: 'a PUT, POST, COPY or LIST', source: S3_REQUESTS },
  s3Read: { usd: 0.0004 / 1000, unit: 'a GET or HEAD', source: S3_REQUESTS },
  s3Month: { usd: 0.023, unit: 'a GB and month of S3 Standard', source: SERVERLESS },
  sqsRequest: { usd: 0.4 / 1e6, unit: 'a request to a standard queue', source: SERVERLESS },
  lambdaCall: {
    usd: 0.2 / 1e6,
    unit: 'a call',
    source:
      'https://github.com/api-evangelist/aws-lambda, plans (2026-09-20, read 2026-11-21), as aws.amazon.com/lambda/pricing',
  },
  lambdaSecond: {
    usd: 0.0000133334,
    unit: 'a GB-second on arm64',
    source: 'https://aws.amazon.com/lambda/pricing/ (from memory)',
  },

  // Watching
  alarmMonth: { usd: 0.1, unit: 'a metric of a CloudWatch alarm and month', source: CLOUDWATCH },
  metricMonth: { usd: 0.3, unit: 'a metric of our own and month', source: CLOUDWATCH },
  dashboardMonth: {
    usd: 3,
    unit: 'a dashboard and month',
    source:
      'https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/ (2026-06-13, read 2026-11-21)',
  },

  logGigabyte: {
    usd: 0.5,
    unit: 'a GB that is written to a log of CloudWatch',
    source:
      'https://c3x.dev/blog/cloudwatch-logs-cost-optimization (2026-06, read 2026-11-22), as aws.amazon.com/cloudwatch/pricing',
  },

  // A web ACL, where one is wanted
  webAclMonth: { usd: 5, unit: 'a web ACL and month', source: WAF },
  webAclRuleMonth: { usd: 1, unit: 'a rule of a web ACL, or a group of AWS’s, and month', source: WAF },
  webAclRequest: { usd: 0.6 / 1e6, unit: 'a request that a web ACL looks at', source: WAF },

  // Delivery
  deliveredGigabyte: {
    usd: 0.085,
    unit: 'a GB that CloudFront sends to Europe or North America, after the first TB a month, which is free',
    source: 'http://aws.amazon.com/cloudfront/pricing (read 2026-11-21)',
  },

  // The same elsewhere
  mediaConvertMinute: {
    usd: 0.0075,
    unit: 'a normalised minute of output in the Basic tier: SD, up to 30 frames a second, one pass',
    source: 'https://aws.amazon.com/mediaconvert/pricing/ (2026-08-09, as a public repository quotes it)',
  },
  muxStoredMinute: {
    usd: 0.0024,
    unit: 'a minute and month, at basic quality, whose encoding is free',
    source: MUX,
  },
  muxWatchedMinute: { usd: 0.0008, unit: 'a minute watched, after the free 100,000 a month', source: MUX },
  cloudflareStoredMinute: { usd: 5 / 1000, unit: 'a minute and month; encoding is free', source: CLOUDFLARE },
  cloudflareWatchedMinute: { usd: 1 / 1000, unit: 'a minute watched', source: CLOUDFLARE },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof PRICES;
/** US dollars by name. */
export type Prices = Readonly<Record<PriceName, number>>;

const NAMES = Object.keys(PRICES) as PriceName[]; // the table's own

/** The owner's own prices, of those that differ; what it makes of them is all prices. */
export type OwnPrices = Readonly<Partial<Prices>>;
export const pricesSchema = z
  .partialRecord(z.enum(NAMES), z.number().nonnegative())
  .transform((own): Prices => ({ ...LIST_PRICES, ...own }));

/** The list prices alone. */
export const LIST_PRICES = Object.fromEntries(NAMES.map((name) => [name, PRICES[name].usd])) as Prices; // the same names as the table

const HOURS_A_MONTH = 730;

/** US dollars an hour that a machine costs besides its computing: its address and its disk. */
export const besideComputing = (prices: Prices, diskGigabytes: number): number =>
  prices.addressHour + (diskGigabytes * prices.diskMonth) / HOURS_A_MONTH;
