import { describe, expect, test } from '@jest/globals';
import { wholeFrames } from '../../video/interlace.ts';

describe('the times of whole frames', () => {
  const uneven = [0, 40, 80, 100, 140, 180]; // a camera that hurried once
  const halves = [0, 20, 40, 60, 80, 100];
  const mixed = [0, 40, 60, 80, 120, 160];
  test.each([
    ['progressive frames may come as close as they like', uneven, undefined, uneven],
    ['packets twice as often as frames are halves of them', halves, undefined, [0, 40, 80]],
    ['interlaced ones may be halves here and there', mixed, 'top-first' as const, [0, 40, 80, 120, 160]],
  ])('%s', (_, pts, order, whole) => {
    expect(wholeFrames(pts, 40, order)).toEqual(whole);
  });
});
