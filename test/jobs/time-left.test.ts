/** How long the rest of an encode takes. */
import { describe, expect, test } from '@jest/globals';
import { makespan, Speed } from '../../jobs/time-left.ts';

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

describe('speed', () => {
  test('is the plan’s before anything was measured, and what was measured soon after', () => {
    const speed = new Speed();
    expect(speed.workPerSecond).toBe(1);
    for (let second = 0; second < 10; second++) speed.measured(0.25, 1);
    expect(speed.workPerSecond).toBeCloseTo(0.25, 1);
  });
  test('follows a machine that gets slower', () => {
    const speed = new Speed();
    for (let second = 0; second < 200; second++) speed.measured(1, 1);
    for (let second = 0; second < 200; second++) speed.measured(0.5, 1);
    expect(speed.workPerSecond).toBeCloseTo(0.5, 1);
  });
  test('is never nothing: a stall does not make the time left endless', () => {
    const speed = new Speed();
    speed.measured(0.1, 30);
    expect(speed.workPerSecond).toBeGreaterThan(0);
  });
});
