/** How many vCPUs are asked for. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CapacityNeed, capacityRequest } from '../../jobs/capacity.ts';
import { DEFAULT_INSTANCE_TYPES } from '../../lib/instance-types.ts';

const LARGES = [2, 2, 2, 2, 2, 2];
const MIXED = [...LARGES, 4, 4, 8, 8, 16];
/** Tasks that each take as long as all may take, so that each wants a vCPU. */
const need = (tasks: number, runningVcpus: number, maxVcpus: number, typeVcpus = MIXED): CapacityNeed => ({
  work: { tasks, seconds: tasks * 300 },
  targetSeconds: 300,
  runningVcpus,
  maxVcpus,
  typeVcpus,
});

describe('nothing is asked for', () => {
  test.each([
    ['there is little work, and a machine', need(0, 2, 64)],
    ['enough runs', need(3, 4, 64)],
    ['all that may run does', need(100, 64, 64)],
    ['no type fits into what is left', need(100, 63, 64)],
    ['no type fits at all', need(1, 0, 1)],
  ])('where %s', (_, given) => {
    expect(capacityRequest(given)).toBeUndefined();
  });
});

describe('is asked for', () => {
  test.each([
    ['one small machine for no work that is known yet', need(0, 0, 64), { targetVcpus: 2, largestVcpus: 2 }],
    ['one small machine for one task', need(1, 0, 64), { targetVcpus: 2, largestVcpus: 2 }],
    ['a vCPU a task that takes all the time', need(6, 0, 64), { targetVcpus: 6, largestVcpus: 2 }],
    ['only what does not run yet', need(10, 6, 64), { targetVcpus: 4, largestVcpus: 2 }],
    ['as much of a small quota as pairs of vCPUs fill', need(100, 0, 5), { targetVcpus: 4, largestVcpus: 2 }],
    ['no machine larger than a quarter of the work', need(32, 0, 1000), { targetVcpus: 32, largestVcpus: 8 }],
    [
      'less by what the last machine may carry it beyond maxVcpus',
      need(500, 0, 64),
      { targetVcpus: 50, largestVcpus: 16 },
    ],
    [
      'larger machines than the work needs, where fewer than six types were smaller',
      need(1, 0, 64, [2, 2, 2, 4, 4, 4, 8]),
      { targetVcpus: 2, largestVcpus: 4 },
    ],
    [
      'every type that fits, where there are fewer than six',
      need(1, 0, 64, [2, 8]),
      { targetVcpus: 2, largestVcpus: 8 },
    ],
    ['whole machines', need(3, 0, 64, [4, 4, 4, 4, 4, 4]), { targetVcpus: 4, largestVcpus: 4 }],
  ])('%s', (_, given, expected) => {
    expect(capacityRequest(given)).toMatchObject(expected);
  });
});

describe('a large fleet has large machines', () => {
  const [MANY] = Object.values(DEFAULT_INSTANCE_TYPES).map((types) => types.map(({ vcpus }) => vcpus));

  test.each([
    ['any, up to 400 vCPUs', 0, 400, [2, 32]],
    ['a two-hundredth of what will run, at least', 0, 401, [4, 32]],
    ['what runs counts', 1500, 4, [8, 8]],
    ['the six largest, where all are smaller than that', 23_000, 4, [32, 32]],
    ['smaller ones, where no more fits into maxVcpus', 23_980, 100, [16, 16]],
  ])('%s', (_, runningVcpus, missing, [smallestVcpus, largestVcpus]) => {
    const given = need(runningVcpus + missing, runningVcpus, 24_000, MANY);
    expect(capacityRequest(given)).toMatchObject({ smallestVcpus, largestVcpus });
  });

  test('six types at least, also where fewer are large', () => {
    const given = need(2004, 2000, 24_000, [2, 2, 4, 4, 4, 8, 8, 16]);
    expect(capacityRequest(given)).toMatchObject({ smallestVcpus: 4, largestVcpus: 16 });
  });

  test.each([
    [400, 200],
    [1000, 325],
    [4000, 525],
    [24_000, 1150],
  ])('grown to %d vCPUs by a few at a time it has %d machines', (maxVcpus, expected) => {
    let runningVcpus = 0;
    let machines = 0;
    for (;;) {
      const request = capacityRequest(need(runningVcpus + 4, runningVcpus, maxVcpus, MANY));
      if (!request) break;
      const count = Math.ceil(request.targetVcpus / request.smallestVcpus);
      machines += count;
      runningVcpus += count * request.smallestVcpus;
    }
    expect(runningVcpus).toBe(maxVcpus);
    expect(machines).toBe(expected);
  });
});

describe('the work decides', () => {
  const asked = (tasks: number, seconds: number, targetSeconds: number) =>
    capacityRequest({ ...need(0, 0, 1000), work: { tasks, seconds }, targetSeconds })?.targetVcpus;

  test.each([
    ['what finishes it within the target', 1000, 6000, 300, 20],
    ['rounded up to what a machine has', 1000, 6001, 300, 22],
    ['more for less time', 1000, 6000, 60, 100],
    ['no more than there are tasks: a task uses one vCPU', 10, 6000, 60, 10],
    ['a vCPU a task where there is no time at all: the laptop', 8, 100, 1, 8],
  ])('%s', (_, tasks, seconds, targetSeconds, expected) => {
    expect(asked(tasks, seconds, targetSeconds)).toBe(expected);
  });
});

test('more work never asks for fewer vCPUs, nor does less time', () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(1_000_000),
      fc.integer({ min: 1, max: 5000 }),
      fc.nat(200),
      (tasks, seconds, targetSeconds, more) => {
        const of = (work: { tasks: number; seconds: number }, target: number) =>
          capacityRequest({ ...need(0, 0, 1000), work, targetSeconds: target })?.targetVcpus ?? 0;
        const asked = of({ tasks, seconds }, targetSeconds);
        expect(of({ tasks, seconds: seconds + more }, targetSeconds)).toBeGreaterThanOrEqual(asked);
        expect(of({ tasks: tasks + more, seconds }, targetSeconds)).toBeGreaterThanOrEqual(asked);
        expect(of({ tasks, seconds }, targetSeconds + more)).toBeLessThanOrEqual(asked);
      },
    ),
  );
});

const fitting = (typeVcpus: readonly number[], room: number) =>
  typeVcpus.filter((vcpus) => vcpus <= room).length;

test('whichever machines a fleet picks until it has the target, maxVcpus is never exceeded', () => {
  const vcpus = fc.constantFrom(1, 2, 3, 4, 6, 8, 16, 48, 96);
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(3000),
      fc.integer({ min: 1, max: 3000 }),
      fc.array(vcpus, { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.nat(1000)),
      (tasks, runningVcpus, maxVcpus, typeVcpus, picks) => {
        const request = capacityRequest(need(tasks, runningVcpus, maxVcpus, typeVcpus));
        if (!request) return;
        const offered = typeVcpus.filter(
          (size) => size >= request.smallestVcpus && size <= request.largestVcpus,
        );
        expect(offered.length).toBeGreaterThanOrEqual(
          Math.min(6, fitting(typeVcpus, maxVcpus - runningVcpus)),
        );
        let launched = 0;
        while (launched < request.targetVcpus) {
          const pick: number = picks.next().value;
          launched += offered[pick % offered.length] ?? Number.NaN;
        }
        expect(request.targetVcpus).toBeGreaterThan(0);
        expect(runningVcpus + launched).toBeLessThanOrEqual(maxVcpus);
      },
    ),
  );
});
