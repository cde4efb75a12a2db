/** The simulation's parts keep their promises, and no run loses a video. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ASSUMPTIONS } from '../../bench/simulate/assumptions.ts';
import { Clock } from '../../bench/simulate/clock.ts';
import { Fifo } from '../../bench/simulate/fifo.ts';
import { checksOf } from '../../bench/simulate/limits.ts';
import { SpotMarket } from '../../bench/simulate/market.ts';
import { fewestTokens, Meter } from '../../bench/simulate/meter.ts';
import { Random } from '../../bench/simulate/random.ts';
import { duration, percentile, report } from '../../bench/simulate/report.ts';
import { requestsOf, type Step, sum } from '../../bench/simulate/requests.ts';
import { SCENARIOS, type Scenario } from '../../bench/simulate/scenarios.ts';
import { type Result, simulate } from '../../bench/simulate/simulation.ts';
import { FEATURE_4K, lengths, mixedPlans, plan } from '../../bench/simulate/sources.ts';
import { plot } from '../../bench/simulate/svg.ts';
import { TaskQueue, type Video } from '../../bench/simulate/task-queue.ts';
import { packetsTimeout } from '../../video/packets.ts';

describe('clock', () => {
  test('things happen in the order of their times, at their times, at equal times as they were given', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (delays) => {
        const clock = new Clock();
        const done: { at: number; index: number }[] = [];
        for (const [index, delay] of delays.entries())
          clock.after(delay, () => done.push({ at: clock.now, index }));
        while (clock.step());
        const expected = delays
          .map((at, index) => ({ at, index }))
          .toSorted((a, b) => a.at - b.at || a.index - b.index);
        expect(done).toEqual(expected);
      }),
    );
  });

  test('what happens may plan further things, also for the same moment', () => {
    const clock = new Clock();
    const times: number[] = [];
    clock.after(5, () => {
      clock.after(0, () => times.push(clock.now));
      clock.after(2, () => times.push(clock.now));
    });
    clock.after(6, () => times.push(clock.now));
    while (clock.step());
    expect(times).toEqual([5, 6, 7]);
  });

  test.each([-1, Number.NaN])('%d seconds from now is refused', (seconds) => {
    expect(() => new Clock().after(seconds, () => undefined)).toThrow(RangeError);
  });
});

test('a queue gives back what was put in, oldest first', () => {
  const fifo = new Fifo<number>();
  const taken: number[] = [];
  for (let index = 0; index < 5000; index++) {
    fifo.push(index);
    if (index % 3 > 0) taken.push(fifo.shift() ?? Number.NaN);
  }
  expect(fifo.length).toBe(5000 - taken.length);
  while (fifo.length > 0) taken.push(fifo.shift() ?? Number.NaN);
  expect(taken).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  expect(fifo.shift()).toBeUndefined();
});

describe('chance', () => {
  const draw = (random: Random) => Array.from({ length: 1000 }, () => random.next());

  test('repeats with seed and purpose, and differs without', () => {
    expect(draw(new Random(1, 'a'))).toEqual(draw(new Random(1, 'a')));
    expect(draw(new Random(1, 'a'))).not.toEqual(draw(new Random(2, 'a')));
    expect(draw(new Random(1, 'a'))).not.toEqual(draw(new Random(1, 'b')));
  });

  test('has the means that its distributions promise', () => {
    const random = new Random(7, 'means');
    const mean = (next: () => number) => sum(Array.from({ length: 20_000 }, next)) / 20_000;
    expect(mean(() => random.next())).toBeCloseTo(0.5, 1);
    expect(mean(() => random.exponential(0.25))).toBeCloseTo(4, 0);
    expect(mean(() => Math.log(random.logNormal(Math.E, 0.5)))).toBeCloseTo(1, 1);
    expect(random.exponential(0)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('every assumption says where it comes from', () => {
  for (const { value, unit, source } of Object.values(ASSUMPTIONS)) {
    expect(value).toBeGreaterThan(0);
    expect(unit).not.toBe('');
    expect(source).toMatch(
      /^(assumed|measured|https:|McGrady|the same paper|a new account|default of|(lib|video)\/)/,
    );
  }
});

describe('sources', () => {
  test('lengths lie between the shortest and the limit, around the median of the assumption', () => {
    const all = lengths(1);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(ASSUMPTIONS.lengthShortest.value);
    expect(Math.max(...all)).toBeLessThan(12 * 3600);
    expect(Math.abs((all[all.length >> 1] ?? 0) / ASSUMPTIONS.lengthMedian.value - 1)).toBeLessThan(0.2);
  });

  test('the tasks are those of the real plan, and their work is the whole', () => {
    const planned = plan(FEATURE_4K, 600);
    expect(planned.seconds).toBeCloseTo(600, 1);
    expect(planned.tasks.filter(({ kind }) => kind === 'chunk').length).toBeGreaterThan(15);
    expect(planned.tasks.filter(({ kind }) => kind === 'audio')).toHaveLength(1);
    expect(sum(planned.tasks.map(({ work }) => work))).toBeCloseTo(planned.work, 1);
  });
});

describe('tasks queue', () => {
  const short = plan(FEATURE_4K, 60);
  const video = (): Video => ({
    planned: short,
    uploadedAt: 0,
    waiting: [],
    left: 0,
    spent: 0,
    ended: false,
  });

  test('a long video does not keep a short one waiting', () => {
    const queue = new TaskQueue();
    const [long, late] = [video(), video()];
    for (let task = 0; task < 1000; task++) queue.send(long, task);
    queue.take();
    queue.send(late, 0);
    const next = [queue.take(), queue.take()];
    expect(next.some((message) => message?.video === late)).toBe(true);
  });

  test('whatever is sent is taken once', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(4)), { maxLength: 300 }), (operations) => {
        const queue = new TaskQueue();
        const videos = Array.from({ length: 5 }, video);
        const sent = new Set<string>();
        const taken: string[] = [];
        const take = () => {
          const message = queue.take();
          if (message) taken.push(`${videos.indexOf(message.video)} ${message.task}`);
          return message;
        };
        for (const [task, operation] of operations.entries()) {
          const target = operation === null ? undefined : videos[operation];
          if (!target) take();
          else {
            queue.send(target, task);
            sent.add(`${operation} ${task}`);
          }
          expect(queue.count).toBe(sent.size - taken.length);
        }
        while (take());
        expect(taken).toHaveLength(sent.size);
        expect(new Set(taken)).toEqual(sent);
      }),
    );
  });
});

describe('spot market', () => {
  const request = (targetVcpus: number, largestVcpus: number) => ({
    targetVcpus,
    smallestVcpus: 2,
    largestVcpus,
  });

  test('a fleet gets its target, or beyond it by less than its last machine, from pools that have it', () => {
    const market = new SpotMarket(1, 3, 0.01);
    for (const [target, largest] of [
      [2, 2],
      [3, 2],
      [100, 16],
      [5000, 16],
    ] as const) {
      const vcpus = market.take(0, 'arm64', request(target, largest), 1e6).map((pool) => pool.vcpus);
      expect(Math.max(...vcpus)).toBeLessThanOrEqual(largest);
      expect(sum(vcpus)).toBeGreaterThanOrEqual(target);
      expect(sum(vcpus.slice(0, -1))).toBeLessThan(target);
    }
    for (const pool of market.pools) expect(pool.used).toBeLessThanOrEqual(pool.depth);
  });

  test('never goes beyond a quota', () => {
    const market = new SpotMarket(1, 3, 0.01);
    expect(sum(market.take(0, 'arm64', request(100, 16), 37).map((pool) => pool.vcpus))).toBeLessThanOrEqual(
      37,
    );
    expect(market.take(0, 'arm64', request(100, 16), 1)).toEqual([]);
  });

  test('has no more than its pools have', () => {
    const market = new SpotMarket(1, 1, 0.01);
    const vcpus = sum(market.take(0, 'arm64', request(1e7, 32), 1e7).map((pool) => pool.vcpus));
    expect(vcpus).toBeGreaterThan(0);
    expect(vcpus).toBeLessThan(1e7);
    expect(market.take(0, 'arm64', request(2, 2), 1e7)).toEqual([]);
  });
});

describe('meter', () => {
  test('counts by second', () => {
    const meter = new Meter<Step>();
    meter.add('chunk', 2.9);
    meter.add('chunk', 2.1, 3);
    meter.add('chunk', 0);
    expect(meter.of('chunk')).toEqual([1, 0, 4]);
    expect(requestsOf(meter, 'jobs/ reads')).toEqual([5, 0, 20]);
    expect(requestsOf(meter, 'CreateFleet')).toEqual([]);
  });

  test.each([
    ['none is used', [], 10],
    ['all at once fits the bucket', [10], 0],
    ['a second later only the refill is there', [10, 3], -1],
    ['a pause fills it again, but never beyond its size', [10, 0, 0, 0, 0, 0, 0, 0, 11], -1],
    ['what was throttled is not owed', [20, 2, 2], -10],
  ])('a token bucket of 10 that gets 2 a second: %s', (_, counts, fewest) => {
    expect(fewestTokens(counts, 10, 2)).toBe(fewest);
  });
});

test.each([
  [59.96, '60.0 s'],
  [61.5, '1 min 02 s'],
  [3599.6, '1 h 00 min'],
  [5000, '1 h 23 min'],
])('%d seconds read %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test.each([
  [0.5, 5],
  [0.9, 9],
  [0.99, 10],
  [1, 10],
])('the %d share of one to ten is %d', (share, value) => {
  expect(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], share)).toBe(value);
});

describe('a run', () => {
  const scenario = (changes: Partial<Scenario> = {}): Scenario => ({
    name: 'test',
    title: 'A test',
    maxVcpus: 64,
    interruptions: 6,
    raised: { spotQuota: 200 },
    sampleSeconds: 5,
    uploads: function* (seed) {
      const next = mixedPlans(seed);
      for (let index = 0; index < 60; index++) yield { at: index, planned: next() };
    },
    ...changes,
  });
  const result = simulate(scenario(), 5);

  test('ends every video, although machines are taken back all the time', () => {
    expect(result.uploaded).toBe(60);
    expect(result.turnarounds).toHaveLength(60);
    expect(Math.min(...result.turnarounds)).toBeGreaterThan(ASSUMPTIONS.eventDelay.value);
    expect(result.fleet.interruptions).toBeGreaterThan(20);
    expect(result.fleet.withoutNotice).toBeGreaterThan(0);
    expect(result.fleet.repeated).toBeGreaterThan(0);
  });

  test('does every task exactly once to its end', () => {
    const next = mixedPlans(5);
    const tasks = sum(Array.from({ length: 60 }, () => next().tasks.length));
    expect(result.steps.total('chunk') + result.steps.total('audio')).toBe(tasks);
    expect(result.steps.total('plan')).toBe(60);
    expect(result.steps.total('publish')).toBe(60);
  });

  test('leaves no machine and no message, and never had less than none', () => {
    for (const { at: _, ...counts } of result.samples)
      for (const count of Object.values(counts)) expect(count).toBeGreaterThanOrEqual(0);
    expect(result.samples.at(-1)).toMatchObject({
      vcpus: 0,
      machines: 0,
      running: 0,
      inFlight: 0,
      waiting: 0,
      events: 0,
    });
    for (const { vcpus } of result.samples) expect(vcpus).toBeLessThanOrEqual(200);
    for (const { running, vcpus } of result.samples) expect(running).toBeLessThanOrEqual(vcpus);
  });

  test('pays for every vCPU that worked', () => {
    const { vcpuHours, machineHours, done, repeated, spot } = result.fleet;
    expect(vcpuHours * 3600).toBeGreaterThanOrEqual(done + repeated);
    expect(machineHours).toBeLessThanOrEqual(vcpuHours / 2);
    expect(spot).toBeGreaterThan(0);
  });

  test('is the same with the same seed, and another with another', () => {
    const text = (one: Result) => report(one).lines.join('\n');
    expect(text(simulate(scenario(), 5))).toBe(text(result));
    expect(text(simulate(scenario(), 6))).not.toBe(text(result));
  });

  test('a short video is ready before a long one that came a little earlier', () => {
    const [long, short] = [plan(FEATURE_4K, 1800), plan(FEATURE_4K, 20)];
    const uploads = () => [
      { at: 0, planned: long },
      { at: 5, planned: short },
    ];
    const { turnarounds } = simulate(scenario({ uploads, maxVcpus: 8, interruptions: 0 }), 1);
    // In the order of their ends.
    expect((turnarounds[0] ?? 0) + 60).toBeLessThan(turnarounds[1] ?? 0);
  });

  test('says which limit it exceeds', () => {
    const failing = (one: Result) => checksOf(one).filter(({ ok }) => !ok);
    const calm = { interruptions: 0, maxVcpus: 16 };
    expect(failing(simulate(scenario(calm), 5))).toEqual([]);
    const poor = simulate(scenario({ ...calm, raised: {} }), 5);
    expect(failing(poor)).toEqual([
      expect.objectContaining({ name: 'EC2 spot quota, for maxVcpus', limit: 5 }),
    ]);
    expect(report(poor).ok).toBe(false);
  });

  test('is plotted for light and for dark pages', () => {
    const svg = plot('A test', result.samples);
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 720 \d+"[\s\S]*prefers-color-scheme:dark[\s\S]*<\/svg>\n$/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

test.each([1e6, 1e9, 50e9, 5e12])(
  'a plan task of %d bytes has twice the time that reading them takes',
  (bytes) => {
    expect(packetsTimeout(bytes)).toBeGreaterThan((2 * bytes) / ASSUMPTIONS.readRate.value);
  },
);

test('every scenario has a name of its own and asks for no more than its owner had raised', () => {
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  for (const { maxVcpus, raised } of SCENARIOS) expect(raised.spotQuota).toBeGreaterThanOrEqual(maxVcpus);
});
