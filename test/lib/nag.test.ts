/** cdk-nag's AwsSolutions pack finds nothing, but what is acknowledged with a reason. */
import { expect, test } from '@jest/globals';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { SpotreelStack } from '../../lib/index.ts';
import { testApp } from './support/template.ts';

test('AwsSolutions has no finding left', () => {
  const app = testApp();
  new SpotreelStack(app, 'Spotreel');
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  expect(
    violations.map(({ ruleName, violatingResources }) => [
      ruleName,
      violatingResources.map(({ constructPath }) => constructPath),
    ]),
  ).toEqual([]);
});

test('a queue without TLS or dead letters would be found', () => {
  const app = testApp();
  const stack = new SpotreelStack(app, 'Spotreel');
  new CfnQueue(stack, 'Bare');
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-SQS3', 'AwsSolutions-SQS4']);
});
