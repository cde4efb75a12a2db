/** What must hold of the stack whatever it is made of: the invariants of DESIGN and issue 2. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  apiEnvironmentSchema,
  buryEnvironmentSchema,
  dispatchEnvironmentSchema,
  notifyEnvironmentSchema,
  PLATFORM_TAG,
  parseEnvironment,
} from '../../jobs/environment.ts';
import {
  API_THROTTLE,
  BURY_BATCH,
  CACHE_CONTROL,
  DISPATCH_BATCH,
  EMBED_PATH,
  embedHeaders,
  INCOMPLETE_UPLOAD_DAYS,
  MEND_MINUTES,
  NOTIFY_BATCH,
  ORIGIN_HEADER,
  PLAYBACK_CORS,
  PRODUCTION_NOTIFICATIONS,
  SWEEP_MINUTES,
  securityHeaders,
  UPLOAD_CORS,
  UPLOAD_NOTIFICATIONS,
  uploadExpiries,
  WEBHOOK_RETRY_SECONDS,
} from '../../jobs/platform.ts';
import { guardSource, NAMED_BY_CONTENT, rewriteSource } from '../../web/files.ts';
import { spell, synthesize } from './support/template.ts';

const resources = synthesize();
const ofType = (type: string) => resources.filter((resource) => resource.Type === type);
const only = (type: string, part = '') => {
  const found = ofType(type).filter(({ id }) => id.includes(part));
  expect(found.map(({ id }) => id)).toHaveLength(1);
  return found[0]?.Properties ?? {};
};

const statementSchema = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.union([z.string(), z.array(z.string())]).transform((action) => [action].flat()),
  Resource: z.union([z.string(), z.array(z.string())]).transform((resource) => [resource].flat()),
  Principal: z.unknown().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
const documentSchema = z.object({ Statement: z.array(statementSchema) });
const statementsOf = (properties: Record<string, unknown>) =>
  documentSchema.parse(spell(properties['PolicyDocument'])).Statement;
const allowedTo = (part: string) =>
  ofType('AWS::IAM::Policy')
    .filter(({ id }) => id.includes(part))
    .flatMap(({ Properties }) => statementsOf(Properties));

describe('while idle', () => {
  // What each type of resource costs then: idle-cost.test.ts.
  test('the only VPC endpoint is S3’s gateway, which is free; interface endpoints are not', () => {
    expect(spell(only('AWS::EC2::VPCEndpoint'))).toMatchObject({
      VpcEndpointType: 'Gateway',
      ServiceName: 'com.amazonaws.<AWS::Region>.s3',
    });
  });

  test('no Lambda keeps provisioned concurrency', () => {
    expect(JSON.stringify(resources)).not.toContain('ProvisionedConcurrency');
  });

  test('logs are not kept for ever', () => {
    for (const { Properties } of ofType('AWS::Logs::LogGroup'))
      expect(Properties['RetentionInDays']).toBeLessThanOrEqual(30);
    // One a function, and one for the workers.
    expect(ofType('AWS::Logs::LogGroup')).toHaveLength(ofType('AWS::Lambda::Function').length + 1);
  });
});

test('pages are sent when what they name is there, which caches keep', () => {
  const [assets, pages] = ofType('Custom::CDKBucketDeployment');
  expect(assets?.Properties).toMatchObject({
    ...{ Exclude: ['*'], Include: [`${NAMED_BY_CONTENT}/*`] },
    SystemMetadata: { 'cache-control': CACHE_CONTROL.immutable },
  });
  expect(pages?.Properties).toMatchObject({
    Exclude: [`${NAMED_BY_CONTENT}/*`],
    SystemMetadata: { 'cache-control': CACHE_CONTROL.replaceable },
  });
  expect(pages?.DependsOn).toContain(assets?.id);
});

describe('every bucket', () => {
  test.each(ofType('AWS::S3::Bucket').map(({ id, Properties }) => [id, Properties]))(
    '%s is private, encrypted and drops unfinished uploads',
    (_, properties) => {
      expect(properties).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        LifecycleConfiguration: {
          Rules: expect.arrayContaining([
            {
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: INCOMPLETE_UPLOAD_DAYS },
              Status: 'Enabled',
            },
          ]),
        },
      });
    },
  );

  test.each(ofType('AWS::S3::Bucket').map(({ id }) => [id]))('%s refuses plain HTTP and old TLS', (id) => {
    const policies = ofType('AWS::S3::BucketPolicy').filter(
      ({ Properties }) => spell(Properties['Bucket']) === `<${id}>`,
    );
    const denials = policies.flatMap(({ Properties }) => statementsOf(Properties)).filter(isDenial);
    expect(denials.map(({ Condition }) => Condition)).toEqual([
      { Bool: { 'aws:SecureTransport': 'false' } },
      { NumericLessThan: { 's3:TlsVersion': 1.2 } },
    ]);
  });

  test('is open to no one but CloudFront, and to that for reading', () => {
    const statements = ofType('AWS::S3::BucketPolicy').flatMap(({ Properties }) => statementsOf(Properties));
    const allowed = statements.filter((statement) => !isDenial(statement));
    const [distribution] = ofType('AWS::CloudFront::Distribution');
    const distributions = 'arn:<AWS::Partition>:cloudfront::<AWS::AccountId>:distribution/';
    expect(allowed).toHaveLength(2);
    for (const { Action, Principal, Condition } of allowed) {
      // Listing is what makes S3 say 404 for a video that is not there.
      expect(['s3:GetObject', 's3:GetObject s3:ListBucket']).toContain(Action.join(' '));
      const which = Action.includes('s3:ListBucket')
        ? { ArnLike: { 'aws:SourceArn': `${distributions}*` } }
        : { StringEquals: { 'AWS:SourceArn': `${distributions}<${distribution?.id}>` } };
      expect(Principal).toEqual({ Service: 'cloudfront.amazonaws.com' });
      expect(Condition).toEqual(which);
    }
  });

  test.each(['Uploads', 'Production'])('with videos in it (%s) outlives the stack', (name) => {
    const [bucket] = ofType('AWS::S3::Bucket').filter(({ id }) => id.includes(`Storage${name}`));
    expect(bucket?.DeletionPolicy).toBe('Retain');
  });

  test('of the pages is emptied with the stack, and by nothing before', () => {
    const emptying = ofType('Custom::CDKBucketDeployment').filter(
      ({ Properties }) => Properties['RetainOnDelete'] === false,
    );
    // The id is that of every release: one that took its place would be emptied by the end of this one.
    expect(emptying.map(({ id }) => id)).toEqual(['PlatformPagesDeploymentCustomResource640MiB4A33D42C']);
    // What is tagged as a deployment's own is not emptied, and CloudFormation deletes no bucket that holds anything.
    for (const { Properties } of ofType('AWS::S3::Bucket'))
      expect(JSON.stringify(Properties['Tags'])).not.toContain('cr-owned');
  });

  test('deletes by itself what the API keeps for a while, and nothing else', () => {
    const rules = ofType('AWS::S3::Bucket').flatMap(({ Properties }) =>
      z
        .object({ LifecycleConfiguration: z.object({ Rules: z.array(z.record(z.string(), z.unknown())) }) })
        .parse(Properties)
        .LifecycleConfiguration.Rules.filter((rule) => 'ExpirationInDays' in rule),
    );
    expect(rules).toEqual(
      uploadExpiries(INCOMPLETE_UPLOAD_DAYS).map(({ prefix, days }) => ({
        ExpirationInDays: days,
        Prefix: prefix,
        Status: 'Enabled',
      })),
    );
    expect(rules.map(({ Prefix }) => Prefix)).toEqual([
      'pending/',
      'idempotency/',
      'usage/',
      'webhooks/undelivered/',
      'webhooks/told/',
    ]);
  });

  test.each([
    ['Uploads', ['Uploads', 'Events'], UPLOAD_NOTIFICATIONS],
    ['Production', ['Events'], PRODUCTION_NOTIFICATIONS],
  ])('with videos in it (%s) announces objects to queues that are there first', (name, first, rules) => {
    const [bucket] = ofType('AWS::S3::Bucket').filter(({ id }) => id.includes(`Storage${name}`));
    for (const queue of first)
      expect(bucket?.DependsOn).toContainEqual(expect.stringMatching(`Queues${queue}Policy`));
    expect(spell(bucket?.Properties['NotificationConfiguration'])).toEqual({
      QueueConfigurations: rules.map(({ queue, prefix, suffix }) => ({
        Event: 's3:ObjectCreated:*',
        Queue: expect.stringMatching(new RegExp(`^<PlatformQueues${queue}[0-9A-F]{8}\\.Arn>$`, 'i')),
        Filter: {
          S3Key: {
            Rules: [
              { Name: 'prefix', Value: prefix },
              ...(suffix === undefined ? [] : [{ Name: 'suffix', Value: suffix }]),
            ],
          },
        },
      })),
    });
  });

  test('of uploads lets browsers put', () => {
    const [bucket] = ofType('AWS::S3::Bucket').filter(({ id }) => id.includes('StorageUploads'));
    expect(bucket?.Properties['CorsConfiguration']).toEqual({
      CorsRules: UPLOAD_CORS.map((rule) => ({
        AllowedHeaders: rule.allowedHeaders,
        AllowedMethods: rule.allowedMethods,
        AllowedOrigins: rule.allowedOrigins,
        ExposedHeaders: rule.exposedHeaders,
        MaxAge: rule.maxAgeSeconds,
      })),
    });
  });
});

describe('every queue', () => {
  const queues = ofType('AWS::SQS::Queue');
  const redriveSchema = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number().positive() });
  const deadLetters = new Set(
    queues.flatMap(({ Properties }) => {
      const redrive = redriveSchema.safeParse(spell(Properties['RedrivePolicy']));
      return redrive.success ? [redrive.data.deadLetterTargetArn] : [];
    }),
  );

  test('is encrypted, and has dead letters unless it holds them itself', () => {
    expect(queues).toHaveLength(6);
    for (const { id, Properties } of queues) {
      expect(Properties['SqsManagedSseEnabled']).toBe(true);
      expect([id, 'RedrivePolicy' in Properties]).toEqual([id, !deadLetters.has(`<${id}.Arn>`)]);
    }
    expect(deadLetters.size).toBe(3);
  });

  test.each(queues.map(({ id }) => [id]))('%s refuses plain HTTP', (id) => {
    const policies = ofType('AWS::SQS::QueuePolicy').filter(({ Properties }) =>
      z.array(z.string()).parse(spell(Properties['Queues'])).includes(`<${id}>`),
    );
    const denials = policies.flatMap(({ Properties }) => statementsOf(Properties)).filter(isDenial);
    expect(denials).toMatchObject([{ Condition: { Bool: { 'aws:SecureTransport': 'false' } } }]);
  });

  test('takes messages from outside the account from nobody, and from S3 for this account’s buckets only', () => {
    const statements = ofType('AWS::SQS::QueuePolicy').flatMap(({ Properties }) => statementsOf(Properties));
    const allowed = statements.filter((statement) => !isDenial(statement));
    const fromS3 = {
      Action: ['sqs:SendMessage'],
      Principal: { Service: 's3.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' } },
    };
    expect(allowed).toMatchObject([fromS3, fromS3]);
  });

  test('that a Lambda reads hides messages for at least six times the Lambda’s timeout', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(4);
    for (const { Properties } of mappings) {
      const source = queues.find(({ id }) => `<${id}.Arn>` === spell(Properties['EventSourceArn']));
      const reader = ofType('AWS::Lambda::Function').find(
        ({ id }) => `<${id}>` === spell(Properties['FunctionName']),
      );
      expect(source?.Properties['VisibilityTimeout']).toBeGreaterThanOrEqual(
        6 * z.number().parse(reader?.Properties['Timeout']),
      );
    }
  });
});

describe('a worker’s machine', () => {
  const templates = ofType('AWS::EC2::LaunchTemplate').map(({ Properties }) => spell(Properties));
  const dataSchema = z.object({
    LaunchTemplateData: z.looseObject({ SecurityGroupIds: z.array(z.string()) }),
  });
  const data = templates.map((template) => dataSchema.parse(template).LaunchTemplateData);

  test('is launched from one template an architecture, of the image that its distribution calls current', () => {
    expect(data.map(({ ImageId }) => ImageId).sort()).toEqual([
      'resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id',
      'resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id',
    ]);
  });

  test('gives its credentials to no container or proxied request: IMDSv2, one hop', () => {
    for (const { MetadataOptions } of data)
      expect(MetadataOptions).toEqual({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  });

  test('has an encrypted disk that goes with it, and ends for good when it shuts down', () => {
    for (const { BlockDeviceMappings, InstanceInitiatedShutdownBehavior } of data) {
      expect(InstanceInitiatedShutdownBehavior).toBe('terminate');
      expect(BlockDeviceMappings).toMatchObject([
        { Ebs: { Encrypted: true, DeleteOnTermination: true, VolumeType: 'gp3' } },
      ]);
    }
  });

  test('has no key pair and no way in', () => {
    for (const { KeyName, SecurityGroupIds } of data) {
      expect(KeyName).toBeUndefined();
      expect(SecurityGroupIds).toEqual([expect.stringMatching(/^<PlatformNetworkWorkerSecurityGroup/)]);
    }
    expect(only('AWS::EC2::SecurityGroup')).not.toHaveProperty('SecurityGroupIngress');
    expect(ofType('AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });

  test('carries the platform’s tag, with its disk', () => {
    const { PLATFORM } = dispatchVariables();
    for (const { TagSpecifications } of data)
      expect(TagSpecifications).toEqual(
        ['instance', 'volume'].map((ResourceType) => ({
          ResourceType,
          Tags: expect.arrayContaining([{ Key: PLATFORM_TAG, Value: PLATFORM }]),
        })),
      );
  });
});

const dispatchVariables = () =>
  z
    .object({ Variables: z.record(z.string(), z.string()) })
    .parse(spell(only('AWS::Lambda::Function', 'Dispatch')['Environment'])).Variables;

describe('dispatch', () => {
  test('reads the uploads queue in batches, each message answered for itself', () => {
    expect(only('AWS::Lambda::EventSourceMapping', 'Dispatch')).toMatchObject({
      BatchSize: DISPATCH_BATCH.size,
      MaximumBatchingWindowInSeconds: DISPATCH_BATCH.windowSeconds,
      ScalingConfig: { MaximumConcurrency: DISPATCH_BATCH.maximumConcurrency },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  test.each(['Dispatch', 'Sweep'])('%s is told exactly what it reads', (name) => {
    const { Environment } = only('AWS::Lambda::Function', name);
    const { Variables } = z.object({ Variables: z.record(z.string(), z.string()) }).parse(spell(Environment));
    expect(Object.keys(Variables).sort()).toEqual(Object.keys(dispatchEnvironmentSchema.shape).sort());
    const parsed = parseEnvironment(dispatchEnvironmentSchema, {
      ...Variables,
      TASKS_QUEUE_URL: 'https://sqs.example/tasks',
    });
    expect(parsed).toMatchObject({ MAX_VCPUS: 4, MAX_ON_DEMAND_VCPUS: 0, TARGET_SECONDS: 300 });
    expect(parsed.SUBNET_IDS).toHaveLength(3);
    expect(parsed.LAUNCH_TEMPLATES.map(({ architecture }) => architecture)).toEqual(['arm64', 'x86_64']);
    for (const { version } of parsed.LAUNCH_TEMPLATES) expect(version).toMatch(/LatestVersionNumber/);
  });

  test.each(['Dispatch', 'Sweep'])('%s: its environment fits into the 4 KB that Lambda has', (name) => {
    const text = JSON.stringify(spell(only('AWS::Lambda::Function', name)['Environment']));
    expect(Buffer.byteLength(text)).toBeLessThan(4096);
  });

  test('sweep and mend run on their schedules, and a failed run is not repeated before the next', () => {
    const rule = only('AWS::Events::Rule', 'SweepSchedule');
    expect(rule['ScheduleExpression']).toBe(`rate(${SWEEP_MINUTES} minute${SWEEP_MINUTES === 1 ? '' : 's'})`);
    for (const { Properties } of ofType('AWS::Events::Rule'))
      expect(Properties['Targets']).toMatchObject([{ RetryPolicy: { MaximumRetryAttempts: 0 } }]);
    expect(only('AWS::Events::Rule', 'MendSchedule')['ScheduleExpression']).toBe(
      `rate(${MEND_MINUTES} minutes)`,
    );
    for (const name of ['Sweep', 'Mend'])
      expect(only('AWS::Lambda::EventInvokeConfig', name)).toMatchObject({ MaximumRetryAttempts: 0 });
  });

  test.each([
    ['a spot machine is interrupted', { 'detail-type': ['EC2 Spot Instance Interruption Warning'] }],
    ['a spot machine had better be replaced', { 'detail-type': ['EC2 Instance Rebalance Recommendation'] }],
    [
      'a machine ends',
      {
        'detail-type': ['EC2 Instance State-change Notification'],
        detail: { state: ['shutting-down', 'terminated', 'stopped'] },
      },
    ],
  ])('the sweep hears when %s', (_, pattern) => {
    const [sweep] = ofType('AWS::Lambda::Function').filter(({ id }) => id.includes('Sweep'));
    expect(ofType('AWS::Events::Rule').map(({ Properties }) => spell(Properties))).toContainEqual(
      expect.objectContaining({
        EventPattern: { source: ['aws.ec2'], ...pattern },
        Targets: [expect.objectContaining({ Arn: `<${sweep?.id}.Arn>` })],
      }),
    );
  });
});

describe('bury', () => {
  test('reads the dead letters of both queues, each answered for itself', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping').filter(({ id }) => id.includes('Bury'));
    expect(mappings.map(({ Properties }) => spell(Properties['EventSourceArn'])).sort()).toEqual([
      expect.stringMatching(/^<PlatformQueuesTasksDeadLetters\w+\.Arn>$/),
      expect.stringMatching(/^<PlatformQueuesUploadsDeadLetters\w+\.Arn>$/),
    ]);
    for (const { Properties } of mappings)
      expect(Properties).toMatchObject({
        BatchSize: BURY_BATCH.size,
        ScalingConfig: { MaximumConcurrency: BURY_BATCH.maximumConcurrency },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      });
  });

  test('is told exactly what it reads', () => {
    const { Variables } = z
      .object({ Variables: z.record(z.string(), z.string()) })
      .parse(spell(only('AWS::Lambda::Function', 'Bury')['Environment']));
    expect(Object.keys(Variables).sort()).toEqual(Object.keys(buryEnvironmentSchema.shape).sort());
  });
});

describe('notify', () => {
  test('reads the events queue, which hides a delivery for as long as its schedule says', () => {
    const [mapping] = ofType('AWS::Lambda::EventSourceMapping').filter(({ id }) => id.includes('Notify'));
    expect(spell(mapping?.Properties)).toMatchObject({
      EventSourceArn: expect.stringMatching(/^<PlatformQueuesEvents[0-9A-F]{8}\.Arn>$/),
      BatchSize: NOTIFY_BATCH.size,
      ScalingConfig: { MaximumConcurrency: NOTIFY_BATCH.maximumConcurrency },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    const [queue] = ofType('AWS::SQS::Queue').filter(({ id }) => /QueuesEvents[0-9A-F]{8}$/.test(id));
    expect(queue?.Properties['RedrivePolicy']).toMatchObject({
      maxReceiveCount: WEBHOOK_RETRY_SECONDS.length + 1,
    });
  });

  test('is told exactly what it reads, and keeps to the public Internet', () => {
    const { Variables } = z
      .object({ Variables: z.record(z.string(), z.string()) })
      .parse(spell(only('AWS::Lambda::Function', 'Notify')['Environment']));
    expect(Object.keys(Variables).sort()).toEqual(Object.keys(notifyEnvironmentSchema.shape).sort());
    expect(Variables['WEBHOOK_REACH']).toBe('public');
  });
});

describe('least privilege', () => {
  const roles = [
    'Workers',
    'Dispatch',
    'Sweep',
    'Bury',
    'Mend',
    'Notify',
    'LiveAuthorize',
    'LiveEndpoint',
    'Api',
    'Pages',
  ];
  const EC2 = 'arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>';

  test('there are no roles but those looked at here, and none has AWS’s managed policies', () => {
    expect(ofType('AWS::IAM::Role').map(({ id }) => roles.find((name) => id.includes(name)))).toEqual(
      expect.arrayContaining(roles),
    );
    expect(ofType('AWS::IAM::Role')).toHaveLength(roles.length);
    for (const { Properties } of ofType('AWS::IAM::Role')) {
      expect(Properties).not.toHaveProperty('ManagedPolicyArns');
      expect(Properties).not.toHaveProperty('Policies');
    }
  });

  test.each(roles)('%s: no action has a wildcard', (role) => {
    const actions = allowedTo(role).flatMap(({ Action }) => Action);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test.each([
    ['Dispatch', ['ec2:DescribeInstances', 'ec2:DescribeSpotPriceHistory']],
    ['Sweep', ['ec2:DescribeInstances', 'ec2:DescribeSpotPriceHistory']],
    ['Bury', []],
    ['Notify', ['xray:PutTraceSegments']],
    ['Api', []],
    ['Pages', []],
    [
      'Workers',
      [
        'ec2:DescribeSpotPriceHistory',
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ],
    ],
  ])('%s: only actions that know no resources are allowed on all', (role, actions) => {
    const onAll = allowedTo(role).filter(({ Resource }) => Resource.includes('*'));
    expect(onAll.flatMap(({ Action }) => Action).sort()).toEqual(actions);
  });

  const objectsOf = (role: string) =>
    allowedTo(role)
      .filter(({ Action }) => Action.some((action) => /^s3:.*Object$|^s3:Abort/.test(action)))
      .flatMap(({ Action, Resource }) =>
        Resource.map((arn) => [arn.replace(/^<(\D+).*\.Arn>/, '$1'), Action]),
      );

  test('workers read uploads and models, write job state, videos and their heartbeats, and nothing else in the buckets', () => {
    const assets = 'arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/';
    expect(objectsOf('Workers').filter(([arn]) => !String(arn).startsWith(assets))).toEqual(
      [
        ['PlatformStorageUploads/models/*', ['s3:GetObject']],
        ['PlatformStorageUploads/uploads/*', ['s3:GetObject']],
        ['PlatformStorageUploads/capacity/calibration.json', ['s3:GetObject', 's3:PutObject']],
        ['PlatformStorageUploads/capacity/starts.json', ['s3:GetObject', 's3:PutObject']],
        ['PlatformStorageUploads/jobs/*', ['s3:GetObject', 's3:PutObject']],
        ['PlatformStorageUploads/open/*', ['s3:DeleteObject']],
        ['PlatformStorageUploads/jobs/*/source.nut', ['s3:AbortMultipartUpload', 's3:DeleteObject']],
        ['PlatformStorageUploads/workers/*', ['s3:DeleteObject', 's3:PutObject']],
        ['PlatformStorageProduction/v/*', ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject']],
      ].map(([arn, actions]) => [arn, expect.arrayContaining([...(actions ?? [])])]),
    );
  });

  test('workers read their own three assets by name, not the account’s', () => {
    const arns = objectsOf('Workers')
      .map(([arn]) => String(arn))
      .filter((arn) => arn.includes('assets'));
    expect(arns).toHaveLength(3);
    for (const arn of arns) expect(arn).not.toContain('*');
  });

  test.each(['ec2:CreateFleet', 'ec2:RunInstances', 'ec2:CreateTags', 'iam:PassRole'])(
    'nobody but dispatch and sweep may do %s',
    (action) => {
      const may = roles.filter((role) => allowedTo(role).some(({ Action }) => Action.includes(action)));
      expect(may).toEqual(['Dispatch', 'Sweep']);
    },
  );

  test('only mend ends machines, and only those with the tag of this platform', () => {
    for (const role of roles.filter((name) => name !== 'Mend'))
      expect(allowedTo(role).flatMap(({ Action }) => Action)).not.toContain('ec2:TerminateInstances');
    const [statement, ...more] = allowedTo('Mend').filter(({ Action }) =>
      Action.includes('ec2:TerminateInstances'),
    );
    expect(more).toEqual([]);
    expect(Object.keys(statement?.Condition['StringEquals'] ?? {})).toEqual([
      'aws:ResourceTag/spotreel:platform',
    ]);
  });

  test.each(['Dispatch', 'Bury', 'Mend', 'Notify', 'Api', 'Workers'])('%s lists by prefix only', (role) => {
    const lists = allowedTo(role).filter(({ Action }) => Action.includes('s3:ListBucket'));
    expect(lists.length).toBeGreaterThan(0);
    for (const { Condition } of lists) {
      const prefixes = z.object({ 's3:prefix': z.unknown() }).parse(Condition['StringLike'])['s3:prefix'];
      for (const prefix of [prefixes].flat())
        expect(prefix).toMatch(
          /^(uploads|jobs|open|old|ended|untold|unsettled|pending|index|deleted|idempotency|usage|webhooks|workers|models|v|capacity|spending)\/\*$/,
        );
    }
  });

  describe.each(['Dispatch', 'Sweep'])('%s launches', (role) => {
    const launches = allowedTo(role).filter(({ Action }) => Action.includes('ec2:RunInstances'));
    const of = (kind: string) =>
      launches.flatMap((statement) =>
        statement.Resource.filter((arn) => arn.split(':').at(-1)?.startsWith(`${kind}/`)).map((arn) => ({
          arn,
          condition: statement.Condition,
        })),
      );

    test.each(['launch-template', 'subnet', 'security-group'])('only of our own: %s', (kind) => {
      expect(of(kind).length).toBeGreaterThan(0);
      for (const { arn } of of(kind)) expect(arn).toMatch(new RegExp(`^${EC2}:${kind}/<Platform[^*]*>$`));
    });

    const tagged = () => ({
      StringEquals: { [`aws:RequestTag/${PLATFORM_TAG}`]: dispatchVariables()['PLATFORM'] },
    });

    test.each(['volume', 'fleet'])('only with our tag: %s', (kind) => {
      expect(of(kind)).toEqual([{ arn: `${EC2}:${kind}/*`, condition: tagged() }]);
    });

    test('machines only with our tag, and of our templates', () => {
      const templates = of('launch-template').map(({ arn }) => arn);
      expect(of('instance')).toEqual([
        {
          arn: `${EC2}:instance/*`,
          condition: { ...tagged(), ArnLike: { 'ec2:LaunchTemplate': templates } },
        },
      ]);
    });

    test('and tags nothing that is already there', () => {
      const tagging = allowedTo(role).filter(({ Action }) => Action.includes('ec2:CreateTags'));
      expect(tagging).toMatchObject([
        { Condition: { StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'] } } },
      ]);
    });

    test('with the worker’s role and no other, for EC2 alone', () => {
      const passing = allowedTo(role).filter(({ Action }) => Action.includes('iam:PassRole'));
      expect(passing).toMatchObject([
        {
          Resource: [expect.stringMatching(/^<PlatformWorkersRole\w+\.Arn>$/)],
          Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
        },
      ]);
    });
  });
});

