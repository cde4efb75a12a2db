/**
 * An AWS Budget: the bill itself, hours late but with everything on it, beside the guard that counts machines as they run
 * (jobs/spending.ts). It goes by the tag of this deployment, which counts once its owner has activated it as a
 * cost-allocation tag (docs/cost.md); CloudFormation can not do that.
 */
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { PLATFORM_TAG } from '../jobs/environment.ts';

export interface BudgetProps {
  /** The value of the tag. */
  readonly platform: string;
  /** US dollars a month. */
  readonly monthlyCeiling: number;
  /** Hears of it, and lets budgets tell it (lib/alarms.ts). */
  readonly topic: sns.Topic;
}

/** Shares of the ceiling at which it tells: of what was spent, and of what will be by AWS's forecast. */
const NOTICES = [
  { notificationType: 'ACTUAL', threshold: 50 },
  { notificationType: 'ACTUAL', threshold: 100 },
  { notificationType: 'FORECASTED', threshold: 100 },
] as const;

export class Budget extends Construct {
  constructor(scope: Construct, id: string, { platform, monthlyCeiling, topic }: BudgetProps) {
    super(scope, id);
    const subscribers = [{ subscriptionType: 'SNS', address: topic.topicArn }];
    const budget = new CfnBudget(this, 'Monthly', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: monthlyCeiling, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:${PLATFORM_TAG}$${platform}`] },
      },
      notificationsWithSubscribers: NOTICES.map((notice) => ({
        notification: { ...notice, comparisonOperator: 'GREATER_THAN', thresholdType: 'PERCENTAGE' },
        subscribers,
      })),
    });
    // It tries the topic when it is made.
    budget.node.addDependency(topic);
  }
}
