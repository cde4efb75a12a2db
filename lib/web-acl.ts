/**
 * A firewall before pages, API and videos: a web ACL of AWS WAF with rules of AWS's and a limit of requests. CloudFront takes
 * one from us-east-1 only, wherever the platform is, so it is a stack of its own there. It bills by the month.
 */
import { CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import { z } from 'zod';
import { CLOUDFRONT_REGION } from '../jobs/platform.ts';
import { misfits, refuse } from './misfits.ts';

const OUTPUT = 'Arn';

/** Seconds for which requests are counted. */
export const COUNTED_SECONDS = 300;

/**
 * Requests of one address in five minutes. Somebody who watches sends for each segment of 6 seconds one for the picture, one
 * for the sound and, with subtitles, one for those, 150 in five minutes: so it is more than a hundred people behind the
 * address of one office. It is two thirds of what API Gateway lets through of all callers together (`API_THROTTLE`): no address alone can keep the others from the API.
 */
export const REQUESTS_PER_ADDRESS = 20_000;

export interface WebAclRules {
  /**
   * Requests of one address in five minutes; what is beyond is answered with 429.
   *
   * @default 20000
   */
  readonly requestsPerAddress?: number | undefined;
}

/** https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html has the limits. */
export const webAclRulesSchema = z.strictObject({
  requestsPerAddress: z.int().min(10).max(2_000_000_000).default(REQUESTS_PER_ADDRESS),
});

/**
 * Groups of rules that AWS keeps, at no price of their own. Not its core rule set: that refuses bodies of more than 8 KB, which
 * posters and subtitles have, players that do not say who they are, and titles that look like HTML.
 * https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
 */
const MANAGED_GROUPS = ['AWSManagedRulesAmazonIpReputationList', 'AWSManagedRulesKnownBadInputsRuleSet'];

/** Counted, but no request is kept to be looked at: it would show the tokens that are in it. */
const watchedAs = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
  metricName,
});

export interface SpotreelWebAclStackProps extends StackProps {
  /**
   * What differs from the rules' defaults.
   *
   * @default {}
   */
  readonly rules?: WebAclRules;
}

/** Give it to the platform as `webAcl`. It is in us-east-1, whatever `env` says. */
export class SpotreelWebAclStack extends Stack {
  constructor(scope: Construct, id: string, { rules = {}, env, ...props }: SpotreelWebAclStackProps = {}) {
    super(scope, id, {
      description: 'Spotreel: a firewall before pages, API and videos',
      ...props,
      env: { ...env, region: CLOUDFRONT_REGION },
    });
    refuse(misfits('rules', webAclRulesSchema, rules), 'The web ACL');
    const { requestsPerAddress } = webAclRulesSchema.parse(rules);
    const acl = new CfnWebACL(this, 'WebAcl', {
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      visibilityConfig: watchedAs(this.stackName),
      rules: [
        ...MANAGED_GROUPS.map((name, priority) => ({
          name,
          priority,
          statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
          overrideAction: { none: {} },
          visibilityConfig: watchedAs(name),
        })),
        {
          name: 'RequestsPerAddress',
          priority: MANAGED_GROUPS.length,
          statement: {
            rateBasedStatement: {
              aggregateKeyType: 'IP',
              evaluationWindowSec: COUNTED_SECONDS,
              limit: requestsPerAddress,
            },
          },
          // `spotreel/client` tries again later what was too much (429), and never what is forbidden (403).
          action: { block: { customResponse: { responseCode: 429 } } },
          visibilityConfig: watchedAs('RequestsPerAddress'),
        },
      ],
    });
    new CfnOutput(this, OUTPUT, { value: acl.attrArn });
  }

  /** Its ARN for a stack in whatever region, which is deployed after this one. */
  arnFor(consumer: Stack): string {
    consumer.addStackDependency(this);
    // CDK's own references want to know the consumer's region, which an app without an account does not tell.
    return Fn.getStackOutput(this.stackName, OUTPUT, CLOUDFRONT_REGION);
  }
}
