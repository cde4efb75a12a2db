import { describe, expect, test } from '@jest/globals';
import { choosePoster } from '../../video/poster.ts';
import {
  chooseRung,
  previewTiles,
  sheetsOf,
  storyboardVtt,
  thumbnailsOf,
  tilesOf,
} from '../../video/stills.ts';

const HOUR = 3600;
const grid = (seconds: number, rate = 25) => ({
  frames: seconds * rate,
  gopFrames: 2 * rate,
  rate: { num: rate, den: 1 },
});

describe('a storyboard', () => {
  test.each([
    ['a twentieth of a second', 0.04, 1, 0.04],
    ['two seconds', 2, 10, 0.2],
    ['ten seconds', 10, 10, 1],
    ['twenty seconds', 20, 10, 2],
    ['six minutes', 360, 180, 2],
    ['ten minutes', 600, 150, 4],
    ['two hours', 2 * HOUR, 200, 36],
    ['twelve hours', 12 * HOUR, 200, 216],
  ])('of %s has tiles enough, and not too many', (_, seconds, count, each) => {
    const tiles = tilesOf(grid(seconds));
    expect(tiles).toHaveLength(count);
    expect((tiles[0]?.to ?? 0) / 25).toBeCloseTo(each);
  });

  test.each([1, 7, 49, 50, 51, 499, 500, 501, 10_001, 99_999, 1_080_000])(
    'of %i frames covers each once, by a frame in the middle',
    (frames) => {
      const plan = { ...grid(1), frames };
      const tiles = tilesOf(plan);
      expect(tiles[0]?.from).toBe(0);
      expect(tiles.at(-1)?.to).toBe(frames);
      for (const [index, { from, to, shown }] of tiles.entries()) {
        expect(to).toBe(tiles[index + 1]?.from ?? frames);
        expect(shown).toBeGreaterThanOrEqual(from);
        expect(shown).toBeLessThan(to);
        expect(Math.abs(shown - (from + to) / 2)).toBeLessThanOrEqual(plan.gopFrames);
      }
    },
  );

  test('of a long video is made of key frames alone', () => {
    expect(tilesOf(grid(HOUR)).every(({ shown }) => shown % 50 === 0)).toBe(true);
  });

  test('tells players where each tile lies, sheet by sheet', () => {
    const cues = storyboardVtt(grid(120), { width: 192, height: 108 }).split('\n\n');
    expect(cues[0]).toBe('WEBVTT');
    expect(cues[1]).toBe('00:00:00.000 --> 00:00:02.000\nsprite-00.jpg#xywh=0,0,192,108');
    expect(cues[7]).toBe('00:00:12.000 --> 00:00:14.000\nsprite-00.jpg#xywh=192,108,192,108');
    expect(cues[26]).toBe('00:00:50.000 --> 00:00:52.000\nsprite-01.jpg#xywh=0,0,192,108');
    expect(cues).toHaveLength(61);
  });

  test('counts hours, and thousandths of uneven rates', () => {
    const rate = { num: 30_000, den: 1001 };
    const text = storyboardVtt({ frames: 30 * 2 * HOUR, gopFrames: 60, rate }, { width: 8, height: 8 });
    expect(text).toContain('00:00:36.036 --> 00:01:12.072');
    expect(text).toContain('--> 02:00:07.200');
  });

  test.each([
    [1, { columns: 1, rows: 1, sheets: 1 }],
    [10, { columns: 5, rows: 2, sheets: 1 }],
    [25, { columns: 5, rows: 5, sheets: 1 }],
    [26, { columns: 5, rows: 5, sheets: 2 }],
    [200, { columns: 5, rows: 5, sheets: 8 }],
  ])('of %i tiles needs these sheets', (tiles, sheets) => {
    expect(sheetsOf(tiles)).toEqual(sheets);
  });
});

test.each([
  [1, []],
  [2, [0, 1]],
  [10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [200, [10, 30, 50, 70, 90, 110, 130, 150, 170, 190]],
])(
  'the preview of %i tiles shows some of every part, and none where it would stand still',
  (tiles, shown) => {
    expect(previewTiles(tiles)).toEqual(shown);
  },
);

test.each([
  ['landscape', { width: 1280, height: 720 }, ['1280x720', '640x360', '320x180']],
  ['portrait', { width: 1080, height: 1920 }, ['1080x1920', '640x1138', '320x568']],
  ['tiny', { width: 160, height: 120 }, ['160x120']],
])('thumbnails of a %s picture are never wider than it is', (_, picture, sizes) => {
  const made = thumbnailsOf({ thumbnailWidths: [320, 640, 1280] }, picture);
  expect(made.map(({ width, height }) => `${width}x${height}`)).toEqual(sizes);
});

describe('pictures are taken from the smallest H.264 rung that is large enough', () => {
  const rung = (width: number, codec: 'h264' | 'hevc') => ({
    rung: {
      ...{ name: `${width}`, width, height: width / 2 },
      codec,
      range: 'SDR' as const,
      crf: 23,
      maxKbps: 1,
    },
    objects: [],
  });
  const rungs = [rung(1920, 'hevc'), rung(1280, 'h264'), rung(640, 'h264'), rung(320, 'hevc')];
  test.each([
    [1000, '1280'],
    [600, '640'],
    [100, '640'],
    [1900, '1280'],
  ])('for %i pixels it is %s', (wanted, name) => {
    expect(chooseRung(rungs, ({ width }) => width >= wanted)?.rung.name).toBe(name);
  });
});

describe('the poster', () => {
  const [width, height] = [32, 18];
  const picture = (level: (x: number, y: number) => number) =>
    Uint8Array.from({ length: width * height }, (_, at) => level(at % width, Math.floor(at / width)));
  const black = picture(() => 16);
  const white = picture(() => 235);
  const plain = picture(() => 120);
  const dim = picture((x) => 18 + (x % 4));
  const scene = picture((x, y) => 60 + ((x * 37 + y * 91) % 120));
  const blurred = picture((x) => 60 + 3 * x);

  test.each([
    ['not black', [black, black, scene], 2],
    ['not white', [white, scene, white], 1],
    ['not of one colour', [plain, plain, scene, plain], 2],
    ['not in the middle of a fade', [black, dim, scene, dim, black], 2],
    ['not blurred', [blurred, scene, blurred], 1],
    ['the first of equals', [black, scene, scene], 1],
    ['the liveliest where all are dark', [black, dim, black], 1],
    ['the only one', [black], 0],
  ])('is %s', (_, frames, chosen) => {
    expect(choosePoster(frames, width)).toBe(chosen);
  });

  test('is like the most of what can be seen', () => {
    const other = picture((x, y) => 150 + ((x * 37 + y * 91) % 60) * ((x + y) % 2));
    expect(choosePoster([other, scene, scene, scene], width)).toBe(1);
  });
});
