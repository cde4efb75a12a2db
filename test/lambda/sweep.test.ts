/** sweep: machines for tasks that wait, by the minute and at once when a machine of ours leaves. */
import { CreateFleetCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { LEDGER_KEY } from '../../jobs/names.ts';
import { valuesOf } from '../support/emitted.ts';
import { CAPACITY_SETTINGS, launched } from '../support/fleet.ts';
import { lambdaContext } from '../support/lambda.ts';
import { captureLog } from '../support/log-lines.ts';
import { jsonObject, s3Error } from '../support/s3-objects.ts';

Object.assign(process.env, {
  UPLOAD_BUCKET: 'uploads-bucket',
  TASKS_QUEUE_URL: 'http://127.0.0.1/tasks',
  LIVE_TOPICS: 'spotreel/demo',
  PLATFORM: 'demo',
  LAUNCH_TEMPLATES: JSON.stringify(CAPACITY_SETTINGS.launchTemplates),
  SUBNET_IDS: 'subnet-a,subnet-b',
  MAX_VCPUS: '8',
  MAX_ON_DEMAND_VCPUS: '0',
  TARGET_SECONDS: '20',
});
const { handler } = await import('../../lambda/sweep.ts');

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const ec2 = mockClient(EC2Client);
const LAUNCHED = '2030-01-02T03:00:00Z';
const minutesLater = (minutes: number) => new Date(Date.parse(LAUNCHED) + minutes * 60_000).toISOString();

/** Our machines: two vCPUs each, all launched at the same time. */
let machines: string[];
let logged: ReturnType<typeof captureLog>;

beforeEach(() => {
  for (const mock of [s3, sqs, ec2]) mock.reset();
  s3.on(GetObjectCommand).rejects(s3Error(404, 'NoSuchKey')); // nothing is learnt or refused yet
  machines = [];
  waiting(0);
  ec2.on(DescribeInstancesCommand).callsFake(({ Filters }) => {
    const filters: Array<{ Name: string; Values: string[] }> = Filters;
    expect(filters).toContainEqual({ Name: 'tag:spotreel:platform', Values: ['demo'] });
    const ids = filters.find(({ Name }) => Name === 'instance-id')?.Values;
    const Instances = machines
      .filter((id) => !ids || ids.includes(id))
      .map((InstanceId) => ({ InstanceId, InstanceType: 'c7g.large', LaunchTime: new Date(LAUNCHED) }));
    return { Reservations: [{ Instances }] };
  });
  ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-new'));
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const waiting = (visible: number, inFlight = 0) =>
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: {
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(inFlight),
    },
  });

const event = (detailType: string, detail: object, minutes: number) =>
  handler(
    {
      id: 'event-1',
      version: '0',
      account: '000000000000',
      region: 'eu-test-1',
      resources: [],
      source: 'aws.ec2',
      time: minutesLater(minutes),
      'detail-type': detailType,
      detail,
    },
    lambdaContext(),
  );
const scheduled = () => event('Scheduled Event', {}, 0);
const interrupted = (id: string, minutes = 10) =>
  event(
    'EC2 Spot Instance Interruption Warning',
    { 'instance-id': id, 'instance-action': 'terminate' },
    minutes,
  );
const ended = (id: string, minutes = 10) =>
  event('EC2 Instance State-change Notification', { 'instance-id': id, state: 'terminated' }, minutes);

const asked = () =>
  ec2
    .commandCalls(CreateFleetCommand)
    .map(({ args }) => args[0].input.TargetCapacitySpecification?.TotalTargetCapacity);

describe('on schedule', () => {
  test('nothing is asked of EC2 while no task waits', async () => {
    await scheduled();
    expect(ec2.calls()).toHaveLength(0);
  });

  test('tasks that wait, and tasks that a dead worker holds, get a machine', async () => {
    waiting(1, 1);
    await scheduled();
    expect(asked()).toEqual([2]);
  });

  test('nothing is asked for while the machines that run are enough', async () => {
    waiting(2);
    machines = ['i-1'];
    await scheduled();
    expect(asked()).toEqual([]);
  });
});

describe('a machine of ours', () => {
  test('that is interrupted is replaced at once: it does not count as running any more', async () => {
    waiting(0, 4);
    machines = ['i-1', 'i-2'];
    await interrupted('i-1');
    expect(asked()).toEqual([2]);
    expect(logged()).toContainEqual(
      expect.objectContaining({ event: 'machine-interrupted', instance: 'i-1' }),
    );
    expect(valuesOf(logged(), 'Interruptions')).toEqual([1]);
  });

  test('that has ended is replaced at once', async () => {
    waiting(2);
    machines = ['i-1'];
    await ended('i-1');
    expect(asked()).toEqual([2]);
  });

  test('costs no more from its end on, whether it is replaced or not', async () => {
    const ledger = { days: {}, running: { 'i-1': { usdPerHour: 6, countedUntil: LAUNCHED } } };
    s3.on(GetObjectCommand, { Key: LEDGER_KEY }).callsFake(() => jsonObject(JSON.stringify(ledger)));
    machines = ['i-1'];
    await ended('i-1', 10);
    const [put] = s3.commandCalls(PutObjectCommand, { Key: LEDGER_KEY });
    expect(JSON.parse(String(put?.args[0].input.Body))).toEqual({ days: { '2030-01-02': 1 }, running: {} });
  });

  test('whose end leaves no task behind is not replaced', async () => {
    machines = ['i-1'];
    await ended('i-1');
    expect(asked()).toEqual([]);
  });

  test('that ends while no task waits is not asked about: hundreds end within seconds', async () => {
    machines = ['i-1'];
    waiting(0, 1);
    await ended('i-1');
    expect(ec2.calls()).toEqual([]);
  });

  test('that ended as it booted is left to the schedule, or a broken image would launch without pause', async () => {
    waiting(2);
    machines = ['i-1'];
    await ended('i-1', 1.9);
    expect(asked()).toEqual([]);
  });

  test('that is interrupted as it boots is replaced at once', async () => {
    waiting(2);
    machines = ['i-1'];
    await interrupted('i-1', 1);
    expect(asked()).toEqual([2]);
  });

  test('that had better be replaced is logged and kept', async () => {
    waiting(4);
    machines = ['i-1'];
    await event('EC2 Instance Rebalance Recommendation', { 'instance-id': 'i-1' }, 10);
    expect(asked()).toEqual([]);
    expect(logged()).toMatchObject([{ event: 'machine-rebalance-recommended', instance: 'i-1' }]);
  });
});

test.each([
  ['interrupted', interrupted],
  ['ended', ended],
])("somebody else's machine that is %s changes nothing and leaves no line", async (_, send) => {
  waiting(2);
  await send('i-theirs');
  expect(asked()).toEqual([]);
  expect(logged()).toEqual([]);
});