describe('playback', () => {
  const behaviorSchema = z.looseObject({
    PathPattern: z.string().optional(),
    TargetOriginId: z.string(),
    Compress: z.boolean(),
    CachePolicyId: z.string(),
    ViewerProtocolPolicy: z.string(),
    ResponseHeadersPolicyId: z.string(),
    FunctionAssociations: z
      .tuple([z.object({ EventType: z.literal('viewer-request'), FunctionARN: z.string() })])
      .optional(),
  });
  const config = z
    .looseObject({
      DefaultCacheBehavior: behaviorSchema,
      CacheBehaviors: z.array(behaviorSchema),
      Origins: z.array(
        z.looseObject({ DomainName: z.string(), OriginAccessControlId: z.string().optional() }),
      ),
    })
    .parse(spell(only('AWS::CloudFront::Distribution')['DistributionConfig']));
  const behaviors = [...config.CacheBehaviors, config.DefaultCacheBehavior];
  const api = behaviors.find(({ PathPattern }) => PathPattern === '/api/*');

  const isMedia = (path: string | undefined) => /^\/[vt]\//.test(path ?? '');

  /** The function that sees a behaviour's requests first. */
  function functionBefore(behavior: typeof api): Readonly<Record<string, unknown>> {
    const [association] = behavior?.FunctionAssociations ?? [];
    const found = ofType('AWS::CloudFront::Function').find(
      ({ id }) => association?.FunctionARN === `<${id}.FunctionARN>`,
    );
    return found?.Properties ?? {};
  }

  test('no way leads to the bucket of the videos but past the function that knows which are private', () => {
    const [store] = ofType('AWS::CloudFront::KeyValueStore');
    const production = behaviors.find(({ PathPattern }) => isMedia(PathPattern))?.TargetOriginId;
    for (const behavior of behaviors) {
      const guard = functionBefore(behavior);
      expect(behavior.TargetOriginId === production).toBe(isMedia(behavior.PathPattern));
      expect(guard['FunctionCode'] === guardSource()).toBe(isMedia(behavior.PathPattern));
      if (isMedia(behavior.PathPattern))
        expect(spell(guard['FunctionConfig'])).toMatchObject({
          Runtime: 'cloudfront-js-2.0',
          KeyValueStoreAssociations: [{ KeyValueStoreARN: `<${store?.id}.Arn>` }],
        });
    }
    expect(guardSource().length).toBeLessThan(10_240); // CloudFront's limit
  });

  test('the function that reads the key-value store waits until the store can be used', () => {
    const [store] = ofType('AWS::CloudFront::KeyValueStore');
    const guard = ofType('AWS::CloudFront::Function').find(
      ({ Properties }) => Properties['FunctionCode'] === guardSource(),
    );
    expect(guard?.DependsOn).toEqual([store?.id]);
  });

  test('speaks HTTP/3, and sends plain HTTP to HTTPS', () => {
    expect(config['HttpVersion']).toBe('http2and3');
    for (const { ViewerProtocolPolicy } of behaviors) expect(ViewerProtocolPolicy).toBe('redirect-to-https');
  });

  test('media is looked for first and not compressed, playlists and pages are', () => {
    expect(behaviors.map(({ PathPattern, Compress }) => [PathPattern, Compress])).toEqual([
      ['/v/*.mp4', false],
      ['/v/*.m4a', false],
      ['/v/*', true],
      ['/t/*.mp4', false],
      ['/t/*.m4a', false],
      ['/t/*', true],
      ['/embed/*', true],
      ['/api/*', true],
      [undefined, true],
    ]);
  });

  test('objects say themselves how long they are kept; what is compressed is cached by encoding', () => {
    for (const { Compress, CachePolicyId } of behaviors.filter((behavior) => behavior !== api)) {
      const policy = ofType('AWS::CloudFront::CachePolicy').find(({ id }) => `<${id}>` === CachePolicyId);
      expect(policy?.Properties['CachePolicyConfig']).toMatchObject({
        MinTTL: 0,
        DefaultTTL: 0,
        MaxTTL: 365 * 86_400,
        ParametersInCacheKeyAndForwardedToOrigin: {
          EnableAcceptEncodingBrotli: Compress,
          EnableAcceptEncodingGzip: Compress,
          CookiesConfig: { CookieBehavior: 'none' },
          HeadersConfig: { HeaderBehavior: 'none' },
          QueryStringsConfig: { QueryStringBehavior: 'none' },
        },
      });
    }
  });

  test('CloudFront signs what it asks of either bucket', () => {
    expect(config.Origins).toHaveLength(3);
    for (const { id, Properties } of ofType('AWS::CloudFront::OriginAccessControl')) {
      expect(Properties['OriginAccessControlConfig']).toMatchObject({ SigningBehavior: 'always' });
      expect(config.Origins.map(({ OriginAccessControlId }) => OriginAccessControlId)).toContain(
        `<${id}.Id>`,
      );
    }
  });

  test('every answer has the security headers that the local edge sends, the embedded player in any frame; videos the CORS headers', () => {
    for (const { PathPattern, ResponseHeadersPolicyId } of behaviors) {
      const cors = checkPolicy(
        ResponseHeadersPolicyId,
        PathPattern === `${EMBED_PATH}*` ? embedHeaders : securityHeaders,
      );
      expect([PathPattern, cors]).toEqual([
        PathPattern,
        isMedia(PathPattern)
          ? {
              AccessControlAllowCredentials: false,
              AccessControlAllowHeaders: { Items: PLAYBACK_CORS.allowedHeaders },
              AccessControlAllowMethods: { Items: PLAYBACK_CORS.allowedMethods },
              AccessControlAllowOrigins: { Items: PLAYBACK_CORS.allowedOrigins },
              AccessControlExposeHeaders: { Items: PLAYBACK_CORS.exposedHeaders },
              AccessControlMaxAgeSec: PLAYBACK_CORS.maxAgeSeconds,
              OriginOverride: true,
            }
          : undefined,
      ]);
    }
  });

  /** Sees that a policy has these security headers. Returns its CORS. */
  function checkPolicy(id: string, headers: typeof embedHeaders | typeof securityHeaders): unknown {
    const policy = ofType('AWS::CloudFront::ResponseHeadersPolicy').find((one) => id === `<${one.id}>`);
    const [broker] = ofType('Custom::AWS');
    const [uploads] = ofType('AWS::S3::Bucket').filter((bucket) => bucket.id.includes('StorageUploads'));
    const { SecurityHeadersConfig: security, CorsConfig: cors } = z
      .looseObject({
        SecurityHeadersConfig: z.looseObject({
          ContentSecurityPolicy: z.looseObject({ ContentSecurityPolicy: z.string() }),
          FrameOptions: z.looseObject({ FrameOption: z.string() }).optional(),
          ReferrerPolicy: z.looseObject({ ReferrerPolicy: z.string() }),
          StrictTransportSecurity: z.looseObject({ AccessControlMaxAgeSec: z.number() }),
          ContentTypeOptions: z.object({ Override: z.literal(true) }),
        }),
        CorsConfig: z.unknown().optional(),
      })
      .parse(spell(policy?.Properties['ResponseHeadersPolicyConfig']));
    expect({
      'strict-transport-security': `max-age=${security.StrictTransportSecurity.AccessControlMaxAgeSec}`,
      'x-content-type-options': 'nosniff',
      ...(security.FrameOptions && { 'x-frame-options': security.FrameOptions.FrameOption }),
      'referrer-policy': security.ReferrerPolicy.ReferrerPolicy,
      'content-security-policy': security.ContentSecurityPolicy.ContentSecurityPolicy,
    }).toEqual(
      headers([`https://<${uploads?.id}.RegionalDomainName>`, `wss://<${broker?.id}.endpointAddress>`]),
    );
    return cors;
  }

  test('preflights reach the bucket of videos, which answers them', () => {
    for (const { AllowedMethods, OriginRequestPolicyId } of config.CacheBehaviors.filter(({ PathPattern }) =>
      PathPattern?.startsWith('/v/'),
    )) {
      expect(AllowedMethods).toEqual(['GET', 'HEAD', 'OPTIONS']);
      expect(OriginRequestPolicyId).toBeDefined();
    }
    const [production] = ofType('AWS::S3::Bucket').filter(({ id }) => id.includes('StorageProduction'));
    expect(production?.Properties['CorsConfiguration']).toMatchObject({
      CorsRules: [{ AllowedOrigins: PLAYBACK_CORS.allowedOrigins }],
    });
  });

  test('what is no page is a 404 by the function that the local edge runs', () => {
    expect(functionBefore(config.DefaultCacheBehavior)['FunctionCode']).toBe(rewriteSource());
  });

  test('the API hears by which origin it was asked, whatever the viewer says of that', () => {
    // What CloudFront calls by this name.
    const handler = runInNewContext(`${functionBefore(api)['FunctionCode']}; handler`) as (
      event: object,
    ) => unknown;
    const host = { value: 'video.example.org' };
    const request = { headers: { host, [ORIGIN_HEADER]: { value: 'https://evil.example' } } };
    expect(handler({ request })).toEqual({
      headers: { host, [ORIGIN_HEADER]: { value: 'https://video.example.org' } },
    });
  });

  test('no error is replaced by a page, for that would hold for the API, too, and none is kept', () => {
    const errors = z.array(z.record(z.string(), z.unknown())).parse(config['CustomErrorResponses']);
    // Those that CloudFront keeps unasked: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
    for (const ErrorCode of [400, 403, 404, 405, 414, 500, 501, 502, 503, 504])
      expect(errors).toContainEqual({ ErrorCode, ErrorCachingMinTTL: 0 });
    for (const error of errors)
      expect(Object.keys(error).sort()).toEqual(['ErrorCachingMinTTL', 'ErrorCode']);
  });
});

