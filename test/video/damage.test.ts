import { describe, expect, test } from '@jest/globals';
import { damageFindings, PictureWatch } from '../../video/damage.ts';
import { countPictures } from '../../video/packets.ts';
import { tinyPlan } from '../support/tiny-video.ts';

const plan = tinyPlan('000000000000'); // 200 pictures at 25 a second, a tick each; chunks of 100
const shown = (pts: number) =>
  `[showinfo@source @ 0x55] [info] n:   0 pts: ${pts} pts_time:1 pos: 1 fmt:yuv420p`;

test('a chunk counts its own pictures, and as faulty the one after the complaint', () => {
  const watch = new PictureWatch(plan, { from: 100, to: 200 });
  const faulty = '[warning] source: corrupt decoded frame in stream 0';
  for (const line of [faulty, shown(99), shown(100), faulty, shown(150), shown(199), shown(200)])
    watch.read(line);
  expect(watch.seen()).toEqual({ decoded: 3, damaged: 1 });
});

describe('the sentence', () => {
  test.each([
    [
      'nothing was lost',
      [
        { decoded: 100, damaged: 0 },
        { decoded: 100, damaged: 0 },
      ],
      undefined,
    ],
    [
      'two pictures are not worth one',
      [
        { decoded: 99, damaged: 1 },
        { decoded: 100, damaged: 0 },
      ],
      undefined,
    ],
    ['a chunk did not count, so nobody knows', [{ decoded: 50, damaged: 0 }], undefined],
    [
      'the chunks are summed',
      [
        { decoded: 90, damaged: 5 },
        { decoded: 80, damaged: 0 },
      ],
      /30 could not.*5 came out.*\(1\.40 s of 8\.0 s\)/,
    ],
  ])('%s', (_, chunks, words) => {
    const [finding] = damageFindings(plan, chunks);
    if (words) expect(finding).toMatchObject({ code: 'damaged', text: expect.stringMatching(words) });
    else expect(finding).toBeUndefined();
  });
});

test('a hidden frame with the time of a shown one, or a millisecond beside it, is no picture', () => {
  expect(countPictures([0, 41, 42, 83, 125, 125, 167], 0.001)).toBe(5);
});
