/** What a deployment looks at first, against an account as AWS's APIs would describe it, and how it runs CDK. */
import { writeFile } from 'node:fs/promises';
import {
  DescribeAvailabilityZonesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { deploy } from '../../cli/deploy.ts';
import { preflight } from '../../cli/preflight.ts';

const sts = mockClient(STSClient);
const ec2 = mockClient(EC2Client);
const ssm = mockClient(SSMClient);
const iam = mockClient(IAMClient);
const quotas = mockClient(ServiceQuotasClient);

const SPOT = { ServiceCode: 'ec2', QuotaCode: 'L-34B43A08' };
const ON_DEMAND = { ServiceCode: 'ec2', QuotaCode: 'L-1216C47A' };
const LAMBDA = { ServiceCode: 'lambda', QuotaCode: 'L-B99A9384' };
const WANTED = { maxVcpus: 4, maxOnDemandVcpus: 0, zones: 3 };

const namedError = (name: string) => Object.assign(new Error('words of AWS'), { name });
const $metadata = {};

/** An account that has everything. */
beforeEach(() => {
  for (const mock of [sts, ec2, ssm, iam, quotas]) mock.reset();
  process.env['AWS_REGION'] = 'eu-central-1';
  sts
    .on(GetCallerIdentityCommand)
    .resolves({ Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/me' });
  ec2.on(DescribeAvailabilityZonesCommand).resolves({ AvailabilityZones: [{}, {}, {}] });
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: '27' } });
  iam.on(GetRoleCommand).resolves({});
  quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 1000 } });
  for (const channel of ['log', 'error'] as const) jest.spyOn(console, channel).mockImplementation(() => {});
});
afterAll(() => {
  delete process.env['AWS_REGION'];
});

const verdicts = async (wanted = WANTED) => (await preflight(wanted)).map(({ verdict }) => verdict);

test('an account that has everything is good', async () => {
  expect(new Set(await verdicts())).toEqual(new Set(['good']));
});

const MISSING: readonly (readonly [
  what: string,
  break_: () => void,
  verdict: string,
  words: RegExp,
  fix: RegExp,
])[] = [
  [
    'no credentials',
    () => sts.on(GetCallerIdentityCommand).rejects(namedError('CredentialsProviderError')),
    'stop',
    /No AWS credentials/,
    /AWS_PROFILE/,
  ],
  [
    'credentials that expired',
    () => sts.on(GetCallerIdentityCommand).rejects(namedError('ExpiredTokenException')),
    'stop',
    /ExpiredTokenException/,
    /aws sso login/,
  ],
  [
    'two zones',
    () => ec2.on(DescribeAvailabilityZonesCommand).resolves({ AvailabilityZones: [{}, {}] }),
    'stop',
    /2 availability zones, not the 3/,
    /-c zones=2/,
  ],
  [
    'no bootstrap stack',
    () => ssm.on(GetParameterCommand).rejects(new ParameterNotFound({ message: '', $metadata })),
    'stop',
    /not bootstrapped in eu-central-1/,
    /cdk bootstrap aws:\/\/123456789012\/eu-central-1/,
  ],
  [
    'an old bootstrap stack',
    () => ssm.on(GetParameterCommand).resolves({ Parameter: { Value: '5' } }),
    'stop',
    /version 5, too old/,
    /cdk bootstrap/,
  ],
  [
    'a spot quota of one vCPU',
    () => quotas.on(GetServiceQuotaCommand, SPOT).resolves({ Quota: { Value: 1 } }),
    'stop',
    /is 1, less than 4/,
    /--quota-code L-34B43A08 --desired-value 4/,
  ],
  [
    'a spot quota below maxVcpus',
    () => quotas.on(GetServiceQuotaCommand, SPOT).resolves({ Quota: { Value: 3 } }),
    'note',
    /is 3, less than 4/,
    /L-34B43A08/,
  ],
  [
    'no service-linked roles',
    () => iam.on(GetRoleCommand).rejects(new NoSuchEntityException({ message: '', $metadata })),
    'note',
    /AWSServiceRoleForEC2Spot is missing/,
    /create-service-linked-role --aws-service-name spot\.amazonaws\.com/,
  ],
  [
    'ten calls of Lambda at once',
    () => quotas.on(GetServiceQuotaCommand, LAMBDA).resolves({ Quota: { Value: 10 } }),
    'note',
    /concurrent executions of Lambda is 10/,
    /L-B99A9384/,
  ],
];

test.each(MISSING)('%s: told in a sentence, with what helps', async (_, break_, verdict, words, fix) => {
  break_();
  const worse = (await preflight(WANTED)).filter((finding) => finding.verdict !== 'good');
  expect(worse[0]).toEqual({
    verdict,
    sentence: expect.stringMatching(words),
    fix: expect.stringMatching(fix),
  });
});

