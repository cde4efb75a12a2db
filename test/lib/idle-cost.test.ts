/** What a platform costs that does nothing, computed from its templates: every resource that bills while idle has a price here. */
import { readFileSync } from 'node:fs';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { z } from 'zod';
import { LEDGER_KEY } from '../../jobs/names.ts';
import { MACHINE_EVENTS, MEND_MINUTES, SWEEP_MINUTES } from '../../jobs/platform.ts';
import { toStoredJson } from '../../jobs/store.ts';
import { LIST_PRICES, type PriceName } from '../../video/prices.ts';
import { CAPACITY_SETTINGS } from '../support/fleet.ts';
import { lambdaContext } from '../support/lambda.ts';
import { captureLog } from '../support/log-lines.ts';
import { serveS3 } from '../support/memory-s3.ts';
import { type DeployedStack, deployment } from './support/deployment.ts';

const MONTH_MINUTES = 730 * 60;
/** Lambda polls a queue by five long polls of 20 seconds (docs.aws.amazon.com/lambda, "services-sqs-scaling", from memory). */
const POLLS_A_MINUTE = 5 * 3;

/** What a resource uses a month while nothing happens, by what it is billed for. */
type Use = Partial<Record<PriceName, number>>;
type Properties = Readonly<Record<string, unknown>>;

const FREE = (_: Properties): Use => ({});
/** Costs by what lies in it, which is the owner's own. */
const STORAGE = FREE;
/** Costs by request, and nobody asks. */
const BY_REQUEST = FREE;

/** Calls of the scheduled functions: half a gigabyte for a third of a second. */
const CALL_GIGABYTE_SECONDS = 0.5 / 3;

/** What Lambda writes of each call, beside what the function does: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html */
const REQUEST_ID = '8f5d0c4e-0000-4000-8000-000000000000';
const LAMBDA_LINES = [
  `START RequestId: ${REQUEST_ID} Version: $LATEST\n`,
  `END RequestId: ${REQUEST_ID}\n`,
  `REPORT RequestId: ${REQUEST_ID}\tDuration: 123.45 ms\tBilled Duration: 124 ms\tMemory Size: 512 MB\tMax Memory Used: 123 MB\t\n`,
];
/** Bytes that each line counts beside its own: docs.aws.amazon.com/AmazonCloudWatchLogs, "PutLogEvents". */
const LINE_BYTES = 26;
const loggedBytes = (lines: readonly string[]): number =>
  lines.reduce((sum, line) => sum + Buffer.byteLength(line) + LINE_BYTES, 0);

/** What requests to S3 are billed as. */
const BILLED: Readonly<Record<string, PriceName>> = {
  PutObjectCommand: 's3Write',
  ListObjectsV2Command: 's3Write',
  GetObjectCommand: 's3Read',
  HeadObjectCommand: 's3Read',
};

Object.assign(process.env, {
  UPLOAD_BUCKET: 'uploads-bucket',
  PRODUCTION_BUCKET: 'production-bucket',
  UPLOADS_QUEUE_URL: 'http://127.0.0.1/uploads',
  TASKS_QUEUE_URL: 'http://127.0.0.1/tasks',
  EVENTS_QUEUE_URL: 'http://127.0.0.1/events',
  LIVE_TOPICS: 'spotreel/demo',
  KEY_VALUE_STORE: 'arn:aws:cloudfront::000000000000:key-value-store/demo',
  PLATFORM: 'demo',
  LAUNCH_TEMPLATES: JSON.stringify(CAPACITY_SETTINGS.launchTemplates),
  SUBNET_IDS: 'subnet-a',
  MAX_VCPUS: '8',
  MAX_ON_DEMAND_VCPUS: '0',
  TARGET_SECONDS: '20',
  MAX_LIFETIME_SECONDS: '600',
  DAILY_CEILING: '10',
});
const { handler: mend } = await import('../../lambda/mend.ts');
const { handler: sweep } = await import('../../lambda/sweep.ts');

