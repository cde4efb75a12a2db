/** What a video costs in money, by the receipts of its tasks and a list of prices. */
import { describe, expect, test } from '@jest/globals';
import { type Bill, billOf, costOf, foreseenBytes } from '../../video/cost.ts';
import { LIST_PRICES, PRICES, type Prices, pricesSchema } from '../../video/prices.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

/** Round figures, so that sums are seen at a glance. */
const prices: Prices = {
  ...LIST_PRICES,
  vcpuHour: 0.036,
  s3Write: 0.01,
  s3Read: 0.001,
  s3Month: 0.02,
  deliveredGigabyte: 0.1,
  mediaConvertMinute: 0.01,
  muxStoredMinute: 0.003,
  muxWatchedMinute: 0.002,
  cloudflareStoredMinute: 0.005,
  cloudflareWatchedMinute: 0.001,
};

const bill: Bill = {
  machinesUsd: 0.5,
  pricedBy: 'spot',
  writes: 10,
  reads: 100,
  framesPerSecond: 25,
  rungs: [
    { codec: 'h264', width: 1920, height: 1080, bytes: 9e8 },
    { codec: 'h264', width: 640, height: 360, bytes: 1e8 },
  ],
  soundBytes: 1e8,
};
const HOUR = { durationSeconds: 3600, bytes: 2e9, sourceBytes: 3e9 };

describe('the bill of an encode', () => {
  const plan = tinyPlan('000000000000');
  const priced = (...of: ReadonlyArray<readonly [cpuSeconds: number, usd?: number]>) => {
    const [receipt] = tinyReceipts();
    if (!receipt) throw new Error('There are three');
    return billOf(
      plan,
      of.map(([cpuSeconds, usd]) => ({
        ...receipt,
        cpuSeconds,
        ...(usd !== undefined && { price: { usdPerVcpuHour: usd, from: 'spot' as const } }),
      })),
      prices,
    );
  };

  test.each([
    ['each task at what its machine cost', priced([3600, 0.01], [1800, 0.03]), 0.025, 'spot'],
    ['a task whose machine told nothing at the list price', priced([3600]), 0.036, 'list'],
    ['some of each', priced([3600, 0.01], [3600]), 0.046, 'both'],
    ['none', priced(), 0, 'list'],
  ])('counts %s', (_, { machinesUsd, pricedBy }, usd, by) => {
    expect(machinesUsd).toBeCloseTo(usd, 10);
    expect(pricedBy).toBe(by);
  });

  test('counts what was stored of each picture and of the first sound', () => {
    const receipts = tinyReceipts();
    const bytes = (rendition: string) =>
      receipts
        .flatMap(({ objects }) => objects.filter((object) => object.rendition === rendition))
        .reduce((sum, object) => sum + object.bytes, 0);
    const { rungs, soundBytes } = billOf(plan, receipts, prices);
    expect(rungs.map((rung) => rung.bytes)).toEqual(plan.rungs.map(({ name }) => bytes(name)));
    expect(soundBytes).toBe(bytes('audio-0'));
    expect(soundBytes).toBeGreaterThan(0);
  });
});