describe('the API', () => {
  const KEY_VALUE_STORE = 'arn:aws:cloudfront::111122223333:key-value-store/0a1b';

  const behavior = z
    .object({
      DistributionConfig: z.object({ CacheBehaviors: z.array(z.looseObject({ PathPattern: z.string() })) }),
    })
    .parse(spell(only('AWS::CloudFront::Distribution')))
    .DistributionConfig.CacheBehaviors.find(({ PathPattern }) => PathPattern === '/api/*');

  test('is asked by CloudFront for every method, with all that the viewer sent but the host, and nothing is kept', () => {
    expect(behavior).toMatchObject({
      AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
      // AWS's own policies CachingDisabled and AllViewerExceptHostHeader.
      CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
      OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      ViewerProtocolPolicy: 'redirect-to-https',
    });
  });

  test('takes so many requests a second and no more', () => {
    expect(only('AWS::ApiGatewayV2::Stage')).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: {
        ThrottlingRateLimit: API_THROTTLE.requestsPerSecond,
        ThrottlingBurstLimit: API_THROTTLE.burst,
      },
    });
  });

  test('is told what it reads, and asks for tokens', () => {
    const { Environment } = only('AWS::Lambda::Function', 'Api');
    const { Variables } = z.object({ Variables: z.record(z.string(), z.string()) }).parse(spell(Environment));
    expect(Object.keys(Variables).sort()).toEqual(
      Object.keys(apiEnvironmentSchema.shape)
        .filter((name) => name !== 'OIDC' && !name.startsWith('AWS_'))
        .sort(),
    );
    const parsed = parseEnvironment(apiEnvironmentSchema, {
      ...Variables,
      UPLOADS_QUEUE_URL: 'https://sqs.example/uploads',
      EVENTS_QUEUE_URL: 'https://sqs.example/events',
      KEY_VALUE_STORE,
    });
    expect(parsed).toMatchObject({
      ACCESS: 'tokens',
      CORS_ORIGINS: [],
      QUOTA: { videosInFlight: 250, bytesADay: 1024 ** 4 },
    });
  });

  test('is told of an issuer and of other sites where there are some', () => {
    const oidc = { issuer: 'https://id.example/', audience: 'spotreel', jwksUri: 'https://id.example/keys' };
    const [lambda] = synthesize({ oidc, corsOrigins: ['https://example.org'] }).filter(
      ({ id, Type }) => Type === 'AWS::Lambda::Function' && id.includes('Api'),
    );
    const { Variables } = z
      .object({ Variables: z.record(z.string(), z.string()) })
      .parse(spell(lambda?.Properties['Environment']));
    const parsed = parseEnvironment(apiEnvironmentSchema, {
      ...Variables,
      UPLOADS_QUEUE_URL: 'https://sqs.example/uploads',
      EVENTS_QUEUE_URL: 'https://sqs.example/events',
      KEY_VALUE_STORE,
    });
    expect(parsed).toMatchObject({ OIDC: oidc, CORS_ORIGINS: ['https://example.org'] });
  });

  test('has its tokens under a path of its own in the Parameter Store, and reads no other', () => {
    const { PARAMETERS } = z
      .object({ Variables: z.object({ PARAMETERS: z.string() }) })
      .parse(spell(only('AWS::Lambda::Function', 'Api')['Environment'])).Variables;
    const statements = allowedTo('Api').filter(({ Action }) =>
      Action.some((action) => action.startsWith('ssm:')),
    );
    expect(statements.flatMap(({ Resource }) => Resource)).toEqual([
      `arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter${PARAMETERS}/*`,
    ]);
  });
});

function isDenial({ Effect }: { readonly Effect: string }): boolean {
  return Effect === 'Deny';
}
