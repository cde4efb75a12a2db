/** The spending guard: launches stop at the owner's ceilings, and what runs ends there. */
import {
  type _InstanceType,
  CreateFleetCommand,
  DescribeInstancesCommand,
  DescribeSpotPriceHistoryCommand,
  EC2Client,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { Capacity } from '../../jobs/ensure-capacity.ts';
import { affordable, type Ledger, ledgerSchema, type SpendingSettings, started } from '../../jobs/ledger.ts';
import { LEDGER_KEY } from '../../jobs/names.ts';
import { countEnd, mendSpending, readSpending, resumeSpending } from '../../jobs/spending.ts';
import { ObjectStore, toStoredJson } from '../../jobs/store.ts';
import { besideComputing, LIST_PRICES } from '../../video/prices.ts';
import { CAPACITY_SETTINGS, launched } from '../support/fleet.ts';
import { captureLog } from '../support/log-lines.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { s3Error } from '../support/s3-objects.ts';

const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const uploads = new ObjectStore(new S3Client({}), 'uploads-bucket');
const NOON = Date.parse('2026-11-21T12:00:00Z');
const MINUTE = 60_000;
const BESIDE = besideComputing(LIST_PRICES, 20);
/** Dollars an hour that the smallest machine costs at most. */
const SMALLEST = 2 * LIST_PRICES.dearestVcpuHour + BESIDE;
const SPENDING: SpendingSettings = {
  ceilings: { daily: 10, monthly: 100 },
  prices: LIST_PRICES,
  diskGigabytes: 20,
};

const objects: Objects = new Map();
let logged: ReturnType<typeof captureLog>;
beforeEach(() => {
  for (const mock of [ec2, s3]) mock.reset();
  objects.clear();
  serveS3(s3, objects);
  ec2.on(DescribeInstancesCommand).resolves({});
  ec2.on(DescribeSpotPriceHistoryCommand).resolves({
    SpotPriceHistory: [
      { InstanceType: 'c7g.large', AvailabilityZone: 'a', SpotPrice: '0.02' },
      { InstanceType: 'c7g.large', AvailabilityZone: 'b', SpotPrice: '0.03' },
    ],
  });
  ec2.on(CreateFleetCommand).resolves(launched('c7g.large', 'i-1', 'i-2'));
  ec2.on(TerminateInstancesCommand).resolves({});
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const ledger = async (): Promise<Ledger> =>
  (await uploads.getJson(LEDGER_KEY, ledgerSchema)) ?? { days: {}, running: {} };
const spentToday = (usd: number) =>
  uploads.put(LEDGER_KEY, toStoredJson({ days: { '2026-11-21': usd }, running: {} }), {
    contentType: 'application/json',
  });

let deliveries = 0;
/** Asks for machines for so many tasks that want a vCPU each. */
const ensure = (tasks: number, spending = SPENDING, now = NOON) =>
  new Capacity(new EC2Client({}), uploads, { ...CAPACITY_SETTINGS, spending }, undefined, () => now).ensure(
    { planned: { tasks, seconds: tasks * CAPACITY_SETTINGS.targetSeconds }, messages: 0 },
    { messageId: `m${deliveries++}`, receiveCount: 1 },
  );
const asked = () =>
  ec2
    .commandCalls(CreateFleetCommand)
    .map(({ args }) => args[0].input.TargetCapacitySpecification?.TotalTargetCapacity);

/** Machines that EC2 lists, launched so many minutes ago. */
function running(...machines: ReadonlyArray<readonly [id: string, minutes: number]>): void {
  ec2.on(DescribeInstancesCommand).resolves({
    Reservations: machines.map(([InstanceId, minutes]) => ({
      Instances: [
        {
          InstanceId,
          InstanceType: 'c7g.large' as _InstanceType,
          LaunchTime: new Date(NOON - minutes * MINUTE),
          CpuOptions: { CoreCount: 2, ThreadsPerCore: 1 },
        },
      ],
    })),
  });
}
const mend = (minutes = 0) =>
  mendSpending({
    ec2: new EC2Client({}),
    uploads,
    platform: 'demo',
    spending: SPENDING,
    now: new Date(NOON + minutes * MINUTE),
  });
const terminated = () =>
  ec2.commandCalls(TerminateInstancesCommand).flatMap(({ args }) => args[0].input.InstanceIds);

describe('a launch', () => {
  test("is counted by what each machine costs on spot in the region's dearest zone, with address and disk", async () => {
    await ensure(4);
    const machine = { usdPerHour: 0.03 + BESIDE, countedUntil: '2026-11-21T12:00:00.000Z' };
    expect(await ledger()).toEqual({ days: {}, running: { 'i-1': machine, 'i-2': machine } });
  });

  test('is counted at the dearest list price where EC2 does not tell', async () => {
    ec2.on(DescribeSpotPriceHistoryCommand).rejects(new Error('no'));
    await ensure(4);
    expect((await ledger()).running['i-1']?.usdPerHour).toBeCloseTo(
      2 * LIST_PRICES.dearestVcpuHour + BESIDE,
      10,
    );
  });

  test('that got nothing is taken back', async () => {
    ec2.on(CreateFleetCommand).resolves({ Instances: [], Errors: [] });
    await ensure(4).catch(() => undefined);
    expect((await ledger()).running).toEqual({});
  });

  test('is not made at the ceiling, is no error, and is told once', async () => {
    await spentToday(10);
    await ensure(4);
    await ensure(4);
    expect(asked()).toEqual([]);
    expect((await readSpending(uploads, NOON)).heldBy).toBe('daily');
    expect(logged()).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'spending-held', by: 'daily' }),
    );
    expect(s3.commandCalls(PutObjectCommand, { Key: LEDGER_KEY })).toHaveLength(2); // the test's own, and one
  });

  test('leaves no announcement behind that would keep others from launching', async () => {
    await spentToday(10);
    await ensure(4);
    await resumeSpending(uploads, NOON);
    await ensure(4);
    expect(asked()).toEqual([4]);
  });

  test('is made as large as what is left pays for, for half an hour', async () => {
    const perVcpu = LIST_PRICES.dearestVcpuHour + BESIDE / 2;
    await spentToday(10 - 2.5 * perVcpu * 0.5);
    await ensure(8);
    expect(asked()).toEqual([2]);
  });

  test('is made again on the next day, and says so', async () => {
    await spentToday(10);
    await ensure(4);
    const tomorrow = NOON + 24 * 60 * MINUTE;
    await ensure(4, SPENDING, tomorrow);
    expect(asked()).toEqual([4]);
    expect((await readSpending(uploads, tomorrow)).heldBy).toBeUndefined();
  });

  test('is made again when its owner resumes', async () => {
    await spentToday(10);
    await ensure(4);
    expect(await resumeSpending(uploads, NOON)).toMatchObject({
      today: 10,
      resumed: true,
      heldBy: undefined,
    });
    await ensure(4);
    expect(asked()).toEqual([4]);
  });

  test('is made whatever was spent where there is no ceiling', async () => {
    await spentToday(1e6);
    await ensure(4, { ...SPENDING, ceilings: { daily: undefined, monthly: undefined } });
    expect(asked()).toEqual([4]);
  });

  test('is not made where it can not be counted', async () => {
    s3.on(PutObjectCommand, { Key: LEDGER_KEY }).rejects(s3Error(403, 'AccessDenied'));
    await expect(ensure(4)).rejects.toThrow();
    expect(asked()).toEqual([]);
  });

  test('of several at once is never more than what is left pays for', async () => {
    const perVcpu = LIST_PRICES.dearestVcpuHour + BESIDE / 2;
    await spentToday(10 - 4.5 * perVcpu * 0.5);
    let machines = 0;
    ec2.on(CreateFleetCommand).callsFake(async ({ TargetCapacitySpecification }) => {
      const count = Math.ceil(TargetCapacitySpecification.TotalTargetCapacity / 2);
      return launched('c7g.large', ...Array.from({ length: count }, () => `i-${machines++}`));
    });
    ec2.on(DescribeSpotPriceHistoryCommand).resolves({}); // each counts as it was set aside
    await Promise.all(Array.from({ length: 4 }, () => ensure(2)));
    expect(machines).toBeLessThanOrEqual(2);
    expect(machines).toBeGreaterThan(0);
  });
});

