/** EC2 on a laptop, seen through the SDK and the AWS CLI; its machines are real processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateFleetCommand,
  type CreateFleetCommandInput,
  CreateTagsCommand,
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  DescribeSpotPriceHistoryCommand,
  EC2Client,
  type Instance,
  paginateDescribeInstances,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Ec2, startEc2 } from '../../local/ec2/ec2.ts';
import type { Ec2Options } from '../../local/ec2/machines.ts';
import { LIST_PRICES } from '../../video/prices.ts';
import { awsCli, awsCliVersion } from './support/aws-cli.ts';
import { allGone, eventually, isRunning, loggedLine } from './support/processes.ts';

const CREDENTIALS = { accessKeyId: 'AKLOCAL', secretAccessKey: 'secret', sessionToken: 'session' };
const support = (name: string) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

let directory: string;
let ec2: Ec2;
let client: EC2Client;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spotreel-ec2-'));
});
afterEach(async () => {
  client.destroy();
  await ec2.close();
  await rm(directory, { recursive: true });
});

/** EC2 whose machines behave in one of the ways of `ec2-worker.ts`. */
async function start(way: string, options: Partial<Ec2Options> = {}): Promise<void> {
  ec2 = await startEc2({
    port: 0,
    region: 'eu-test-1',
    maxInstances: 2,
    vcpusPerInstance: 4,
    worker: {
      command: process.execPath,
      args: [support('ec2-worker.ts'), way],
      env: { UPLOAD_BUCKET: 'uploads' },
      logDir: directory,
    },
    credentials: CREDENTIALS,
    ...options,
  });
  client = new EC2Client({
    endpoint: ec2.url,
    region: 'eu-test-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

const TYPES = [
  ['c7g.large', 2],
  ['c7g.xlarge', 4],
  ['c6g.xlarge', 4],
  ['c7g.2xlarge', 8],
] as const;

const fleet = (TotalTargetCapacity: number, input: Partial<CreateFleetCommandInput> = {}) =>
  client.send(
    new CreateFleetCommand({
      Type: 'instant',
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '$Latest' },
          Overrides: TYPES.map(([InstanceType, WeightedCapacity]) => ({
            InstanceType,
            WeightedCapacity,
            SubnetId: 'subnet-1',
          })),
        },
      ],
      TargetCapacitySpecification: { TotalTargetCapacity, DefaultTargetCapacityType: 'spot' },
      TagSpecifications: [
        { ResourceType: 'fleet', Tags: [{ Key: 'of', Value: 'fleet' }] },
        { ResourceType: 'instance', Tags: [{ Key: 'spotreel:platform', Value: 'test' }] },
      ],
      ...input,
    }),
  );

/** Launches one machine and says its id and log. */
async function launchOne(): Promise<{ id: string; log: string }> {
  const { Instances } = await fleet(1);
  const id = Instances?.[0]?.InstanceIds?.[0] ?? '';
  return { id, log: join(directory, `${id}.log`) };
}

