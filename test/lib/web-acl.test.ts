/** The firewall that the platform makes for who asks for one: what it refuses, what it never meets, and where it stands. */
import { describe, expect, test } from '@jest/globals';
import { App, Fn, Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { PLATFORM_TAG } from '../../jobs/environment.ts';
import { API_THROTTLE } from '../../jobs/platform.ts';
import { deploymentIn, Spotreel, SpotreelStack, SpotreelWebAclStack } from '../../lib/index.ts';
import { COUNTED_SECONDS, REQUESTS_PER_ADDRESS } from '../../lib/web-acl.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { type DeployedStack, deployment } from './support/deployment.ts';
import { lastingOf } from './support/lasting.ts';
import { testApp } from './support/template.ts';

const REGION = 'eu-central-1';
const NAME = `SpotreelWebAcl-${REGION}`;
const stacks = deployment({ webAcl: '{}' }, REGION);

const only = (type: string, stack: DeployedStack | undefined) => {
  const found = Object.values(stack?.Resources ?? {}).filter(({ Type }) => Type === type);
  expect(found).toHaveLength(1);
  return found[0]?.Properties ?? {};
};
const named = (name: string, all = stacks) => all.find((stack) => stack.name === name);

describe('a web ACL', () => {
  const acl = only('AWS::WAFv2::WebACL', named(NAME));

  test('is of CloudFront, and lets through what no rule refuses', () => {
    expect(acl).toMatchObject({ Scope: 'CLOUDFRONT', DefaultAction: { Allow: {} } });
  });

  test('refuses addresses and requests that AWS knows for bad, and what is too much of one address', () => {
    expect(acl['Rules']).toEqual([
      ...['AWSManagedRulesAmazonIpReputationList', 'AWSManagedRulesKnownBadInputsRuleSet'].map(
        (Name, Priority) =>
          expect.objectContaining({
            Name,
            Priority,
            OverrideAction: { None: {} },
            Statement: { ManagedRuleGroupStatement: { VendorName: 'AWS', Name } },
          }),
      ),
      expect.objectContaining({
        Name: 'RequestsPerAddress',
        Priority: 2,
        Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
        Statement: {
          RateBasedStatement: { AggregateKeyType: 'IP', EvaluationWindowSec: 300, Limit: 20_000 },
        },
      }),
    ]);
  });

  test('keeps no requests, for there are tokens in them', () => {
    const text = JSON.stringify(acl);
    expect(text.match(/"SampledRequestsEnabled":false/g)).toHaveLength(4);
    expect(text).not.toContain('"SampledRequestsEnabled":true');
  });

  test('is in us-east-1, wherever the platform is, and there first', () => {
    expect(named(NAME)?.artifact.environment.region).toBe('us-east-1');
    expect(named('Spotreel')?.artifact.dependencies.map(({ id }) => id)).toContain(NAME);
    expect(named('Spotreel')?.artifact.environment.region).toBe('unknown-region');
  });

  test('is that of the distribution', () => {
    expect(only('AWS::CloudFront::Distribution', named('Spotreel'))).toMatchObject({
      DistributionConfig: {
        WebACLId: { 'Fn::GetStackOutput': { StackName: NAME, OutputName: 'Arn', Region: 'us-east-1' } },
      },
    });
    expect(named(NAME)?.Outputs['Arn']?.Value).toEqual({ 'Fn::GetAtt': [expect.any(String), 'Arn'] });
  });

  test('has the tag by which the bill is taken apart, and no name of its own that could be another’s', () => {
    expect(acl['Tags']).toEqual([{ Key: PLATFORM_TAG, Value: expect.stringMatching(/^Spotreel-Platform-/) }]);
    expect(acl).not.toHaveProperty('Name');
  });

  test('takes another limit', () => {
    const rules = deployment({ webAcl: { requestsPerAddress: 50_000 } }, REGION);
    expect(JSON.stringify(only('AWS::WAFv2::WebACL', named(NAME, rules)))).toContain('"Limit":50000');
  });

  test('comes and goes without replacing anything that lasts', () => {
    expect(lastingOf(stacks)).toEqual(lastingOf(deployment()));
  });

  test('satisfies AwsSolutions and the linter of templates', () => {
    const app = testApp({ '@aws-cdk/core:validateAgainstDefaultRules': true, webAcl: '{}' });
    deploymentIn(app, REGION);
    expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
    expect(() => app.synth()).not.toThrow();
  });
});

describe('what one address may ask', () => {
  const settings = encodeSettingsSchema.parse({});

  test.each([
    [200, ['picture', 'sound']],
    [133, ['picture', 'sound', 'subtitles']],
  ])('is what %d people ask who watch behind it: %j', (people, tracks) => {
    const ofViewer = (tracks.length * COUNTED_SECONDS) / settings.segmentSeconds;
    expect(Math.floor(REQUESTS_PER_ADDRESS / ofViewer)).toBe(people);
  });

  test('is less than the API takes of all together', () => {
    expect(REQUESTS_PER_ADDRESS).toBeLessThan(API_THROTTLE.requestsPerSecond * COUNTED_SECONDS);
  });
});

describe('of several', () => {
  const aclStacks = (context: Record<string, unknown>, region?: string) =>
    deployment({ webAcl: '{}', ...context }, region).flatMap(({ name, Resources }) =>
      Object.values(Resources).some(({ Type }) => Type === 'AWS::WAFv2::WebACL') ? [name] : [],
    );

  test.each([
    ['one a deployment of the account', { name: 'Films' }, REGION, 'FilmsWebAcl-eu-central-1'],
    ['one a region of a name', {}, 'us-west-2', 'SpotreelWebAcl-us-west-2'],
    ['one where all goes with the platform, too', { removalPolicy: 'destroy' }, REGION, NAME],
  ])('%s', (_, context, region, name) => {
    expect(aclStacks(context, region)).toEqual([name]);
  });

  test('one of the region that the CDK CLI tells', () => {
    process.env['CDK_DEFAULT_REGION'] = 'eu-west-3';
    expect(aclStacks({})).toEqual(['SpotreelWebAcl-eu-west-3']);
    delete process.env['CDK_DEFAULT_REGION'];
  });

  test('none unless it is asked for, nor where one is there', () => {
    const there = `arn:aws:wafv2:us-east-1:123456789012:global/webacl/films/0a`;
    expect(aclStacks({ webAcl: undefined }, REGION)).toEqual([]);
    expect(aclStacks({ webAcl: there }, REGION)).toEqual([]);
  });
});

test('an app of one’s own may make one, in a region that it tells or does not', () => {
  for (const env of [{}, { env: { account: '123456789012', region: REGION } }]) {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    const webAcl = new SpotreelWebAclStack(app, 'FilmWebAcl', env);
    const stack = new Stack(app, 'Films', env);
    new Spotreel(stack, 'Video', { webAcl });
    const assembly = app.synth();
    const artifact = assembly.getStackArtifact(stack.artifactId);
    expect(JSON.stringify(artifact.template)).toContain('"StackName":"FilmWebAcl"');
    expect(artifact.dependencies.map(({ id }) => id)).toContain('FilmWebAcl');
    expect(assembly.getStackArtifact(webAcl.artifactId).environment.region).toBe('us-east-1');
  }
});

test('an app’s own ARN may be known to AWS alone', () => {
  const app = testApp();
  const stack = new SpotreelStack(app, 'Spotreel', { webAcl: Fn.importValue('FilmsWebAcl') });
  expect(JSON.stringify(app.synth().getStackArtifact(stack.artifactId).template)).toMatch(/"WebACLId":\{/);
});

describe('refused is', () => {
  test.each<[name: string, webAcl: unknown, message: string]>([
    ['what is neither an ARN nor rules', 'managed', 'webAcl: is "managed"; give an ARN, or rules: {} or'],
    ['less than WAF counts', '{"requestsPerAddress":9}', 'webAcl.requestsPerAddress: Too small'],
    ['a rule that there is not', '{"bots":true}', 'webAcl: Unrecognized key: "bots"'],
    [
      'an ARN of another region',
      'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/b',
      'in us-east-1',
    ],
  ])('%s', (_, webAcl, message) => {
    expect(() => deployment({ webAcl }, REGION)).toThrow(message);
  });

  test('a limit that is none, in an app of one’s own', () => {
    const rules = { requestsPerAddress: 0 };
    expect(() => new SpotreelWebAclStack(new App(), 'WebAcl', { rules })).toThrow(
      'rules.requestsPerAddress:',
    );
  });

  test('the lack of a region, where neither the CDK CLI nor anybody else tells one', () => {
    delete process.env['CDK_DEFAULT_REGION'];
    expect(() => deployment({ webAcl: '{}' })).toThrow('set AWS_REGION');
  });

  test.each([
    ['cn-north-1', 'of which CloudFront of aws-cn knows nothing'],
    ['us-gov-west-1', 'of which CloudFront of aws-us-gov knows nothing'],
  ])('the region %s', (region, message) => {
    const app = testApp({ webAcl: '{}' });
    expect(() => deploymentIn(app, region)).toThrow(message);
  });
});
