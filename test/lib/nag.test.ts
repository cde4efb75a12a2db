/**
 * What others' rules say of the stacks: cdk-nag's AwsSolutions pack, and AWS's linter of templates, which CDK runs in every
 * synthesis (@aws/cloudformation-validate) and cdk.json makes strict. Nothing is found but what is acknowledged with a reason.
 */
import { expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type SpotreelProps, SpotreelStack } from '../../lib/index.ts';
import { testApp } from './support/template.ts';

/** Every option that adds resources. */
const OPTIONS: ReadonlyArray<readonly [name: string, props: SpotreelProps]> = [
  ['by default', {}],
  ['with images that are baked before', { prebakedImage: true }],
];

test.each(OPTIONS)('AwsSolutions has no finding left %s', (_, props) => {
  const app = testApp();
  new SpotreelStack(app, 'Spotreel', props);
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

const STRICT = { '@aws-cdk/core:validateAgainstDefaultRules': true };

test.each(OPTIONS)('the linter of templates finds nothing %s', (_, props) => {
  const app = testApp(STRICT);
  new SpotreelStack(app, 'Spotreel', props);
  expect(() => app.synth()).not.toThrow();
});

test('a property that CloudFormation does not take would be found', () => {
  const app = testApp(STRICT);
  const queue = new CfnQueue(new Stack(app, 'Broken'), 'Queue');
  queue.addPropertyOverride('VisibilityTimeout', 'long');
  expect(() => app.synth()).toThrow('VisibilityTimeout');
});