describe('the cost of a video', () => {
  test('is what was paid once, what is kept, and what is watched of the highest picture with its sound', () => {
    expect(costOf(bill, HOUR, prices)).toMatchObject({
      machines: 0.5,
      requests: 10 * 0.01 + 100 * 0.001,
      storageMonth: 5 * 0.02,
      watchedHour: expect.closeTo(0.1, 10),
      pricedBy: 'spot',
    });
  });

  test('of half an hour is watched twice in an hour', () => {
    const { watchedHour } = costOf(bill, { ...HOUR, durationSeconds: 1800 }, prices);
    expect(watchedHour).toBeCloseTo(0.2, 10);
  });

  test('elsewhere is by the minute, and MediaConvert leaves storage and delivery to S3 and CloudFront', () => {
    const { elsewhere, storageMonth, watchedHour } = costOf(bill, HOUR, prices);
    expect(elsewhere).toEqual([
      { service: 'MediaConvert', once: expect.closeTo(60 * (2 + 1) * 0.01, 10), storageMonth, watchedHour },
      {
        service: 'Mux',
        once: 0,
        storageMonth: expect.closeTo(0.18, 10),
        watchedHour: expect.closeTo(0.12, 10),
      },
      {
        service: 'Cloudflare Stream',
        once: 0,
        storageMonth: expect.closeTo(0.3, 10),
        watchedHour: expect.closeTo(0.06, 10),
      },
    ]);
  });

  const size = (width: number, height: number) => ({ codec: 'h264' as const, width, height, bytes: 1 });
  test.each([
    ['SD counts one', [size(854, 480)], 25, 60],
    ['HD counts two', [size(1280, 720)], 25, 120],
    ['upright HD, too', [size(1080, 1920)], 25, 120],
    ['4K counts four', [size(3840, 2160)], 25, 240],
    ['30 frames a second are not many', [size(854, 480)], 30, 60],
    ['more count twice', [size(854, 480)], 50, 120],
    ['every picture counts', [size(1920, 1080), size(854, 480)], 25, 180],
  ])('at MediaConvert: %s', (_, rungs, framesPerSecond, minutes) => {
    const [first] = costOf({ ...bill, rungs, framesPerSecond }, HOUR, prices).elsewhere;
    expect(first?.once).toBeCloseTo(minutes * 0.01, 10);
  });

  test('a clip of a second is ten at MediaConvert', () => {
    const [first] = costOf(
      { ...bill, rungs: [size(854, 480)] },
      { ...HOUR, durationSeconds: 1 },
      prices,
    ).elsewhere;
    expect(first?.once).toBeCloseTo((10 / 60) * 0.01, 10);
  });

  test.each([
    ['sound alone', []],
    ['another codec', [size(854, 480), { ...size(854, 480), codec: 'av1' as const }]],
  ])('what %s costs at MediaConvert is not told, for no price of it is known', (_, rungs) => {
    const services = costOf({ ...bill, rungs }, HOUR, prices).elsewhere.map(({ service }) => service);
    expect(services).toEqual(['Mux', 'Cloudflare Stream']);
  });
});

describe('an estimate of what is stored', () => {
  const tiny = tinyPlan('000000000000'); // 8 s with rungs of 900 and 450 kbit/s, and a sound of 128
  const [sound] = tiny.audio;
  if (!sound) throw new Error('It has a sound');
  test.each([
    ['every rung and the sound', {}, 900 + 450 + 128],
    ['every further sound', { audio: [sound, { ...sound, kbps: 320 }] }, 900 + 450 + 128 + 320],
    ['the file for downloading, of a rung and the first sound', { download: '360p' }, 2 * (900 + 128) + 450],
    ['sound alone', { rungs: [] }, 128],
  ])('counts %s', (_, differing, kbps) => {
    expect(foreseenBytes({ ...tiny, ...differing })).toBe(kbps * 1000);
  });
});

describe('prices', () => {
  test('are all above nothing, and say where and when they were read, or that they were not', () => {
    for (const { usd, unit, source } of Object.values(PRICES)) {
      expect(usd).toBeGreaterThan(0);
      expect(unit).not.toBe('');
      expect(source).toMatch(/20\d\d-\d\d-\d\d|from memory/);
    }
  });

  test("are the list's, but for the owner's own", () => {
    expect(pricesSchema.parse({ s3Month: 0.5 })).toEqual({ ...LIST_PRICES, s3Month: 0.5 });
  });

  test.each([{ s3month: 1 }, { s3Month: -1 }, { s3Month: 'much' }])('%p is refused', (own) => {
    expect(pricesSchema.safeParse(own).success).toBe(false);
  });
});
