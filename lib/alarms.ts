/**
 * What wakes the owner. CloudWatch gives an account ten alarmed metrics for nothing, and these are no more than that, so
 * that an idle platform costs storage alone. A function that fails or is throttled shows by what it leaves undone.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { METRICS, type MetricName, NAMESPACE, PLATFORM_DIMENSION } from '../jobs/metrics.ts';
import type { Queues } from './queues.ts';

export interface AlarmsProps {
  /** Names this deployment, as its metrics do. */
  readonly platform: string;
  readonly queues: Queues;
  readonly api: HttpApi;
  /** Who is told by email; AWS asks them to confirm. */
  readonly email: string | undefined;
}

interface AlarmRule {
  /** What is wrong, as the email begins. */
  readonly says: string;
  readonly metric: cloudwatch.IMetric;
  /** Alarms from here on. */
  readonly threshold: number;
  /** In how many of the last so many periods it must be reached. @default the last one */
  readonly periods?: { readonly reached: number; readonly of: number };
  /** Whether it also tells when nothing is measured any more. */
  readonly whenSilent?: boolean;
}

/** A metric of ours, of this deployment. */
export const platformMetric = (platform: string, name: MetricName, period: Duration): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: NAMESPACE,
    metricName: name,
    dimensionsMap: { [PLATFORM_DIMENSION]: platform },
    statistic: METRICS[name].statistic,
    period,
  });

const FIVE_MINUTES = Duration.minutes(5);
const QUARTER = Duration.minutes(15);
const HOUR = Duration.hours(1);

/** Every alarm by its name, which is also that of its page in `docs/runbooks/`. */
function rulesOf({ platform, queues, api }: AlarmsProps): Readonly<Record<string, AlarmRule>> {
  const ours = (name: MetricName, period: Duration) => platformMetric(platform, name, period);
  return {
    'oldest-task': {
      says: 'A task has waited for two hours or longer',
      metric: queues.tasks.metricApproximateAgeOfOldestMessage({ period: FIVE_MINUTES }),
      threshold: Duration.hours(2).toSeconds(),
    },
    'oldest-upload': {
      says: 'Dispatch does not come to its messages for half an hour or longer',
      metric: queues.uploads.metricApproximateAgeOfOldestMessage({ period: FIVE_MINUTES }),
      threshold: Duration.minutes(30).toSeconds(),
    },
    'dead-letters': {
      says: 'Messages were given up, or lie undelivered in the dead letters of events',
      metric: new cloudwatch.MathExpression({
        expression: 'FILL(ended, 0) + FILL(kept, 0)',
        usingMetrics: {
          ended: ours('DeadLetters', FIVE_MINUTES),
          kept: queues.eventsDeadLetters.metricApproximateNumberOfMessagesVisible({ period: FIVE_MINUTES }),
        },
        period: FIVE_MINUTES,
      }),
      threshold: 1,
      // What FILL puts where a line has not arrived yet counts as measured: the last period alone would stay 0.
      periods: { reached: 1, of: 3 },
    },
    'launch-errors': {
      says: 'Machines are refused, or can not work, for a reason that only the owner can mend',
      metric: ours('LaunchErrors', FIVE_MINUTES),
      threshold: 1,
    },
    'spending-ceiling': {
      says: 'A spending ceiling is reached: the queue waits instead of the bill',
      metric: ours('CeilingReached', FIVE_MINUTES),
      threshold: 1,
    },
    'stuck-video': {
      says: 'An encode has not ended for twelve hours, or mend does not look any more',
      metric: ours('OldestEncode', HOUR),
      // Half of the time after which it would be ended as `timed-out` (jobs/mend.ts).
      threshold: Duration.hours(12).toSeconds(),
      whenSilent: true,
    },
    'silent-worker': {
      says: 'A machine did not end itself, or its worker was silent, and it was terminated',
      metric: ours('SilentMachines', QUARTER),
      threshold: 1,
    },
    'function-errors': {
      says: 'A function, or a message that dispatch is given, fails again and again',
      metric: ours('FunctionErrors', QUARTER),
      // By how long it lasts, not how often it is: `mend` is called once a quarter. One in four may be missed, for a
      // schedule’s calls fall now before the quarter ends, now after.
      threshold: 1,
      periods: { reached: 3, of: 4 },
    },
    'api-errors': {
      says: 'The API answers with 5xx',
      metric: api.metricServerError({ period: FIVE_MINUTES }),
      threshold: 5,
    },
  };
}

export class Alarms extends Construct {
  /** Hears of every alarm's beginning and end. */
  readonly topic: sns.Topic;
  readonly alarms: readonly cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'Topic', { enforceSSL: true });
    letTellersIn(this.topic);
    if (props.email !== undefined) this.topic.addSubscription(new EmailSubscription(props.email));

    const tell = new SnsAction(this.topic);
    this.alarms = Object.entries(rulesOf(props)).map(([name, rule]) => {
      const { reached, of } = rule.periods ?? { reached: 1, of: 1 };
      const alarm = new cloudwatch.Alarm(this, name, {
        alarmName: `${props.platform}-${name}`,
        alarmDescription: `${rule.says}. What to do: docs/runbooks/${name}.md`,
        metric: rule.metric,
        threshold: rule.threshold,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        datapointsToAlarm: reached,
        evaluationPeriods: of,
        // What counts is counted where it happens; a silence tells nothing, but of what speaks all the time.
        treatMissingData: rule.whenSilent
          ? cloudwatch.TreatMissingData.MISSING
          : cloudwatch.TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(tell);
      alarm.addOkAction(tell);
      if (rule.whenSilent) alarm.addInsufficientDataAction(tell);
      return alarm;
    });
  }
}

/** A topic with a policy of its own lets in only whom that names: alarms, and the budget (lib/budget.ts). */
function letTellersIn(topic: sns.Topic): void {
  const stack = Stack.of(topic);
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      actions: ['sns:Publish'],
      principals: ['cloudwatch', 'budgets'].map((name) => new iam.ServicePrincipal(`${name}.amazonaws.com`)),
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
}
