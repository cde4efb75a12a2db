/** What is simulated: who uploads what when, and what the owner allows. */
import { A } from './assumptions.ts';
import { Random } from './random.ts';
import { FEATURE_4K, mixedPlans, type Planned, plan } from './sources.ts';

export interface Upload {
  readonly at: number;
  readonly planned: Planned;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly maxVcpus: number;
  /** Quotas that the owner had AWS raise, in the units of the assumptions. */
  readonly raised: Readonly<
    Partial<Record<'spotQuota' | 'diskQuota' | 'interfaces' | 'launchBucket', number>>
  >;
  /** Machines taken back, of one in an hour; pools have half to twice as many. */
  readonly interruptions: number;
  /** Seconds between two points of the plots. */
  readonly sampleSeconds: number;
  /** In the order of their times. */
  uploads(seed: number): Iterable<Upload>;
}

const DAY = 24 * 3600;

function* burst(seed: number, count: number, withinSeconds: number): Iterable<Upload> {
  const next = mixedPlans(seed);
  for (let index = 0; index < count; index++) yield { at: (index * withinSeconds) / count, planned: next() };
}

/** Times over a day, fewest at its beginning and end, most in its middle. */
function* day(seed: number, count: number): Iterable<Upload> {
  const random = new Random(seed, 'times');
  const next = mixedPlans(seed);
  const times = new Float64Array(count);
  for (let index = 0; index < count; ) {
    const at = random.between(0, DAY);
    const rate = 1 - A.diurnal * Math.cos((2 * Math.PI * at) / DAY);
    if (random.next() * (1 + A.diurnal) < rate) times[index++] = at;
  }
  for (const at of times.sort()) yield { at, planned: next() };
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'burst',
    title: 'A thousand uploads in a minute',
    maxVcpus: 1000,
    interruptions: A.interruptions,
    raised: { spotQuota: 1000 },
    sampleSeconds: 5,
    uploads: (seed) => burst(seed, 1000, 60),
  },
  {
    name: 'storm',
    title: 'A thousand uploads in a minute, and every machine lasts a quarter of an hour',
    maxVcpus: 1000,
    interruptions: 4,
    raised: { spotQuota: 1000 },
    sampleSeconds: 5,
    uploads: (seed) => burst(seed, 1000, 60),
  },
  {
    name: 'feature',
    title: 'A 12-hour 4K file',
    maxVcpus: 1000,
    interruptions: A.interruptions,
    raised: { spotQuota: 1000 },
    sampleSeconds: 5,
    uploads: () => [{ at: 0, planned: plan(FEATURE_4K, 12 * 3600 - 60) }],
  },
  {
    name: 'day',
    title: 'A day of a million uploads',
    maxVcpus: 24_000,
    interruptions: A.interruptions,
    raised: { spotQuota: 24_000 },
    sampleSeconds: 120,
    uploads: (seed) => day(seed, 1_000_000),
  },
];
