import { describe, expect, test } from '@jest/globals';
import { rational } from '../../../video/rational.ts';
import { MAX_CUES, segmentCues, TextError, timeText } from '../../../video/text/webvtt.ts';

/** Twelve seconds in segments of four. */
const timeline = { rate: rational(25, 1), frames: 300, segmentFrames: 100, delayFrames: 2 };

/** The texts of each segment's cues. */
function shown(...cues: [start: number, end: number, text: string][]): string[] {
  const files = segmentCues(
    cues.map(([start, end, text]) => ({ start, end, text })),
    timeline,
  );
  const texts = new Map(files.map(({ name, text }) => [name, text]));
  const playlist = texts.get('index.m3u8') ?? '';
  return [...playlist.matchAll(/^.*\.vtt$/gm)].map(([name]) =>
    [...(texts.get(name) ?? '').matchAll(/-->.*\n(.*)/g)].map(([, text]) => text).join(),
  );
}

describe('a cue stands in every segment that it is shown in', () => {
  test.each<[rule: string, cues: [number, number, string][], segments: string[]]>([
    ['one', [[1000, 2000, 'a']], ['a', '', '']],
    ['its last, where it ends with it', [[1000, 4000, 'a']], ['a', '', '']],
    ['its first, where it begins with it', [[4000, 4001, 'a']], ['', 'a', '']],
    [
      'all, in the order of the cues',
      [
        [0, 12_000, 'a'],
        [1000, 2000, 'b'],
        [3000, 9000, 'c'],
        [8500, 9000, 'd'],
      ],
      ['a,b,c', 'a,c', 'a,c,d'],
    ],
    [
      'none that it does not reach, whatever lasts beside it',
      [
        [0, 3000, 'a'],
        [1000, 5000, 'b'],
        [11_999, 12_000, 'c'],
      ],
      ['a,b', 'b', 'c'],
    ],
  ])('%s', (_rule, cues, segments) => expect(shown(...cues)).toEqual(segments));
});

test('as many cues as there may be are cut in one pass, and more are refused', () => {
  const many = Array.from({ length: MAX_CUES }, (_, index) => ({ start: index, end: index + 1, text: 'a' }));
  const long = { ...timeline, frames: 25 * 100, segmentFrames: 1 };
  expect(segmentCues(many, long)).toHaveLength(25 * 100 + 1);
  expect(() => segmentCues([...many, { start: 0, end: 1, text: 'a' }], long)).toThrow(TextError);
});

test.each([
  [0, '00:00:00.000'],
  [59_999, '00:00:59.999'],
  [60_000, '00:01:00.000'],
  [3_599_999, '00:59:59.999'],
  [3_723_004, '01:02:03.004'],
  [360_000_000, '100:00:00.000'],
])('%i milliseconds are %s', (milliseconds, text) => expect(timeText(milliseconds)).toBe(text));