describe('a machine that ends', () => {
  test('costs no more from then on', async () => {
    await ensure(4);
    await countEnd(uploads, 'i-1', new Date(NOON + 30 * MINUTE));
    const { days, running: left } = await ledger();
    expect(Object.keys(left)).toEqual(['i-2']);
    expect(days['2026-11-21']).toBeCloseTo((0.03 + BESIDE) / 2, 10);
  });

  test('and is not ours changes nothing', async () => {
    await ensure(4);
    const puts = s3.commandCalls(PutObjectCommand).length;
    await countEnd(uploads, 'i-other', new Date(NOON));
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(puts);
  });
});

describe('mend', () => {
  test('ends the count of machines that are gone, but of none that EC2 may not list yet', async () => {
    await ensure(4);
    await mend(0.5);
    expect(Object.keys((await ledger()).running)).toEqual(['i-1', 'i-2']);
    running(['i-2', 0]);
    await mend(15);
    expect(Object.keys((await ledger()).running)).toEqual(['i-2']);
    expect((await ledger()).days['2026-11-21']).toBeCloseTo((2 * (0.03 + BESIDE)) / 4, 10);
  });

  test('counts machines that nobody counted, from their launch on', async () => {
    running(['i-lost', 60]);
    await mend();
    expect((await readSpending(uploads, NOON)).today).toBeCloseTo(
      2 * LIST_PRICES.dearestVcpuHour + BESIDE,
      10,
    );
  });

  test('ends all machines at the ceiling, so that their tasks wait', async () => {
    await ensure(4);
    running(['i-1', 0], ['i-2', 0]);
    await spentToday(9.999);
    expect(await mend()).toBe('daily');
    expect(terminated()).toEqual(['i-1', 'i-2']);
    expect(logged()).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'spending-ceiling-reached', by: 'daily' }),
    );
  });

  test('says that a ceiling holds, and ends the others, where EC2 does not end some', async () => {
    const ids = Array.from({ length: 501 }, (_, index) => `i-${index}`);
    running(...ids.map((id) => [id, 0] as const));
    ec2.on(TerminateInstancesCommand).rejectsOnce(new Error('RequestLimitExceeded')).resolves({});
    expect(await mend()).toBe('daily');
    expect(terminated()).toEqual(ids);
    expect(logged()).toContainEqual(
      expect.objectContaining({ event: 'machines-not-ended', machines: 500, FunctionErrors: 1 }),
    );
  });

  test('launches nothing after that, of what is left, until the next day', async () => {
    await uploads.put(
      LEDGER_KEY,
      toStoredJson(started({ days: { '2026-11-21': 9.91 }, running: {} }, { 'i-0': 0.4 }, NOON)),
      { contentType: 'application/json' },
    );
    running(['i-0', 0]);
    expect(await mend()).toBe('daily');
    running();
    await countEnd(uploads, 'i-0', new Date(NOON));
    expect(affordable(await ledger(), SPENDING.ceilings, NOON).usdPerHour).toBeGreaterThan(SMALLEST);
    await ensure(4);
    expect(await mend(15)).toBe('daily');
    await ensure(4, SPENDING, NOON + 16 * MINUTE);
    expect(asked()).toEqual([]);
    await ensure(4, SPENDING, NOON + 12 * 60 * MINUTE);
    expect(asked()).toEqual([4]);
  });

  test('holds nothing back any more when a launch that was refused could be paid, though none is asked for', async () => {
    await spentToday(10 - 0.9 * SMALLEST);
    running(['i-1', 0]);
    await mend();
    await ensure(4);
    expect(await mend(1)).toBe('daily');
    running();
    expect(await mend(2)).toBeUndefined();
    expect((await readSpending(uploads, NOON)).heldBy).toBeUndefined();
  });

  test('writes nothing on a day on which nothing runs', async () => {
    await spentToday(5);
    const puts = s3.commandCalls(PutObjectCommand).length;
    for (let minutes = 0; minutes < 24 * 60; minutes += 15) await mend(minutes);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(puts);
  });

  test.each([
    ['below the ceiling', 5, false],
    ['where the ceilings are lifted', 20, true],
  ])('lets machines run %s', async (_, usd, lifted) => {
    running(['i-1', 0]);
    await spentToday(usd);
    if (lifted) await resumeSpending(uploads, NOON);
    expect(await mend()).toBeUndefined();
    expect(terminated()).toEqual([]);
  });
});
