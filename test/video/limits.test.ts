import { expect, test } from '@jest/globals';
import { checkPixels } from '../../video/limits.ts';
import { packetsTimeout } from '../../video/packets.ts';
import { audioTimeout } from '../../video/sound-arguments.ts';
import { tinyPlan } from '../support/tiny-video.ts';

test.each([
  ['shown pixels', { width: 101, height: 100, coded: { width: 10, height: 10 } }, '101 x 100'],
  [
    'coded pixels, which a narrow shape hides',
    { width: 10, height: 100, coded: { width: 101, height: 100 } },
    '101 x 100',
  ],
])('too many %s are refused', (_, size, words) => {
  expect(() => checkPixels(size, { maxPixels: 10_000 })).toThrow(words);
  expect(() => checkPixels(size, { maxPixels: 10_100 })).not.toThrow();
});

test('short sound in a large file has the time to read all of it', () => {
  expect(audioTimeout(tinyPlan('r'), 100e9)).toBeGreaterThanOrEqual(packetsTimeout(100e9));
  expect(audioTimeout({ ...tinyPlan('r'), frames: 25 * 7200 }, 1e6)).toBeGreaterThan(7200);
});