async function describeInstances(input: DescribeInstancesCommandInput = {}): Promise<Instance[]> {
  const { Reservations = [] } = await client.send(new DescribeInstancesCommand(input));
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

const terminated = (id: string) =>
  eventually(async () => {
    const [instance] = await describeInstances({ InstanceIds: [id] });
    return instance?.State?.Name === 'terminated' ? instance : undefined;
  });

describe('CreateFleet', () => {
  test('launches machines of the type nearest to what the laptop has, and tells which', async () => {
    await start('environment');
    const { FleetId, Instances, Errors } = await fleet(5);
    expect(FleetId).toMatch(/^fleet-/);
    expect(Errors ?? []).toEqual([]);
    expect(Instances).toMatchObject([
      {
        InstanceType: 'c7g.xlarge',
        Lifecycle: 'spot',
        InstanceIds: [expect.stringMatching(/^i-[0-9a-f]{17}$/), expect.stringMatching(/^i-[0-9a-f]{17}$/)],
        LaunchTemplateAndOverrides: {
          LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '$Latest' },
          Overrides: { InstanceType: 'c7g.xlarge', SubnetId: 'subnet-1', WeightedCapacity: 4 },
        },
      },
    ]);
  });

  test.each([
    [1, 1, 0],
    [4, 1, 0],
    [5, 2, 0],
    [8, 2, 0],
    [9, 2, 4],
    [0, 0, 0],
  ])(
    'for %i vCPUs launches %i machines of 4, where 2 may run, with %i errors',
    async (target, count, errors) => {
      await start('environment');
      const { Instances = [], Errors = [] } = await fleet(target);
      expect(Instances.flatMap(({ InstanceIds = [] }) => InstanceIds)).toHaveLength(count);
      expect(Errors).toHaveLength(errors);
    },
  );

  test('without room launches nothing, and says so of every pool', async () => {
    await start('environment', { maxInstances: 0 });
    const { Instances = [], Errors } = await fleet(4);
    expect(Instances).toEqual([]);
    expect(Errors).toMatchObject(
      TYPES.map(([InstanceType]) => ({
        ErrorCode: 'InsufficientInstanceCapacity',
        Lifecycle: 'spot',
        LaunchTemplateAndOverrides: { Overrides: { InstanceType } },
      })),
    );
  });

  test('has room again when a machine is gone', async () => {
    await start('environment', { maxInstances: 1 });
    const { id } = await launchOne();
    expect((await fleet(4)).Instances ?? []).toEqual([]);
    await ec2.killInstance(id);
    expect((await fleet(4)).Instances).toHaveLength(1);
  });

  test('of the same client token is carried out once', async () => {
    await start('environment');
    const [first, second] = await Promise.all([
      fleet(4, { ClientToken: 'one' }),
      fleet(4, { ClientToken: 'one' }),
    ]);
    expect(second.FleetId).toBe(first.FleetId);
    expect(second.Instances).toEqual(first.Instances);
    expect(await describeInstances()).toHaveLength(1);
    expect((await fleet(4, { ClientToken: 'two' })).FleetId).not.toBe(first.FleetId);
    await expect(fleet(8, { ClientToken: 'one' })).rejects.toMatchObject({
      name: 'IdempotentParameterMismatch',
    });
  });

  test('launches on-demand machines where it is asked to', async () => {
    await start('environment');
    const { Instances } = await fleet(4, {
      TargetCapacitySpecification: { TotalTargetCapacity: 4, DefaultTargetCapacityType: 'on-demand' },
    });
    expect(Instances).toMatchObject([{ Lifecycle: 'on-demand' }]);
    expect((await describeInstances())[0]).not.toHaveProperty('InstanceLifecycle');
  });

  test.each<[string, Partial<CreateFleetCommandInput>, string]>([
    ['a fleet that is kept up', { Type: 'maintain' }, 'InvalidParameterValue'],
    ['no instance types', { LaunchTemplateConfigs: [] }, 'MissingParameter'],
    ['no target', { TargetCapacitySpecification: undefined }, 'MissingParameter'],
    [
      'a negative target',
      { TargetCapacitySpecification: { TotalTargetCapacity: -1 } },
      'InvalidParameterValue',
    ],
    ['a dry run', { DryRun: true }, 'DryRunOperation'],
  ])('refuses %s', async (_, input, name) => {
    await start('environment');
    await expect(fleet(4, input)).rejects.toMatchObject({ name });
    expect(await describeInstances()).toEqual([]);
  });

  test('that cannot start a machine takes no room for it, and may be tried again', async () => {
    await start('environment', { maxInstances: 1 });
    await rm(directory, { recursive: true });
    await writeFile(directory, 'no directory');
    const report = jest.spyOn(console, 'error').mockImplementation(() => {});
    await expect(fleet(4, { ClientToken: 'one' })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 500 },
    });
    expect(report).toHaveBeenCalledWith(expect.any(String), expect.objectContaining({ code: 'EEXIST' }));
    report.mockRestore();
    await rm(directory);
    await mkdir(directory);
    expect((await fleet(4, { ClientToken: 'one' })).Instances).toHaveLength(1);
  });
});

