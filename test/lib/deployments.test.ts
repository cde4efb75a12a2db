/** Deployments stand side by side, and in any partition of AWS. */
import { describe, expect, test } from '@jest/globals';
import { deployment } from './support/deployment.ts';
import { spell } from './support/template.ts';

/** Types whose names need not be the only ones: of a role's own policy, and of APIs, which are told apart by their ids. */
const SHARED_NAMES = ['AWS::IAM::Policy', 'AWS::ApiGatewayV2::Api', 'AWS::ApiGatewayV2::Stage'];

/** Types whose names are taken in all regions of an account. */
const OF_THE_ACCOUNT = /^AWS::(Budgets|CloudFront|IAM)::|^AWS::CloudWatch::Dashboard\b/;

/** What AWS calls things. */
const NAMES_OF_AWS = ['MetricName', 'ServiceName'];

/** Names that a resource is given, at its top or in its `…Config`: the property, and the name. */
const namesIn = (properties: object): string[] =>
  Object.entries(properties).flatMap(([key, value]): string[] => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return namesIn(value).map((name) => `${key}.${name}`);
    const isReference = /^<[^>]*>$/.test(String(value));
    return typeof value === 'string' && key.endsWith('Name') && !NAMES_OF_AWS.includes(key) && !isReference
      ? [`${key} ${value}`]
      : [];
  });

const namesOf = (name: string, region = 'eu-test-1') =>
  deployment({ name, prebakedImage: true }).flatMap(({ Resources }) =>
    Object.values(Resources)
      .filter(({ Type }) => !SHARED_NAMES.includes(Type))
      .flatMap(({ Type, Properties }) =>
        namesIn(Object(spell(Properties))).map(
          (given) => `${Type} ${given.replaceAll('<AWS::Region>', region)}`,
        ),
      ),
  );

test('of two deployments in one account and region, no name is the same', () => {
  const [films, clips] = [new Set(namesOf('Films')), new Set(namesOf('Clips'))];
  expect([...films].filter((name) => clips.has(name))).toEqual([]);
  expect([...films].join('\n')).toContain('Films');
});

test('of a deployment in two regions of one account, no name is the same that the account has once', () => {
  const [here, there] = ['eu-test-1', 'us-test-1'].map((region) =>
    namesOf('Films', region).filter((name) => OF_THE_ACCOUNT.test(name)),
  );
  expect(here?.filter((name) => there?.includes(name))).toEqual([]);
  expect(new Set(here?.map((name) => name.split(' ')[0]))).toEqual(
    new Set([
      'AWS::CloudFront::CachePolicy',
      'AWS::CloudFront::Function',
      'AWS::CloudFront::KeyValueStore',
      'AWS::CloudFront::OriginAccessControl',
      'AWS::CloudFront::ResponseHeadersPolicy',
      'AWS::CloudWatch::Dashboard',
    ]),
  );
});

describe('in any partition', () => {
  const stacks = deployment({ prebakedImage: true });
  const texts = stacks.flatMap(({ Resources, Outputs }) => stringsIn([Resources, Outputs]));

  test('no ARN names one', () => {
    expect(texts.filter((text) => /\barn:aws(-[a-z-]+)?:/.test(text))).toEqual([]);
  });

  test('no host is of one: what ends in amazonaws.com is a service’s name, as a principal or its role', () => {
    const hosts = texts.filter((text) => text.includes('amazonaws.com'));
    expect(
      hosts.filter((text) => !/(^|aws-service-role\/)[a-z0-9.-]+\.amazonaws\.com(\/|$)/.test(text)),
    ).toEqual([]);
  });
});

/** Every text of a template, as it stands. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}
