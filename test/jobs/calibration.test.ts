/** What is learnt from finished videos, and the work that a queue is taken for. */
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import {
  backlogWork,
  type Calibration,
  calibrated,
  calibrationSchema,
  learnFrom,
  readCalibration,
  UNCALIBRATED,
} from '../../jobs/calibration.ts';
import { capacityKeys } from '../../jobs/names.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { captureLog } from '../support/log-lines.ts';
import { jsonObject, s3Error } from '../support/s3-objects.ts';

const spent = (plannedSeconds: number, spentSeconds: number, tasks = 10) => ({
  plannedSeconds,
  spentSeconds,
  tasks,
});

describe('a video that cost more than planned', () => {
  test('raises the factor, a long one more than a short one', () => {
    const factorAfter = (planned: number) => calibrated(UNCALIBRATED, spent(planned, 2 * planned)).factor;
    expect(factorAfter(10)).toBeCloseTo(1, 2);
    expect(factorAfter(700)).toBeCloseTo(1.18, 2);
    expect(factorAfter(50_000)).toBeCloseTo(2, 2);
  });

  test('again and again leads to what it costs', () => {
    let calibration: Calibration = UNCALIBRATED;
    for (let video = 0; video < 50; video++) calibration = calibrated(calibration, spent(700, 1050, 25));
    expect(calibration.factor).toBeCloseTo(1.5, 2);
    expect(calibration.taskSeconds).toBeCloseTo(42, 1);
  });
});

test('whatever is measured, the factor stays between a quarter and four', () => {
  const seconds = fc.double({ min: 0, max: 1e7, noNaN: true });
  const videos = fc.array(fc.tuple(seconds, seconds, fc.integer({ min: 1, max: 5000 })), { maxLength: 20 });
  fc.assert(
    fc.property(videos, (all) => {
      let calibration: Calibration = UNCALIBRATED;
      for (const [planned, cost, tasks] of all)
        calibration = calibrated(calibration, spent(planned + 0.01, cost, tasks));
      expect(calibrationSchema.safeParse(calibration).success).toBe(true);
    }),
  );
});

describe('the work of a queue', () => {
  const calibration = { factor: 1.5, taskSeconds: 20 };
  test.each([
    ['is the plan’s, corrected, where its tasks are all there is', 10, 300, 10, { tasks: 10, seconds: 450 }],
    ['is the plan’s also before its tasks are counted', 10, 300, 0, { tasks: 10, seconds: 450 }],
    ['counts other messages as average tasks', 10, 300, 15, { tasks: 15, seconds: 550 }],
    ['is average tasks alone where no plan is at hand', 0, 0, 15, { tasks: 15, seconds: 300 }],
  ])('%s', (_, tasks, seconds, messages, expected) => {
    expect(backlogWork({ tasks, seconds }, messages, calibration)).toEqual(expected);
  });
});

describe('in the upload bucket', () => {
  const s3 = mockClient(S3Client);
  const uploads = new ObjectStore(new S3Client({}), 'uploads-bucket');
  const receipts = [{ cpuSeconds: 400 }, { cpuSeconds: 1000 }];
  const learn = () => learnFrom(uploads, { workSeconds: 700 }, receipts);
  const written = () =>
    s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => ({
      ...calibrationSchema.parse(JSON.parse(String(input.Body))),
      key: input.Key,
      condition: input.IfMatch ?? input.IfNoneMatch,
    }));
  let logged: ReturnType<typeof captureLog>;

  beforeEach(() => {
    s3.reset();
    s3.on(PutObjectCommand).resolves({});
    s3.on(HeadObjectCommand).rejects(s3Error(404, 'NotFound'));
    s3.on(GetObjectCommand).rejects(s3Error(404, 'NoSuchKey'));
    logged = captureLog();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('the first video is learnt from where nothing is', async () => {
    await learn();
    expect(written()).toEqual([
      {
        ...calibrated(UNCALIBRATED, spent(700, 1400, 2)),
        key: capacityKeys.calibration,
        condition: '*',
      },
    ]);
  });

  test('a later one replaces the version that it was learnt with', async () => {
    const before = { factor: 2, taskSeconds: 10 };
    s3.on(HeadObjectCommand).resolves({ ETag: '"v7"' });
    s3.on(GetObjectCommand).callsFake(() => jsonObject(before));
    await learn();
    expect(written()).toEqual([
      { ...calibrated(before, spent(700, 1400, 2)), key: capacityKeys.calibration, condition: '"v7"' },
    ]);
  });

  test('one that loses a race is skipped', async () => {
    s3.on(PutObjectCommand).rejects(s3Error(412, 'PreconditionFailed'));
    await learn();
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
    expect(logged()).toMatchObject([{ level: 'info', event: 'hint-not-written' }]);
  });

  test('one that cannot be written fails nothing', async () => {
    s3.on(HeadObjectCommand).rejects(s3Error(403, 'AccessDenied'));
    await learn();
    expect(logged()).toMatchObject([{ level: 'warn', event: 'hint-not-written' }]);
  });

  test.each([
    ['nothing', () => s3.on(GetObjectCommand).rejects(s3Error(404, 'NoSuchKey'))],
    ['what cannot be read', () => s3.on(GetObjectCommand).rejects(s3Error(403, 'AccessDenied'))],
    ['nonsense', () => s3.on(GetObjectCommand).callsFake(() => jsonObject('{'))],
    [
      'a factor beyond all measure',
      () => s3.on(GetObjectCommand).callsFake(() => jsonObject({ factor: 40, taskSeconds: 9 })),
    ],
  ])('%s counts as uncalibrated', async (_, answer) => {
    answer();
    expect(await readCalibration(uploads)).toEqual(UNCALIBRATED);
  });
});
