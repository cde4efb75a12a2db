/**
 * One page of CloudWatch that shows how the platform fares: its alarms, its own metrics, also apart by what the table counts
 * them by, and its queues.
 */
import { Aws, Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS, type Metric, type MetricName, NAMESPACE, PLATFORM_DIMENSION } from '../jobs/metrics.ts';
import { type Alarms, platformMetric } from './alarms.ts';
import type { Queues } from './queues.ts';

export interface DashboardProps {
  readonly platform: string;
  readonly alarms: Alarms;
  readonly queues: Queues;
}

const PERIOD = Duration.minutes(5);
/** Of the page's 24 columns. */
const WIDTH = 8;

export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { platform, alarms, queues }: DashboardProps) {
    super(scope, id);
    const queueGraph = (title: string, metrics: cloudwatch.IMetric[]) =>
      new cloudwatch.GraphWidget({ title, width: WIDTH, left: metrics });
    const read = [queues.uploads, queues.tasks, queues.events];
    const dead = [queues.uploadsDeadLetters, queues.tasksDeadLetters, queues.eventsDeadLetters];
    // Its keys are the table's; `Object.keys` forgets that.
    const names = Object.keys(METRICS) as MetricName[];
    new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `${platform}-${Aws.REGION}`, // it is the account's, not the region's
      defaultInterval: Duration.days(1),
      widgets: [
        [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', width: 24, alarms: [...alarms.alarms] })],
        names.map(
          (name) =>
            new cloudwatch.GraphWidget({
              title: `${name}: ${METRICS[name].meaning}`,
              width: WIDTH,
              left: [platformMetric(platform, name, PERIOD), ...apart(platform, name)],
            }),
        ),
        [
          queueGraph(
            'Age of the oldest message, s',
            read.map((queue) => queue.metricApproximateAgeOfOldestMessage({ period: PERIOD })),
          ),
          queueGraph(
            'Messages that wait',
            read.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD })),
          ),
          queueGraph(
            'Dead letters',
            dead.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD })),
          ),
        ],
      ],
    });
  }
}

/** A line for each value of the field by which a metric is counted apart; none where it is not. */
function apart(platform: string, name: MetricName): cloudwatch.IMetric[] {
  const { by, statistic }: Metric = METRICS[name];
  if (by === undefined) return [];
  const of = `{${NAMESPACE},${PLATFORM_DIMENSION},${by}} MetricName="${name}" ${PLATFORM_DIMENSION}="${platform}"`;
  return [
    new cloudwatch.MathExpression({
      expression: `SEARCH('${of}', '${statistic}', ${PERIOD.toSeconds()})`,
      label: '', // the value alone names its line
      period: PERIOD,
    }),
  ];
}
