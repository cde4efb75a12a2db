/** What a chunk takes is told with a little to spare, as measured (docs/encoding.md, "Memory"). */
import { expect, test } from '@jest/globals';
import { chunkMemory } from '../../video/memory.ts';
import type { Codec } from '../../video/settings.ts';

const HEIGHTS = [2160, 1440, 1080, 720, 480, 360, 240];
const source = (height: number) => ({
  codec: 'h264',
  width: Math.round((height * 16) / 9),
  height,
  frames: 100,
});
const ladder = (top: number, codecs: readonly Codec[]) =>
  codecs.flatMap((codec) =>
    HEIGHTS.filter((height) => height <= top).map((height) => ({ ...source(height), codec })),
  );

test.each<[string, number, readonly Codec[], number]>([
  ['1080p', 1080, ['h264'], 507e6],
  ['4K', 2160, ['h264'], 1_578e6],
  ['4K in three codecs', 2160, ['h264', 'hevc', 'av1'], 6_000e6],
])('%s: no less than measured, at most a fifth more', (_, top, codecs, measured) => {
  const told = chunkMemory({ picture: source(top), rungs: ladder(top, codecs) });
  expect(told / measured).toBeGreaterThanOrEqual(1);
  expect(told / measured).toBeLessThan(1.2);
});

test('a smallest machine of 4 GB encodes two chunks of 4K at once', () => {
  expect(2 * chunkMemory({ picture: source(2160), rungs: ladder(2160, ['h264']) })).toBeLessThan(0.9 * 4e9);
});

test('ten bits count twice', () => {
  const rungs = ladder(1080, ['hevc']);
  const picture = source(240);
  const more = chunkMemory({ picture, rungs: rungs.map((rung) => ({ ...rung, hdr: 'pq' })) });
  const none = chunkMemory({ picture, rungs: [] });
  expect(more - none).toBeCloseTo(2 * (chunkMemory({ picture, rungs }) - none));
});
