/**
 * What the platform measures of itself: one table for who writes it, for the dashboard, the alarms, the docs and the page
 * of a laptop. A metric travels in the log line that tells what it is about, in CloudWatch's embedded metric format.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
import { type LogFields, type LogLevel, log } from './log.ts';

export const NAMESPACE = 'Spotreel';

/** The field by which deployments of one account are told apart; every process sets it (`logAlways`). */
export const PLATFORM_DIMENSION = 'platform';

export interface Metric {
  readonly unit: 'Count' | 'None' | 'Seconds';
  /** What a period's values are summed up to. */
  readonly statistic: 'Sum' | 'Average' | 'Maximum';
  /** Another field by which it is also counted apart. */
  readonly by?: 'code' | 'function';
  readonly meaning: string;
}

export const METRICS = {
  Turnaround: {
    unit: 'Seconds',
    statistic: 'Average',
    meaning: 'from a video’s upload, or the request of a re-encode, until it plays',
  },
  EncodeSpeed: {
    unit: 'None',
    statistic: 'Average',
    meaning: 'seconds of video that a chunk’s worker encoded in a second, on one core, into every rung',
  },
  CpuPerMinute: {
    unit: 'Seconds',
    statistic: 'Average',
    meaning: 'vCPU seconds that a minute of video took, all rungs and sound',
  },
  CostPerMinute: {
    unit: 'None',
    statistic: 'Average',
    meaning: 'US dollars of machines that a minute of video took, at the price that each worker paid',
  },
  Interruptions: {
    unit: 'Count',
    statistic: 'Sum',
    meaning: 'spot machines of ours that EC2 takes back',
  },
  Failures: {
    unit: 'Count',
    statistic: 'Sum',
    by: 'code',
    meaning: 'encodes that ended as failed, in all and by the code of `video/failures.ts`',
  },
  OldestEncode: {
    unit: 'Seconds',
    statistic: 'Maximum',
    meaning: 'age of the oldest encode that has not ended, at each run of `mend`',
  },
  DeadLetters: {
    unit: 'Count',
    statistic: 'Sum',
    meaning: 'messages that were lost again and again and ended something, or that `bury` can not handle',
  },
  LaunchErrors: {
    unit: 'Count',
    statistic: 'Sum',
    meaning: 'launches that EC2 refused, or of which no machine came up: only the owner can mend that',
  },
  CeilingReached: {
    unit: 'Count',
    statistic: 'Sum',
    meaning: 'times that a spending ceiling held a launch back, or ended what ran',
  },
  SilentMachines: {
    unit: 'Count',
    statistic: 'Sum',
    meaning: 'machines that `mend` terminated: too old, or without a word from their worker',
  },
  FunctionErrors: {
    unit: 'Count',
    statistic: 'Sum',
    by: 'function',
    meaning:
      'calls of a Lambda function that failed or ran into its timeout, and messages or machines that one could not deal with',
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** The sets of dimensions under which CloudWatch keeps a metric. */
export function dimensionSets(name: MetricName): string[][] {
  const { by }: Metric = METRICS[name];
  return [[PLATFORM_DIMENSION], ...(by === undefined ? [] : [[PLATFORM_DIMENSION, by]])];
}

/** Writes a log line that carries metrics. @param fields as `log` has them, with what a metric is counted by */
export function logMetrics(
  level: LogLevel,
  event: string,
  fields: LogFields,
  values: Readonly<Partial<Record<MetricName, number>>>,
): void {
  // Its keys are the table's by its type; `Object.keys` forgets that.
  const names = Object.keys(values) as MetricName[];
  const CloudWatchMetrics = names.map((name) => ({
    Namespace: NAMESPACE,
    Dimensions: dimensionSets(name),
    Metrics: [{ Name: name, Unit: METRICS[name].unit }],
  }));
  log(level, event, { ...fields, ...values, _aws: { Timestamp: Date.now(), CloudWatchMetrics } });
}
