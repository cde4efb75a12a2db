/**
 * What an AWS account must have before a deployment, looked at before anything is made: each as a plain sentence, with
 * the command that helps.
 */
import { DescribeAvailabilityZonesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { CLOUDFRONT_REGION, SERVICE_ROLES } from '../jobs/platform.ts';
import type { VpcIds } from '../jobs/vpc-ids.ts';
import { type Checked, good, looked, nameOf } from './checkup.ts';
import { vpcChecks } from './preflight-vpc.ts';

/** What the settings of the deployment ask for. */
export interface Wanted {
  readonly maxVcpus: number;
  readonly maxOnDemandVcpus: number;
  readonly zones: number;
  /** A VPC of the owner's, whose subnets say which zones. */
  readonly vpc?: VpcIds;
  /** A web ACL is to be made, in us-east-1. */
  readonly makesWebAcl?: boolean;
}

/** vCPUs of the smallest machine. With fewer, none starts. */
const SMALLEST_MACHINE = 2;
/** The oldest version of CDK's bootstrap stack that our templates deploy with: they say so themselves. */
const BOOTSTRAP_VERSION = 6;
const BOOTSTRAP_PARAMETER = '/cdk-bootstrap/hnb659fds/version';
/** Calls of Lambda at once with which the API is still quick: a new account may have as few as 10. */
const ENOUGH_CONCURRENCY = 50;

/** Quotas by their codes, as `aws service-quotas list-service-quotas` tells them. */
const QUOTAS = {
  spot: { service: 'ec2', code: 'L-34B43A08', name: 'spot vCPUs (All Standard Spot Instance Requests)' },
  onDemand: {
    service: 'ec2',
    code: 'L-1216C47A',
    name: 'on-demand vCPUs (Running On-Demand Standard instances)',
  },
  lambda: { service: 'lambda', code: 'L-B99A9384', name: 'concurrent executions of Lambda' },
} as const;
type Quota = (typeof QUOTAS)[keyof typeof QUOTAS];

/** Who deploys; undefined where that can not be told. */
async function identity(): Promise<{ caller: Checked; account?: string }> {
  const fix = 'Sign in with aws sso login or aws configure, or name a profile with AWS_PROFILE';
  try {
    const { Account: account = '', Arn = '' } = await new STSClient().send(new GetCallerIdentityCommand());
    return { caller: good(`You are ${Arn}`), account };
  } catch (error) {
    const why = nameOf(error);
    const sentence =
      why === 'CredentialsProviderError'
        ? 'No AWS credentials were found'
        : `AWS does not take your credentials: ${why}`;
    return { caller: { verdict: 'stop', sentence, fix } };
  }
}

async function zonesOf(region: string, wanted: number): Promise<Checked> {
  const { AvailabilityZones = [] } = await new EC2Client().send(
    new DescribeAvailabilityZonesCommand({ Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }] }),
  );
  const { length } = AvailabilityZones;
  if (length >= wanted) return good(`${region} has ${length} availability zones`);
  return {
    verdict: 'stop',
    sentence: `${region} gives you ${length} availability zones, not the ${wanted} of the settings`,
    fix: `spotreel deploy -c zones=${length}`,
  };
}

async function bootstrap(region: string, account: string): Promise<Checked> {
  const fix = `npx cdk bootstrap aws://${account}/${region}`;
  try {
    const { Parameter } = await new SSMClient({ region }).send(
      new GetParameterCommand({ Name: BOOTSTRAP_PARAMETER }),
    );
    const version = Number(Parameter?.Value);
    if (version >= BOOTSTRAP_VERSION) return good(`CDK is bootstrapped in ${region}, version ${version}`);
    return {
      verdict: 'stop',
      sentence: `CDK’s bootstrap stack in ${region} is version ${version}, too old`,
      fix,
    };
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
    return { verdict: 'stop', sentence: `CDK is not bootstrapped in ${region}`, fix };
  }
}

/** What a quota allows. */
async function quotaOf({ service, code }: Quota): Promise<number> {
  const answer = await new ServiceQuotasClient().send(
    new GetServiceQuotaCommand({ ServiceCode: service, QuotaCode: code }),
  );
  return answer.Quota?.Value ?? Number.NaN;
}

/** Whether a quota is enough. @param least with less, nothing works */
async function quota(which: Quota, wanted: number, least: number): Promise<Checked> {
  const { service, code, name } = which;
  const value = await quotaOf(which);
  if (!(value < wanted)) return good(`The quota of ${name} is ${value}`);
  return {
    verdict: value < least ? 'stop' : 'note',
    sentence: `The quota of ${name} is ${value}, less than ${wanted}`,
    fix: `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${wanted}`,
  };
}

async function serviceRole({ service, role }: (typeof SERVICE_ROLES)[number]): Promise<Checked> {
  try {
    await new IAMClient().send(new GetRoleCommand({ RoleName: role }));
    return good(`The role ${role} is there`);
  } catch (error) {
    if (!(error instanceof NoSuchEntityException)) throw error;
    return {
      verdict: 'note',
      sentence: `The role ${role} is missing; EC2 makes it with the first machine`,
      fix: `aws iam create-service-linked-role --aws-service-name ${service}`,
    };
  }
}

/** Where a deployment goes; undefined where nothing says so. */
async function region(): Promise<string | undefined> {
  return new STSClient().config.region().catch(() => undefined);
}

/** Looks at everything. Without credentials or a region, there is nothing more to look at. */
export async function preflight(wanted: Wanted): Promise<Checked[]> {
  const where = await region();
  if (where === undefined)
    return [{ verdict: 'stop', sentence: 'No AWS region is chosen', fix: 'export AWS_REGION=eu-central-1' }];
  const { caller, account } = await identity();
  if (account === undefined) return [caller];
  const { maxVcpus, maxOnDemandVcpus, zones, vpc, makesWebAcl } = wanted;
  const stackRegions = new Set([where, ...(makesWebAcl ? [CLOUDFRONT_REGION] : [])]);
  const spotLeast = maxOnDemandVcpus > 0 ? 0 : SMALLEST_MACHINE;
  return [
    caller,
    ...(vpc
      ? await vpcChecks(vpc, { account, region: where })
      : [await looked('Availability zones', () => zonesOf(where, zones))]),
    ...(await Promise.all(
      [...stackRegions].map((one) => looked('CDK’s bootstrap stack', () => bootstrap(one, account))),
    )),
    await looked('The spot quota', () => quota(QUOTAS.spot, maxVcpus, spotLeast)),
    ...(maxOnDemandVcpus > 0
      ? [await looked('The on-demand quota', () => quota(QUOTAS.onDemand, maxOnDemandVcpus, 0))]
      : []),
    ...(await Promise.all(
      SERVICE_ROLES.map((role) => looked(`The role ${role.role}`, () => serviceRole(role))),
    )),
    await looked('Lambda’s quota', () => quota(QUOTAS.lambda, ENOUGH_CONCURRENCY, 1)),
  ];
}