test('what may not be looked at is a note without AWS’s own words', async () => {
  iam.on(GetRoleCommand).rejects(namedError('AccessDeniedException'));
  const notes = (await preflight(WANTED)).filter(({ verdict }) => verdict !== 'good');
  expect(notes).toHaveLength(2);
  expect(notes[0]?.sentence).toBe(
    'The role AWSServiceRoleForEC2Spot could not be looked at: AWS answered AccessDeniedException',
  );
});

test('the on-demand quota counts where on-demand machines are allowed, and then spot may have none', async () => {
  quotas.on(GetServiceQuotaCommand, SPOT).resolves({ Quota: { Value: 0 } });
  expect(await verdicts()).toContain('stop');
  expect(await verdicts({ ...WANTED, maxOnDemandVcpus: 4 })).not.toContain('stop');
  expect(quotas.commandCalls(GetServiceQuotaCommand, ON_DEMAND)).toHaveLength(1);
});

describe('deploy', () => {
  /** Plays CDK: writes the outputs that it is asked for. */
  function fakeCdk() {
    const calls: (readonly string[])[] = [];
    const run = async (args: readonly string[]) => {
      calls.push(args);
      const outputs = {
        SpotreelState: { ExportsOutputRef: 'x' },
        Spotreel: { PlaybackUrl: 'https://d1.cloudfront.net', ApiParameters: '/spotreel/x' },
      };
      await writeFile(args[args.indexOf('--outputs-file') + 1] ?? '', JSON.stringify(outputs));
      return 0;
    };
    return { calls, run };
  }

  test('hands its settings to CDK, and says how to go on', async () => {
    const cdk = fakeCdk();
    expect(await deploy({ context: { maxVcpus: '64', zones: '2' }, yes: true }, cdk.run)).toBe(0);
    const [args = []] = cdk.calls;
    expect(args.filter((arg) => !/outputs\.json$|cdk\.out$/.test(arg))).toEqual([
      ...['deploy', '--all', '--output', '--outputs-file', '--require-approval', 'never'],
      ...['--context', 'maxVcpus=64', '--context', 'zones=2'],
    ]);
    expect(console.log).toHaveBeenLastCalledWith(
      expect.stringContaining('spotreel token create me --scope admin --parameters /spotreel/x'),
    );
  });

  test('judges the account by its settings', async () => {
    quotas.on(GetServiceQuotaCommand, SPOT).resolves({ Quota: { Value: 32 } });
    await deploy({ context: { maxVcpus: '64' }, preflightOnly: true });
    expect(console.log).toHaveBeenCalledWith(expect.stringContaining('is 32, less than 64'));
  });

  test('looks at the subnets of a VPC that is given, not for zones', async () => {
    ec2.on(DescribeSubnetsCommand).resolves({});
    ec2.on(DescribeRouteTablesCommand).resolves({});
    const vpc = { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'] };
    const context = { vpc: JSON.stringify(vpc) };
    expect(await deploy({ context, preflightOnly: true })).toBe(1);
    expect(console.log).toHaveBeenCalledWith(
      expect.stringContaining('STOP  subnet-0123456789abcdef0 is no subnet of this region'),
    );
    expect(ec2.commandCalls(DescribeAvailabilityZonesCommand)).toEqual([]);
  });

  test.each([
    ['{}', ['eu-central-1', 'us-east-1']],
    ['arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b', ['eu-central-1']],
  ])('looks for CDK where its stacks will be: with the web ACL %s', async (webAcl, regions) => {
    await deploy({ context: { webAcl }, preflightOnly: true });
    for (const region of regions)
      expect(console.log).toHaveBeenCalledWith(expect.stringContaining(`bootstrapped in ${region}`));
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(regions.length);
  });

  test.each([
    ['vpc-1', 'vpc: is not JSON: vpc-1'],
    ['{"vpcId":"vpc-0123456789abcdef0","subnetIds":["a"]}', 'vpc.subnetIds.0: is a; give an id'],
  ])('says what is wrong with the VPC %s', async (vpc, message) => {
    await expect(deploy({ context: { vpc }, preflightOnly: true })).rejects.toThrow(message);
  });

  test('runs nothing where something must be put right first, nor when it is only to look', async () => {
    const cdk = fakeCdk();
    expect(await deploy({ context: {}, preflightOnly: true }, cdk.run)).toBe(0);
    sts.on(GetCallerIdentityCommand).rejects(namedError('CredentialsProviderError'));
    expect(await deploy({ context: {} }, cdk.run)).toBe(1);
    expect(cdk.calls).toEqual([]);
  });
});