describe('DescribeInstances', () => {
  test('tells what a dispatcher and a person ask of a machine', async () => {
    await start('environment');
    await fleet(4);
    expect(await describeInstances()).toMatchObject([
      {
        InstanceId: expect.stringMatching(/^i-/),
        InstanceType: 'c7g.xlarge',
        InstanceLifecycle: 'spot',
        State: { Code: 16, Name: 'running' },
        SubnetId: 'subnet-1',
        Placement: { AvailabilityZone: 'eu-test-1a' },
        CpuOptions: { CoreCount: 4, ThreadsPerCore: 1 },
        LaunchTime: expect.any(Date),
        Tags: [
          { Key: 'aws:ec2:fleet-id', Value: expect.stringMatching(/^fleet-/) },
          { Key: 'spotreel:platform', Value: 'test' },
        ],
      },
    ]);
  });

  test.each([
    ['instance-state-name', ['pending', 'running'], 2],
    ['instance-state-name', ['terminated'], 0],
    ['tag:spotreel:platform', ['test'], 2],
    ['tag:spotreel:platform', ['te*', 'x'], 2],
    ['tag:spotreel:platform', ['tes?'], 2],
    ['tag:spotreel:platform', ['t.st'], 0],
    ['tag:of', ['fleet'], 0],
    ['tag-key', ['spotreel:platform'], 2],
    ['instance-type', ['c7g.large'], 0],
    ['instance-id', ['i-0'], 0],
  ])('filters by %s %j: %i', async (Name, Values, count) => {
    await start('environment');
    await fleet(8);
    expect(await describeInstances({ Filters: [{ Name, Values }] })).toHaveLength(count);
  });

  test('holds all filters at once, and comes in pages', async () => {
    await start('exit', { maxInstances: 100 });
    await fleet(4 * 12);
    const Filters = [{ Name: 'tag:spotreel:platform', Values: ['test'] }];
    const pages: number[] = [];
    const ids = new Set<string | undefined>();
    for await (const { Reservations = [] } of paginateDescribeInstances(
      { client, pageSize: 5 },
      { Filters },
    )) {
      pages.push(Reservations.length);
      for (const { Instances = [] } of Reservations)
        for (const { InstanceId } of Instances) ids.add(InstanceId);
    }
    expect(pages).toEqual([5, 5, 2]);
    expect(ids.size).toBe(12);
    const both = [...Filters, { Name: 'instance-id', Values: [[...ids][0] ?? ''] }];
    expect(await describeInstances({ Filters: both })).toHaveLength(1);
  });

  test.each<[string, DescribeInstancesCommandInput, string]>([
    ['an id that is not there', { InstanceIds: ['i-00000000000000000'] }, 'InvalidInstanceID.NotFound'],
    [
      'a filter that is not there',
      { Filters: [{ Name: 'constructor', Values: ['x'] }] },
      'InvalidParameterValue',
    ],
    ['pages of one', { MaxResults: 1 }, 'InvalidParameterValue'],
  ])('refuses %s', async (_, input, name) => {
    await start('environment');
    await fleet(4);
    await expect(describeInstances(input)).rejects.toMatchObject({ name });
  });
});

describe('DescribeSpotPriceHistory', () => {
  test('tells what a machine costs now, in the zone that is asked for or the one there is', async () => {
    await start('environment');
    const tell = async (zone?: string) => {
      const { SpotPriceHistory } = await client.send(
        new DescribeSpotPriceHistoryCommand({
          InstanceTypes: ['c7g.xlarge'],
          ProductDescriptions: ['Linux/UNIX'],
          StartTime: new Date(),
          ...(zone !== undefined && { AvailabilityZone: zone }),
        }),
      );
      return SpotPriceHistory;
    };
    const price = {
      InstanceType: 'c7g.xlarge',
      SpotPrice: String(4 * LIST_PRICES.vcpuHour),
      ProductDescription: 'Linux/UNIX',
      Timestamp: expect.any(Date),
    };
    expect(await tell()).toEqual([{ ...price, AvailabilityZone: 'eu-test-1a' }]);
    expect(await tell('eu-test-1b')).toEqual([{ ...price, AvailabilityZone: 'eu-test-1b' }]);
  });
});