/** What a call costs on a platform that did something yesterday, by what it asks of S3 and SQS and writes: it is made. */
async function askedBy(run: () => Promise<unknown>): Promise<Use> {
  const written = captureLog();
  const [s3, sqs, ec2] = [mockClient(S3Client), mockClient(SQSClient), mockClient(EC2Client)];
  const yesterday = new Date(Date.now() - 24 * 3600 * 1000).toISOString().slice(0, 10);
  const ledger = toStoredJson({ days: { [yesterday]: 3 }, running: {} });
  serveS3(s3, new Map([[`uploads-bucket/${LEDGER_KEY}`, ledger]]));
  const none = { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' };
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: none });
  ec2.on(DescribeInstancesCommand).resolves({});
  await run();
  const lines = [...LAMBDA_LINES, ...written().map((line) => JSON.stringify(line))];
  const use: Use = {
    lambdaCall: 1,
    lambdaSecond: CALL_GIGABYTE_SECONDS,
    logGigabyte: loggedBytes(lines) / 1e9,
    sqsRequest: sqs.calls().length,
  };
  for (const { args } of s3.calls()) {
    const command = args[0].constructor.name;
    const name = BILLED[command];
    if (name === undefined) throw new Error(`Say what ${command} is billed as`);
    use[name] = (use[name] ?? 0) + 1;
  }
  for (const mock of [s3, sqs, ec2]) mock.restore();
  jest.restoreAllMocks();
  return use;
}

const SCHEDULED = {
  id: 'event-1',
  version: '0',
  account: '000000000000',
  time: '2030-01-02T03:04:05Z',
  region: 'us-east-1',
  resources: [],
  source: 'aws.events',
  'detail-type': 'Scheduled Event',
  detail: {},
};
/** Of each run, by the minutes between two. */
const RUNS = new Map([
  [SWEEP_MINUTES, await askedBy(() => sweep(SCHEDULED, lambdaContext()))],
  [MEND_MINUTES, await askedBy(() => mend({}, lambdaContext()))],
]);

function scheduled({ ScheduleExpression }: Properties): Use {
  if (ScheduleExpression === undefined) return {};
  const minutes = Number(/^rate\((\d+) minutes?\)$/.exec(String(ScheduleExpression))?.[1]);
  const calls = MONTH_MINUTES / minutes;
  const run = RUNS.get(minutes);
  if (!run) throw new Error(`Say what a run costs of the rule that runs every ${String(ScheduleExpression)}`);
  return Object.fromEntries(Object.entries(run).map(([name, count]) => [name, count * calls]));
}

/** What a snapshot holds of an image of ours: Ubuntu's 2 (from memory), and 0.6 that are installed (`npm run bare-machine`). */
const IMAGE_GIGABYTES = 3;

const IDLE: Readonly<Record<string, (properties: Properties) => Use>> = {
  'AWS::ApiGatewayV2::Api': BY_REQUEST,
  'AWS::ApiGatewayV2::Integration': FREE,
  'AWS::ApiGatewayV2::Route': FREE,
  'AWS::ApiGatewayV2::Stage': FREE,
  'AWS::Budgets::Budget': FREE, // without actions
  'AWS::CDK::Metadata': FREE,
  'AWS::CloudFront::CachePolicy': FREE,
  'AWS::CloudFront::Distribution': BY_REQUEST,
  'AWS::CloudFront::Function': BY_REQUEST,
  'AWS::CloudFront::KeyValueStore': BY_REQUEST,
  'AWS::CloudFront::OriginAccessControl': FREE,
  'AWS::CloudFront::OriginRequestPolicy': FREE,
  'AWS::CloudFront::ResponseHeadersPolicy': FREE,
  'AWS::CloudWatch::Alarm': ({ Metrics }) => ({
    alarmMonth: z
      .array(z.object({ MetricStat: z.unknown().optional() }))
      .default([{ MetricStat: {} }])
      .parse(Metrics)
      .filter(({ MetricStat }) => MetricStat !== undefined).length,
  }),
  // Its metrics are written while something happens, but for one of mend's.
  'AWS::CloudWatch::Dashboard': () => ({ dashboardMonth: 1, metricMonth: 1 }),
  'AWS::EC2::InternetGateway': FREE,
  'AWS::EC2::LaunchTemplate': FREE,
  'AWS::EC2::Route': FREE,
  'AWS::EC2::RouteTable': FREE,
  'AWS::EC2::SecurityGroup': FREE,
  'AWS::EC2::Subnet': FREE,
  'AWS::EC2::SubnetRouteTableAssociation': FREE,
  'AWS::EC2::VPC': FREE,
  'AWS::EC2::VPCEndpoint': ({ VpcEndpointType }) => {
    if (VpcEndpointType !== 'Gateway') throw new Error('Only gateway endpoints cost nothing');
    return {};
  },
  'AWS::EC2::VPCGatewayAttachment': FREE,
  'AWS::Events::Rule': scheduled,
  'AWS::IAM::InstanceProfile': FREE,
  'AWS::IAM::Policy': FREE,
  'AWS::IAM::Role': FREE,
  'AWS::ImageBuilder::Component': FREE,
  'AWS::ImageBuilder::Image': () => ({ snapshotMonth: IMAGE_GIGABYTES }),
  'AWS::ImageBuilder::ImageRecipe': FREE,
  'AWS::ImageBuilder::InfrastructureConfiguration': FREE,
  'AWS::IoT::Authorizer': BY_REQUEST,
  'AWS::Lambda::EventInvokeConfig': FREE,
  'AWS::Lambda::EventSourceMapping': () => ({ sqsRequest: POLLS_A_MINUTE * MONTH_MINUTES }),
  'AWS::Lambda::Function': BY_REQUEST,
  'AWS::Lambda::LayerVersion': FREE,
  'AWS::Lambda::Permission': FREE,
  'AWS::Logs::LogGroup': FREE, // what is written bills with the call that writes it; to keep it for a month costs a tenth
  'AWS::S3::Bucket': STORAGE,
  'AWS::S3::BucketPolicy': FREE,
  'AWS::SNS::Subscription': BY_REQUEST,
  'AWS::SNS::Topic': BY_REQUEST,
  'AWS::SNS::TopicPolicy': FREE,
  'AWS::SQS::Queue': BY_REQUEST,
  'AWS::SQS::QueuePolicy': FREE,
  'AWS::WAFv2::WebACL': ({ Rules }) => ({
    webAclMonth: 1,
    webAclRuleMonth: z.array(z.unknown()).parse(Rules).length,
  }),
  'Custom::AWS': FREE, // a call while it is deployed
  'Custom::CDKBucketDeployment': FREE,
  'Custom::S3AutoDeleteObjects': FREE,
};

