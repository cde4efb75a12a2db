/** What an encode may write: room for every honest one. */
import { describe, expect, test } from '@jest/globals';
import type { Rung } from '../../video/ladder.ts';
import { chunkBytes } from '../../video/written.ts';

const rate = { num: 30, den: 1 };
const rung: Rung = { name: '2160p', width: 3840, height: 2160, codec: 'h264', crf: 23, maxKbps: 15_500 };
const of = (rungs: readonly Rung[], seconds: number) =>
  chunkBytes({ rate, rungs: [...rungs] }, { from: 0, to: 30 * seconds });

describe('a chunk may be', () => {
  test.each([
    ['as long, and its cap as high, as settings allow', { ...rung, maxKbps: 72_000 }, 600],
    ['a second of which its buffer, filled before, is the most', rung, 1],
    ['capped at next to nothing', { ...rung, maxKbps: 1 }, 120],
  ])('%s', (_, one, seconds) => {
    expect(of([one], seconds)).toBeGreaterThan((one.maxKbps * 1000 * (seconds + 2)) / 8);
    expect(of([one], seconds)).toBeGreaterThanOrEqual(64e6);
  });

  test('of AV1 a quarter of a bit a pixel, as noise has, whatever its cap', () => {
    const av1: Rung = { ...rung, codec: 'av1', maxKbps: 100 };
    expect(of([av1], 120)).toBeGreaterThan((3840 * 2160 * 30 * 120) / 4 / 8);
  });

  test('all of its rungs together, and hardly more than twice what they say', () => {
    const both = [rung, { ...rung, name: '1080p', maxKbps: 5500 }];
    expect(of(both, 120)).toBeLessThan((2.1 * 21_000 * 1000 * 122) / 8 + 64e6);
  });
});