describe('a machine', () => {
  test('gets tags', async () => {
    await start('environment');
    const { id } = await launchOne();
    await client.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value: 'mine' }] }));
    expect(ec2.instances()[0]?.tags).toMatchObject({ Name: 'mine' });
  });

  test('has the environment of a fresh machine, not that of this laptop', async () => {
    process.env['AWS_PROFILE'] = 'owner';
    process.env['AWS_ACCESS_KEY_ID'] = 'owner';
    process.env['SECRET_OF_THE_OWNER'] = 'x';
    try {
      await start('environment');
      const { log } = await launchOne();
      expect(await loggedLine(log)).toEqual({
        cores: expect.any(Number),
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          NODE_COMPILE_CACHE: expect.stringMatching(/\/spotreel\/compiled$/),
          AWS_REGION: 'eu-test-1',
          AWS_ENDPOINT_URL_EC2: ec2.url,
          AWS_EC2_METADATA_SERVICE_ENDPOINT: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
          AWS_CONFIG_FILE: '/dev/null',
          AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
          UPLOAD_BUCKET: 'uploads',
        },
      });
    } finally {
      delete process.env['AWS_PROFILE'];
      delete process.env['AWS_ACCESS_KEY_ID'];
      delete process.env['SECRET_OF_THE_OWNER'];
    }
  });

  test('has as many cores as it is said to', async () => {
    if (process.platform !== 'linux' || availableParallelism() < 2) {
      console.log('skipped: cores can only be bound on Linux, and only where there are two');
      return;
    }
    await start('environment', { vcpusPerInstance: 1 });
    const { log } = await launchOne();
    expect(await loggedLine(log)).toMatchObject({ cores: 1 });
  });

  test('that shuts down makes room for the one that replaces it', async () => {
    await start('stubborn', { maxInstances: 1, terminateGraceMs: 2000 });
    const { id, log } = await launchOne();
    await loggedLine(log);
    await client.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    expect(ec2.instances()).toMatchObject([{ state: 'shutting-down' }]);
    expect((await launchOne()).id).not.toBe('');
  });

  test('that replaces a lost one has its cores, not those of a machine that lives', async () => {
    if (process.platform !== 'linux' || availableParallelism() < 2) {
      console.log('skipped: cores can only be bound on Linux, and only where there are two');
      return;
    }
    await start('cores', { vcpusPerInstance: 1 });
    const lost = await launchOne();
    const living = await launchOne();
    const core = await loggedLine(lost.log);
    expect(await loggedLine(living.log)).not.toEqual(core);
    await ec2.killInstance(lost.id);
    expect(await loggedLine((await launchOne()).log)).toEqual(core);
  });

  test("has its role's credentials by the SDK's default chain, whatever profile the owner has", async () => {
    const home = process.env['HOME'];
    await mkdir(join(directory, '.aws'));
    await writeFile(
      join(directory, '.aws/credentials'),
      '[default]\naws_access_key_id = OWNER\naws_secret_access_key = OWNER\n',
    );
    process.env['HOME'] = directory;
    try {
      await start('credentials');
      const { log } = await launchOne();
      expect(await loggedLine(log)).toMatchObject({ ...CREDENTIALS, expiration: expect.any(String) });
    } finally {
      process.env['HOME'] = home;
    }
  });

  test('whose worker ends is terminated', async () => {
    await start('exit');
    const { id } = await launchOne();
    expect((await terminated(id)).StateReason?.Code).toBe('Client.InstanceInitiatedShutdown');
  });

  test('whose worker cannot be started is terminated', async () => {
    await start('exit', { worker: { command: '/no/such/program', args: [], env: {}, logDir: directory } });
    const { id } = await launchOne();
    await terminated(id);
  });

  test('takes its children along when its worker ends', async () => {
    await start('careless');
    const { id, log } = await launchOne();
    const { pids } = (await loggedLine(log)) as { pids: number[] }; // the line that this way prints
    await terminated(id);
    await allGone(pids);
  });

  test('is asked to end by SIGTERM', async () => {
    await start('environment');
    const { id, log } = await launchOne();
    await loggedLine(log);
    const { TerminatingInstances } = await client.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    expect(TerminatingInstances).toMatchObject([
      {
        InstanceId: id,
        PreviousState: { Name: 'running' },
        CurrentState: { Name: 'shutting-down', Code: 32 },
      },
    ]);
    expect((await terminated(id)).StateReason?.Code).toBe('Client.UserInitiatedShutdown');
  });

  test('that does not end by SIGTERM ends by SIGKILL', async () => {
    await start('stubborn', { terminateGraceMs: 300 });
    const { id, log } = await launchOne();
    await loggedLine(log);
    await client.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    expect(await loggedLine(log, 1)).toBe('SIGTERM');
    await terminated(id);
  });

  test('that is terminated with one that is not there is left alone', async () => {
    await start('environment');
    const { id } = await launchOne();
    const InstanceIds = [id, 'i-00000000000000000'];
    await expect(client.send(new TerminateInstancesCommand({ InstanceIds }))).rejects.toMatchObject({
      name: 'InvalidInstanceID.NotFound',
    });
    expect(ec2.instances()).toMatchObject([{ instanceId: id, state: 'running' }]);
  });

  test('that is lost loses its children too', async () => {
    await start('parent');
    const { id, log } = await launchOne();
    const { pids } = (await loggedLine(log)) as { pids: number[] }; // the line that this way prints
    await ec2.killInstance(id);
    await allGone(pids);
    expect(ec2.instances()).toMatchObject([{ instanceId: id, state: 'terminated' }]);
  });

  test('reads a spot notice from its metadata', async () => {
    await start('environment');
    const { id, log } = await launchOne();
    const { env } = (await loggedLine(log)) as { env: Record<string, string> }; // the line that this way prints
    const metadataUrl = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
    const token = await fetch(`${metadataUrl}/latest/api/token`, {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
    });
    const headers = { 'x-aws-ec2-metadata-token': await token.text() };
    const notice = () => fetch(`${metadataUrl}/latest/meta-data/spot/instance-action`, { headers });
    expect((await notice()).status).toBe(404);
    ec2.serveSpotNotice(id);
    expect(await (await notice()).json()).toMatchObject({ action: 'terminate' });
    expect(ec2.instances()).toMatchObject([{ state: 'running' }]);
  });

  test('is told of to EventBridge when it runs, is interrupted and ends', async () => {
    const told: unknown[] = [];
    await start('environment', { tell: (event) => told.push(event) });
    const { id } = await launchOne();
    ec2.serveSpotNotice(id, 0);
    await terminated(id);
    const state = (state: string) => ({
      detailType: 'EC2 Instance State-change Notification',
      detail: { 'instance-id': id, state },
    });
    expect(told).toEqual([
      state('running'),
      { detailType: 'EC2 Instance Rebalance Recommendation', detail: { 'instance-id': id } },
      {
        detailType: 'EC2 Spot Instance Interruption Warning',
        detail: { 'instance-id': id, 'instance-action': 'terminate' },
      },
      state('shutting-down'),
      state('terminated'),
    ]);
  });

  test('is terminated when the time of its spot notice has come', async () => {
    await start('environment');
    const { id } = await launchOne();
    ec2.serveSpotNotice(id, 0);
    expect((await terminated(id)).StateReason?.Code).toBe('Server.SpotInstanceTermination');
  });

  test('is gone with all of its children when EC2 is closed', async () => {
    await start('parent');
    const { log } = await launchOne();
    const { pids } = (await loggedLine(log)) as { pids: number[] }; // the line that this way prints
    await ec2.close();
    await allGone(pids);
    await start('environment');
  });

  test('is gone when EC2 is closed while it starts', async () => {
    await start('parent');
    const launching = fleet(8).catch(() => undefined);
    await eventually(() => (ec2.instances().length > 0 ? true : undefined));
    const { instances } = ec2;
    await ec2.close();
    await launching;
    expect(instances().map(({ state }) => state)).toEqual(['terminated', 'terminated']);
    await start('environment');
  });

  test('is gone when the process of EC2 is killed', async () => {
    await start('environment');
    const host = spawn(process.execPath, [support('ec2-host.ts'), directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [logFile] = await once(host.stdout, 'data');
    const { pids } = (await loggedLine(String(logFile).trim())) as { pids: number[] }; // as above
    for (const pid of pids) expect(await isRunning(pid)).toBe(true);
    host.kill('SIGKILL');
    await allGone(pids);
  });
});

test('an action that is not there is refused', async () => {
  await start('environment');
  const body = new URLSearchParams({ Action: 'RunInstances' });
  const response = await fetch(ec2.url, { method: 'POST', body });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('<Code>InvalidAction</Code>');
});

test('the AWS CLI works unchanged', async () => {
  await start('environment');
  if (!(await awsCliVersion())) return;
  const config = [
    {
      LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '1' },
      Overrides: [{ InstanceType: 'c7g.large', WeightedCapacity: 2 }],
    },
  ];
  const created = await awsCli(ec2.url, [
    ...['ec2', 'create-fleet', '--type', 'instant'],
    ...['--launch-template-configs', JSON.stringify(config)],
    ...['--target-capacity-specification', 'TotalTargetCapacity=2,DefaultTargetCapacityType=spot'],
  ]);
  const id = ec2.instances()[0]?.instanceId;
  expect(created).toMatchObject({ Instances: [{ InstanceIds: [id], InstanceType: 'c7g.large' }] });
  const described = await awsCli(ec2.url, ['ec2', 'describe-instances', '--instance-ids', String(id)]);
  expect(described).toMatchObject({ Reservations: [{ Instances: [{ InstanceId: id }] }] });
});