/** What AWS gives every account each month, for good: https://aws.amazon.com/free (from memory). */
const GIVEN: Use = {
  lambdaCall: 1e6,
  lambdaSecond: 400_000,
  sqsRequest: 1e6,
  alarmMonth: 10,
  dashboardMonth: 3,
  metricMonth: 10,
  logGigabyte: 5,
};

const resourcesOf = (stacks: readonly DeployedStack[]) =>
  stacks.flatMap(({ Resources }) => Object.values(Resources));
const resources = resourcesOf(deployment());
/** With what bills because its owner asked for it. */
const withWebAcl = resourcesOf(deployment({ webAcl: '{}' }, 'eu-central-1'));
/** In a VPC that is the owner's to pay for. */
const inOwnersVpc = resourcesOf(
  deployment({ vpc: { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'] } }),
);
const withImages = resourcesOf(deployment({ prebakedImage: true }));
const all = [...resources, ...withWebAcl, ...inOwnersVpc, ...withImages];

/** Everything that is used a month, by what it is billed for. */
function usedBy(resources: readonly (typeof withWebAcl)[number][]): Map<PriceName, number> {
  const sums = new Map<PriceName, number>();
  for (const { Type, Properties } of resources)
    for (const [name, count] of Object.entries(IDLE[Type]?.(Properties) ?? {}))
      sums.set(name as PriceName, (sums.get(name as PriceName) ?? 0) + count); // keys of `Use`
  return sums;
}

test('every type of resource is on the list', () => {
  const types = new Set(all.map(({ Type }) => Type));
  expect([...types].filter((type) => !Object.hasOwn(IDLE, type)).sort()).toEqual([]);
});

test('idle costs less than a dollar a month after what AWS gives every account, and docs/cost.md tells both sums', () => {
  const sums = [...usedBy(resources)];
  const before = sums.reduce((sum, [name, count]) => sum + count * LIST_PRICES[name], 0);
  const after = sums.reduce(
    (sum, [name, count]) => sum + Math.max(0, count - (GIVEN[name] ?? 0)) * LIST_PRICES[name],
    0,
  );
  expect(after).toBeLessThan(1);
  const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
  expect(page).toContain(`$${after.toFixed(2)} a month`);
  expect(page).toContain(`$${before.toFixed(2)}`);
});

test('functions that are called while nothing happens write to their logs, and docs/cost.md tells how much', () => {
  const bytes = (usedBy(resources).get('logGigabyte') ?? 0) * 1e9;
  const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
  expect(page).toContain(`${Math.round(bytes / 1e6)} MB of log lines a month`);
});

test('machines that are not the platform’s bill by their events, and docs/cost.md tells how much', async () => {
  const detail = { 'instance-id': 'i-of-others', state: 'terminated' };
  const events = MACHINE_EVENTS.map(({ detailType }) => ({
    ...SCHEDULED,
    source: 'aws.ec2',
    'detail-type': detailType,
    detail,
  }));
  const usd: number[] = [];
  for (const event of events) {
    const use = Object.entries(await askedBy(() => sweep(event, lambdaContext())));
    usd.push(use.reduce((sum, [name, count]) => sum + count * LIST_PRICES[name as PriceName], 0)); // keys of `Use`
  }
  const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
  expect(page).toContain(`$${(Math.max(...usd) * 1e6).toFixed(2)} for a million events`);
});

test('a web ACL bills while idle, only where its owner asked for it, and docs/cost.md tells its sum', () => {
  const more = [...usedBy(withWebAcl)].filter(([name]) => !usedBy(resources).has(name));
  expect(more.map(([name]) => name)).toEqual(['webAclMonth', 'webAclRuleMonth']);
  const sum = more.reduce((usd, [name, count]) => usd + count * LIST_PRICES[name], 0);
  const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
  expect(page).toContain(`$${sum.toFixed(2)} a month for a web ACL`);
  expect(page).toContain(`$${(LIST_PRICES.webAclRequest * 1e6).toFixed(2)} for a million requests`);
});

test('in a VPC of the owner’s, the platform costs what it costs in its own', () => {
  expect(usedBy(inOwnersVpc)).toEqual(usedBy(resources));
});

test('images that are baked before cost what their snapshots hold, and docs/cost.md tells how much', () => {
  const images = withImages.filter(({ Type }) => Type === 'AWS::ImageBuilder::Image');
  expect(images).toHaveLength(2);
  const usd = images.length * IMAGE_GIGABYTES * LIST_PRICES.snapshotMonth;
  const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
  expect(page).toContain(`$${usd.toFixed(2)} a month for the two images`);
});

test('what bills by the hour whatever happens is in no template', () => {
  const hourly =
    /NatGateway|::EIP$|LoadBalancer|RDS|ElastiCache|OpenSearch|KMS::Key|SecretsManager|EC2::(Instance|Volume)$/;
  expect(all.map(({ Type }) => Type).filter((type) => hourly.test(type))).toEqual([]);
});

test('all of ours that costs anything has the tag by which the bill is taken apart, in every stack', () => {
  const tags = z.array(z.object({ Key: z.string() })).default([]);
  const ofPlatform = ({ Properties }: (typeof resources)[number]) =>
    tags.parse(Properties['Tags']).some(({ Key }) => Key === 'spotreel:platform');
  // What CDK calls while it deploys is not of the platform.
  const isOfCdk = ({ Type, Properties }: (typeof resources)[number]) =>
    Type === 'AWS::Lambda::Function' && !String(Properties['Description']).startsWith('Spotreel');
  for (const type of ['S3::Bucket', 'SQS::Queue', 'Lambda::Function', 'CloudFront::Distribution']) {
    const found = resources.filter((resource) => resource.Type === `AWS::${type}` && !isOfCdk(resource));
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((resource) => !ofPlatform(resource))).toEqual([]);
  }
});

test('a budget watches the bill of this deployment, and tells the topic of the alarms', () => {
  const [budget] = resources.filter(({ Type }) => Type === 'AWS::Budgets::Budget');
  const { Budget, NotificationsWithSubscribers } = z
    .object({
      Budget: z.object({
        BudgetLimit: z.object({ Amount: z.number() }),
        CostFilters: z.object({ TagKeyValue: z.array(z.string()) }),
      }),
      NotificationsWithSubscribers: z.array(
        z.object({ Subscribers: z.array(z.object({ Address: z.object({ Ref: z.string() }) })) }),
      ),
    })
    .parse(budget?.Properties);
  expect(Budget.BudgetLimit.Amount).toBe(100);
  expect(Budget.CostFilters.TagKeyValue).toEqual([expect.stringMatching(/^user:spotreel:platform\$\w/)]);
  expect(NotificationsWithSubscribers).toHaveLength(3);
  for (const { Subscribers } of NotificationsWithSubscribers)
    expect(Subscribers.map(({ Address }) => Address.Ref)).toEqual([expect.stringMatching(/AlarmsTopic/)]);
});
