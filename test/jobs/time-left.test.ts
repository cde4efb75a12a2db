/** How long the rest of an encode takes. */
import { describe, expect, test } from '@jest/globals';
import { makespan, Pace } from '../../jobs/time-left.ts';

describe('works are done by lanes, each taking the next as soon as it is free', () => {
  test.each<readonly [works: number[], lanes: number, seconds: number]>([
    [[], 2, 0],
    [[3], 4, 3],
    [[1, 1, 1, 1], 2, 2],
    [[1, 1, 1, 1, 1], 2, 3],
    [[5, 1, 1, 1], 2, 5],
    [[1, 1, 1, 5], 2, 6],
    [[2, 2], 0, 4],
  ])('%j by %i take %d', (works, lanes, seconds) => {
    expect(makespan(works, lanes)).toBe(seconds);
  });
});

describe('pace', () => {
  test('is the plan’s before anything was measured, and what was measured soon after', () => {
    const pace = new Pace();
    expect(pace.workPerSecond).toBe(1);
    for (let second = 0; second < 60; second++) pace.worked(0.25, 1);
    expect(pace.workPerSecond).toBeCloseTo(0.25, 1);
  });
  test('is not what a first second tells, in which much else begins', () => {
    const pace = new Pace();
    pace.worked(0.1, 1);
    expect(pace.workPerSecond).toBeGreaterThan(0.6);
  });
  test('follows a machine that gets slower', () => {
    const pace = new Pace();
    for (let second = 0; second < 500; second++) pace.worked(1, 1);
    for (let second = 0; second < 1000; second++) pace.worked(0.5, 1);
    expect(pace.workPerSecond).toBeCloseTo(0.5, 1);
  });
  test('does not swing with a machine that others use now and then', () => {
    const pace = new Pace();
    for (let second = 0; second < 400; second++) {
      pace.worked(second % 40 < 20 ? 0.4 : 1.6, 1);
      if (second >= 80) expect(Math.abs(pace.workPerSecond - 1)).toBeLessThan(0.2);
    }
  });
  test('is never nothing: a stall does not make the time left endless', () => {
    const pace = new Pace();
    pace.worked(0.1, 30);
    expect(pace.workPerSecond).toBeGreaterThan(0);
  });
  test('keeps apart what each task costs beside its work, however short the first ones are', () => {
    const pace = new Pace();
    for (let task = 0; task < 40; task++) {
      pace.started(0.5, 4); // a second of it is work: 0.5 at 0.5 a second
      pace.worked(1.5, 3);
      pace.ended(2);
    }
    expect(pace.secondsOf(10, 0)).toBeCloseTo(3 + 20 + 2, 0);
    expect(pace.secondsOf(10, 2)).toBeCloseTo(1 + 20 + 2, 0);
    expect(pace.secondsOf(10, undefined)).toBeCloseTo(20 + 2, 0);
  });
});
