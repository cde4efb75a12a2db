/** The laptop's IAM: what a policy allows, and that every service asks it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateFleetCommand, EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { PutTraceSegmentsCommand, XRayClient } from '@aws-sdk/client-xray';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { QUEUES } from '../../jobs/platform.ts';
import { startEc2 } from '../../local/ec2/ec2.ts';
import { startEventBus } from '../../local/event-bus.ts';
import { type Authorize, GRANTS } from '../../local/iam/iam.ts';
import { allows, type Call, grantsOf, policySchema } from '../../local/iam/policy.ts';
import { startIot } from '../../local/iot/iot.ts';
import { startS3 } from '../../local/s3/server.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import { startSsm } from '../../local/ssm/ssm.ts';
import { startXray } from '../../local/xray/xray.ts';

describe('a policy', () => {
  const policy = policySchema.parse({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: [
          'arn:aws:s3:::videos/v/*',
          'arn:aws:s3:::videos/jobs/*/events/*',
          'arn:aws:s3:::videos/one',
        ],
      },
      {
        Effect: 'Allow',
        Action: 's3:ListBucket',
        Resource: 'arn:aws:s3:::videos',
        Condition: { StringLike: { 's3:prefix': ['v/*', 'jobs/*'] } },
      },
      {
        Effect: 'Allow',
        Action: 'ec2:CreateTags',
        Resource: '*',
        Condition: { StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'], tag: 'ours' } },
      },
    ],
  });
  const grants = grantsOf(policy);
  const object = (action: string, key: string): Call => ({ action, resource: `arn:aws:s3:::videos/${key}` });
  const list = (prefix: string): Call => ({
    action: 's3:ListBucket',
    resource: 'arn:aws:s3:::videos',
    context: { 's3:prefix': prefix },
  });
  const tag = (context: Record<string, string>): Call => ({
    action: 'ec2:CreateTags',
    resource: 'i-1',
    context,
  });

  const CASES: ReadonlyArray<readonly [what: string, call: Call, isAllowed: boolean]> = [
    ['each of its actions', object('s3:PutObject', 'v/a'), true],
    ['no other action', object('s3:DeleteObject', 'v/a'), false],
    ['what a star stands for, slashes too', object('s3:GetObject', 'v/a/b/c.mp4'), true],
    ['nothing beside a prefix', object('s3:GetObject', 'video/a'), false],
    ['a star in the middle', object('s3:GetObject', 'jobs/a/b/events/c'), true],
    ['not less than is around a star', object('s3:GetObject', 'jobs/events/c'), false],
    ['an exact name', object('s3:GetObject', 'one'), true],
    ['nothing longer than an exact name', object('s3:GetObject', 'one/two'), false],
    ['any value of a condition', list('jobs/7/'), true],
    ['no other value', list('uploads/'), false],
    ['nothing where a condition’s key is missing', { ...list(''), context: {} }, false],
    ['what fulfils all conditions', tag({ 'ec2:CreateAction': 'RunInstances', tag: 'ours' }), true],
    ['nothing that fulfils one of them', tag({ 'ec2:CreateAction': 'RunInstances', tag: 'theirs' }), false],
  ];
  test.each(CASES)('allows %s', (_, call, isAllowed) => {
    expect(grants.some((grant) => allows(grant, call))).toBe(isAllowed);
  });

  test('is as many grants as it has actions on resources under values of conditions', () => {
    expect(grants).toHaveLength(2 * 3 + 2 + 2);
  });

  test.each([
    ['a denial', { Effect: 'Deny', Action: 's3:GetObject', Resource: '*' }],
    ['an exception', { Effect: 'Allow', NotAction: 's3:GetObject', Resource: '*' }],
    [
      'an operator not built here',
      { Effect: 'Allow', Action: 'a:B', Resource: '*', Condition: { Bool: { a: 'true' } } },
    ],
  ])('is refused where it has %s', (_, statement) => {
    expect(policySchema.safeParse({ Version: '2012-10-17', Statement: [statement] }).success).toBe(false);
  });
});

describe.each(['dispatch', 'sweep'] as const)('%s launches', (role) => {
  const ARN = 'arn:aws:ec2:us-east-1:000000000000:';
  const tag = { 'aws:RequestTag/spotreel:platform': 'local' };
  const template = { 'ec2:LaunchTemplate': `${ARN}launch-template/lt-00000000000000000` };
  const isAllowed = (action: string, resource: string, context: Record<string, string>) =>
    GRANTS[role].some((grant) => allows(grant, { action, resource: `${ARN}${resource}`, context }));

  test.each([
    ['machines of our template with our tag', { ...tag, ...template }, true],
    ['none without a template', tag, false],
    ['none of another template', { ...tag, 'ec2:LaunchTemplate': `${ARN}launch-template/lt-1` }, false],
    ['none without our tag', template, false],
  ])('%s', (_, context, expected) => {
    expect(isAllowed('ec2:RunInstances', 'instance/new', context)).toBe(expected);
  });

  test('for a fleet, of which IAM knows no template, but from our template alone', () => {
    expect(isAllowed('ec2:CreateFleet', 'instance/new', tag)).toBe(true);
    expect(isAllowed('ec2:CreateFleet', 'launch-template/lt-1', {})).toBe(false);
  });
});

describe('every service asks who signed, and refuses as AWS does', () => {
  const aws = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'somebody', secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  const asked: string[] = [];
  const contexts = new Map<string, Call['context']>();
  let denied: (call: Call) => boolean = () => true;
  const authorize: Authorize = (accessKeyId, call) => {
    asked.push(`${accessKeyId} ${call.action} ${call.resource}`);
    contexts.set(`${call.action} ${call.resource}`, call.context);
    return !denied(call);
  };
  const closers: (() => Promise<void>)[] = [];
  let services: Awaited<ReturnType<typeof start>>;

  async function start() {
    const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-iam-'));
    closers.push(() => rm(dataDir, { recursive: true }));
    const options = { port: 0, region: aws.region, authorize };
    const s3 = await startS3({
      ...options,
      dataDir: join(dataDir, 's3'),
      credentials: () => aws.credentials,
      buckets: [{ name: 'videos', cors: [], notifications: [] }],
      notify: async () => {},
      incompleteUploadDays: 1,
    });
    const sqs = await startSqs({
      ...options,
      dataDir: join(dataDir, 'sqs'),
      queues: [{ name: 'tasks', settings: QUEUES.tasks }],
    });
    const ec2 = await startEc2({
      ...options,
      maxInstances: 0,
      vcpusPerInstance: 1,
      credentials: { ...aws.credentials, sessionToken: '' },
      worker: { command: 'true', args: [], env: {}, logDir: dataDir },
    });
    const ssm = await startSsm({ ...options, dataDir: join(dataDir, 'ssm') });
    const bus = await startEventBus({ ...options, send: async () => {} });
    const xray = await startXray({ ...options, dataDir: join(dataDir, 'xray') });
    const iot = await startIot({
      ...options,
      authorizer: { entry: 'none', env: {}, timeoutSeconds: 1, logFile: join(dataDir, 'log') },
    });
    for (const service of [s3, sqs, ec2, ssm, bus, xray, iot]) closers.push(() => service.close());
    return {
      s3: new S3Client({ ...aws, endpoint: s3.url, forcePathStyle: true }),
      sqs: new SQSClient({ ...aws, endpoint: sqs.url }),
      queue: sqs.queueUrl('tasks'),
      ec2: new EC2Client({ ...aws, endpoint: ec2.url }),
      ssm: new SSMClient({ ...aws, endpoint: ssm.url }),
      bus: new EventBridgeClient({ ...aws, endpoint: bus.url }),
      xray: new XRayClient({ ...aws, endpoint: xray.url }),
      iot: new IoTDataPlaneClient({ ...aws, endpoint: iot.url }),
    };
  }
  beforeAll(async () => {
    services = await start();
  });
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });
  beforeEach(() => {
    asked.length = 0;
    denied = () => true;
  });

  const object = { Bucket: 'videos', Key: 'v/a' };
  const CASES: ReadonlyArray<
    readonly [what: string, call: () => Promise<unknown>, error: string, asked: string]
  > = [
    [
      'S3',
      () => services.s3.send(new PutObjectCommand({ ...object, Body: 'a' })),
      'AccessDenied',
      's3:PutObject arn:aws:s3:::videos/v/a',
    ],
    [
      'SQS, of a batch as of one',
      () => services.sqs.send(new SendMessageBatchCommand({ QueueUrl: services.queue, Entries: [] })),
      'AccessDenied',
      'sqs:SendMessage arn:aws:sqs:us-east-1:000000000000:tasks',
    ],
    [
      'SQS',
      () => services.sqs.send(new ReceiveMessageCommand({ QueueUrl: services.queue })),
      'AccessDenied',
      'sqs:ReceiveMessage arn:aws:sqs:us-east-1:000000000000:tasks',
    ],
    [
      'SSM',
      () => services.ssm.send(new GetParameterCommand({ Name: '/spotreel/local/secret' })),
      'AccessDeniedException',
      'ssm:GetParameter arn:aws:ssm:us-east-1:000000000000:parameter/spotreel/local/secret',
    ],
    [
      'EventBridge',
      () => services.bus.send(new PutEventsCommand({ Entries: [] })),
      'AccessDeniedException',
      'events:PutEvents arn:aws:events:us-east-1:000000000000:event-bus/default',
    ],
    [
      'X-Ray',
      () => services.xray.send(new PutTraceSegmentsCommand({ TraceSegmentDocuments: [] })),
      'AccessDeniedException',
      'xray:PutTraceSegments *',
    ],
    [
      'IoT',
      () => services.iot.send(new PublishCommand({ topic: 'a/b', payload: '' })),
      'ForbiddenException',
      'iot:Publish arn:aws:iot:us-east-1:000000000000:topic/a/b',
    ],
  ];
  test.each(CASES)('%s', async (_, call, name, question) => {
    await expect(call()).rejects.toMatchObject({ name });
    expect(asked).toEqual([`somebody ${question}`]);
  });

  test('EC2, which makes a fleet only where all is allowed that the fleet needs', async () => {
    denied = ({ action }) => action === 'iam:PassRole';
    const fleet = new CreateFleetCommand({
      Type: 'instant',
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '1' },
          Overrides: [{ InstanceType: 'c7g.large', SubnetId: 'subnet-1' }],
        },
      ],
      TargetCapacitySpecification: { TotalTargetCapacity: 1 },
    });
    await expect(services.ec2.send(fleet)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    expect(asked).toEqual(
      expect.arrayContaining(
        ['launch-template/lt-1', 'subnet/subnet-1', 'instance/new'].flatMap((resource) =>
          ['CreateFleet', 'RunInstances'].map(
            (action) => `somebody ec2:${action} arn:aws:ec2:us-east-1:000000000000:${resource}`,
          ),
        ),
      ),
    );
    const machine = 'arn:aws:ec2:us-east-1:000000000000:instance/new';
    expect(contexts.get(`ec2:RunInstances ${machine}`)).toMatchObject({
      'ec2:LaunchTemplate': 'arn:aws:ec2:us-east-1:000000000000:launch-template/lt-1',
    });
    expect(contexts.get(`ec2:CreateFleet ${machine}`)).not.toHaveProperty(['ec2:LaunchTemplate']);
  });

  test('S3 tells only who may list that an object is not there', async () => {
    denied = ({ action }) => action === 's3:ListBucket';
    await expect(services.s3.send(new GetObjectCommand(object))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await expect(services.s3.send(new HeadObjectCommand(object))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    denied = ({ action, context }) => action === 's3:ListBucket' && context?.['s3:prefix'] !== 'v/a';
    await expect(services.s3.send(new GetObjectCommand(object))).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('S3 asks whoever changes only what is unchanged whether they may read it', async () => {
    denied = ({ action }) => action === 's3:GetObject';
    // The commands differ in their types alone.
    for (const command of [
      new PutObjectCommand({ ...object, Body: 'a', IfMatch: '"a"' }),
      new DeleteObjectCommand({ ...object, IfMatch: '"a"' }),
    ])
      await expect(services.s3.send(command as PutObjectCommand)).rejects.toMatchObject({
        name: 'AccessDenied',
      });
  });

  test('S3 deletes of many objects those that may be deleted', async () => {
    denied = ({ resource }) => resource.endsWith('/b');
    const Objects = ['v/a', 'v/b'].map((Key) => ({ Key }));
    const answer = await services.s3.send(
      new DeleteObjectsCommand({ Bucket: 'videos', Delete: { Objects } }),
    );
    expect(answer.Deleted).toEqual([{ Key: 'v/a' }]);
    expect(answer.Errors).toMatchObject([{ Key: 'v/b', Code: 'AccessDenied' }]);
  });
});
