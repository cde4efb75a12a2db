/** What would be lost with its stack is in a stack of its own. */
import { describe, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Spotreel, SpotreelStateStack } from '../../lib/index.ts';
import { deployment } from './support/deployment.ts';
import { testApp } from './support/template.ts';

const typesOf = ({ Resources }: { Resources: Record<string, { Type: string }> }) =>
  new Set(Object.values(Resources).map(({ Type }) => Type));

test('a deployment is two stacks: the state, protected and first, and what works on it', () => {
  const [state, platform] = deployment();
  expect([state?.name, platform?.name]).toEqual(['SpotreelState', 'Spotreel']);
  expect(state?.artifact.terminationProtection).toBe(true);
  expect(platform?.artifact.dependencies.map(({ id }) => id)).toContain('SpotreelState');
  expect([...(state ? typesOf(state) : [])].sort()).toEqual([
    'AWS::CloudFront::KeyValueStore',
    ...['AWS::S3::Bucket', 'AWS::S3::BucketPolicy', 'AWS::SQS::Queue', 'AWS::SQS::QueuePolicy'],
  ]);
});

test('the store that keeps private videos closed outlives the stack, as the videos do', () => {
  const [store] = deployment().flatMap(({ Resources }) =>
    Object.values(Resources).filter(({ Type }) => Type === 'AWS::CloudFront::KeyValueStore'),
  );
  // Yet it does not outlive a first deployment that fails: the next one gives it the same name.
  expect(store?.DeletionPolicy).toBe('RetainExceptOnCreate');
});

test('every bucket of the state outlives its stack; the only other bucket is that of the pages', () => {
  const buckets = deployment().flatMap(({ name, Resources }) =>
    Object.entries(Resources)
      .filter(([, { Type }]) => Type === 'AWS::S3::Bucket')
      .map(([id, { DeletionPolicy }]) => [name, id.replace(/[0-9A-F]{8}$/, ''), DeletionPolicy]),
  );
  expect(buckets).toEqual([
    ['SpotreelState', 'StorageUploads', 'Retain'],
    ['SpotreelState', 'StorageProduction', 'Retain'],
    ['Spotreel', 'PlatformPagesBucket', 'Delete'],
  ]);
});

test('what is to go with the platform is in its stack', () => {
  const stacks = deployment({ removalPolicy: 'destroy' });
  expect(stacks.map(({ name }) => name)).toEqual(['Spotreel']);
});

describe('what the platform is told of its state', () => {
  const app = testApp();
  new SpotreelStateStack(app, 'SpotreelState');
  const exported = (template: unknown) =>
    [...JSON.stringify(template).matchAll(/"Name":"(SpotreelState:Exports[^"]+)"/g)].map(([, name]) => name);
  const always = exported(app.synth().getStackArtifact('SpotreelState').template);

  test('is imported, which a hundred places of a template may do without being throttled', () => {
    const platform = JSON.stringify(deployment()[1]?.artifact.template);
    expect(platform).not.toContain('Fn::GetStackOutput');
    const imported = [...platform.matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name]) => name);
    expect(imported.length).toBeGreaterThan(100);
    expect(imported.filter((name) => !always.includes(name))).toEqual([]);
  });

  test('is exported by whatever version, so that none removes what one before still imports', () => {
    expect(exported(deployment()[0]?.artifact.template).toSorted()).toEqual(always.toSorted());
  });
});

test('an app of one’s own may keep the state apart, too', () => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const state = new SpotreelStateStack(app, 'FilmState');
  const stack = new Stack(app, 'Films');
  new Spotreel(stack, 'Video', { state });
  const template: unknown = app.synth().getStackArtifact(stack.artifactId).template;
  expect(JSON.stringify(template)).toContain('FilmState:Exports');
  expect(JSON.stringify(template)).not.toContain('AWS::SQS::Queue"');
});
