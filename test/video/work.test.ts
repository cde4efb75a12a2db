/** How much work an encode is, and how it is cut. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseRungs } from '../../video/ladder.ts';
import { rational } from '../../video/rational.ts';
import { type EncodeSettings, encodeSettingsSchema, presetSchema } from '../../video/settings.ts';
import {
  audioWork,
  chunkSecondsFor,
  chunkWork,
  type Shape,
  textWork,
  workPerSecond,
} from '../../video/work.ts';

const settings = encodeSettingsSchema.parse({});

/** A source of a thousand frames with the default ladder. */
const shape = (
  codec: string,
  width: number,
  height: number,
  fps: number,
  changes: Partial<Shape> = {},
): Shape => ({
  picture: { codec, width, height, frames: 1000 },
  frames: 1000,
  rate: rational(fps, 1),
  rungs: chooseRungs({ width, height }, settings),
  preset: 'veryfast',
  ...changes,
});
const work = (...args: Parameters<typeof shape>) => workPerSecond(shape(...args));

/** vCPU-seconds a second of source on two busy x86-64 cores, and of what (docs/encoding.md). */
const MEASURED = [
  { name: 'a minute of 1080p', source: shape('h264', 1920, 1080, 25), measured: 1.22 },
  { name: 'a restless part of it', source: shape('h264', 1920, 1080, 25), measured: 1.62 },
  { name: 'the same in ProRes', source: shape('prores', 1920, 1080, 25), measured: 1.91 },
  {
    name: 'a calm part of it in 4K, up to 1080p',
    source: shape('h264', 3840, 2160, 25, { rungs: shape('h264', 1920, 1080, 25).rungs }),
    measured: 2.22,
  },
  { name: 'four films in one 4K picture', source: shape('h264', 3840, 2160, 25), measured: 6.23 },
  { name: '720p', source: shape('h264', 1280, 720, 25), measured: 0.7 },
  {
    name: '180p alone',
    source: shape('h264', 320, 180, 25, { rungs: shape('h264', 320, 180, 25).rungs.slice(0, 1) }),
    measured: 0.022,
  },
];

describe('the work of a second', () => {
  test.each(MEASURED)('of $name is within a quarter of what was measured', ({ source, measured }) => {
    const estimate = workPerSecond(source);
    expect(estimate / measured).toBeGreaterThan(0.75);
    expect(estimate / measured).toBeLessThan(1.25);
  });

  test('grows with the frame rate', () => {
    expect(work('h264', 1920, 1080, 50)).toBeCloseTo(2 * work('h264', 1920, 1080, 25));
  });

  test('of a picture beyond the ladder grows by decoding and the first scaling alone', () => {
    const [hd, uhd] = [work('h264', 3840, 2160, 25), work('h264', 7680, 4320, 25)];
    expect(uhd).toBeGreaterThan(1.3 * hd);
    expect(uhd).toBeLessThan(3 * hd);
  });

  test('counts source frames that are decoded and left out', () => {
    const steady = shape('h264', 1280, 720, 60);
    const doubled = { ...steady, picture: { codec: 'h264', width: 1280, height: 720, frames: 2000 } };
    const decoding = workPerSecond(doubled) - workPerSecond(steady);
    expect(decoding).toBeGreaterThan(0);
    expect(decoding).toBeLessThan(workPerSecond(steady));
  });

  test('has decoding in it, which is all that captions inside a picture need, and other text none of', () => {
    const source = shape('h264', 1280, 720, 25, { rungs: [] });
    const seconds = source.frames / 25;
    const of = (...codecs: string[]) =>
      textWork(
        codecs.map((codec) => ({ codec })),
        source.picture,
      );
    expect(of('subrip', 'a53')).toBeCloseTo(workPerSecond(source) * seconds);
    expect(of('subrip', 'eia_608')).toBe(0);
    expect(textWork([{ codec: 'a53' }], undefined)).toBe(0);
  });

  test('differs by codec, and a codec without a figure counts as an average one', () => {
    expect(work('prores', 1920, 1080, 25)).toBeGreaterThan(work('h264', 1920, 1080, 25));
    expect(work('mpeg2video', 1920, 1080, 25)).toBeLessThan(work('h264', 1920, 1080, 25));
    const average = work('h264', 1920, 1080, 25);
    for (const codec of ['someday', 'constructor', '']) {
      expect(work(codec, 1920, 1080, 25) / average).toBeCloseTo(1, 1);
    }
  });

  test('grows with every slower preset', () => {
    const each = presetSchema.options.map((preset) => work('h264', 1920, 1080, 25, { preset }));
    expect(each).toEqual(each.toSorted((a, b) => a - b));
    expect(new Set(each).size).toBe(each.length);
  });
});

test('a picture of narrow pixels is decoded as it is coded', () => {
  const picture = { codec: 'h264', width: 640, height: 1080, frames: 1000 };
  const rungs: Shape['rungs'] = [];
  const coded = { width: 1280, height: 1080 };
  const [seen, whole] = [
    shape('', 0, 0, 25, { picture, rungs }),
    shape('', 0, 0, 25, { picture: { ...picture, coded }, rungs }),
  ];
  expect(workPerSecond(whole)).toBeCloseTo(2 * workPerSecond(seen));
});

test('sound that is measured first is more work', () => {
  expect(audioWork(10, 2, 'normalise')).toBeGreaterThan(1.3 * audioWork(10, 2, 'keep'));
});

describe('a chunk', () => {
  const chunk = (seconds: number, perSecond: number, changes: Partial<EncodeSettings> = {}) =>
    chunkSecondsFor(seconds, perSecond, { ...settings, ...changes });
  const HOUR = 3600;
  const [sd, hd, uhd60] = [
    work('h264', 854, 480, 25),
    work('h264', 1920, 1080, 25),
    work('hevc', 3840, 2160, 60),
  ];

  test.each([
    ['half a minute of a long 1080p video', HOUR, hd, 30],
    ['longer where seconds are cheap, but no longer than it may be lost', HOUR, sd, 120],
    ['shorter where they are expensive, as far as its overhead allows', HOUR, uhd60, 30],
    ['a quarter of a video of a minute', 62, hd, 18],
    ['twelve seconds of a shorter one', 30, hd, 12],
  ])('is %s', (_, seconds, perSecond, expected) => {
    expect(chunk(seconds, perSecond)).toBe(expected);
  });

  test('is longer where there is more time', () => {
    expect(chunk(HOUR, hd, { turnaroundSeconds: 600 })).toBe(54);
  });

  test('is no shorter where there is less time than its overhead allows', () => {
    expect(chunk(HOUR, hd, { turnaroundSeconds: 30 })).toBe(30);
  });

  test('is a segment where the settings leave no more', () => {
    expect(chunk(HOUR, hd, { chunkSeconds: 6 })).toBe(6);
    expect(chunk(HOUR, hd, { chunkSeconds: 6, segmentSeconds: 10, gopSeconds: 2 })).toBe(10);
  });

  const sources = fc.record({
    seconds: fc.double({ min: 0.04, max: 12 * HOUR, noNaN: true }),
    perSecond: fc.double({ min: 0.005, max: 60, noNaN: true }),
    segmentSeconds: fc.constantFrom(2, 4, 6, 8, 12),
    turnaroundSeconds: fc.integer({ min: 30, max: 86_400 }),
    chunkSeconds: fc.integer({ min: 6, max: 600 }),
  });

  test('is whole segments, at least one, and within chunkSeconds where a segment is', () => {
    fc.assert(
      fc.property(sources, ({ seconds, perSecond, ...rest }) => {
        const length = chunk(seconds, perSecond, rest);
        expect(length % rest.segmentSeconds).toBe(0);
        expect(length).toBeGreaterThan(0);
        expect(length).toBeLessThanOrEqual(Math.max(rest.chunkSeconds, rest.segmentSeconds));
      }),
    );
  });

  test('of a long video costs at most 3 % beside its frames, unless chunkSeconds forbids', () => {
    fc.assert(
      fc.property(sources, ({ perSecond, segmentSeconds, turnaroundSeconds }) => {
        const length = chunk(12 * HOUR, perSecond, { segmentSeconds, turnaroundSeconds, chunkSeconds: 6000 });
        expect(chunkWork(perSecond, length) / (perSecond * length)).toBeLessThanOrEqual(1.03 + 1e-9);
      }),
    );
  });

  test('takes at most an eighth of the turnaround where its overhead allows', () => {
    fc.assert(
      fc.property(sources, ({ perSecond, turnaroundSeconds }) => {
        const [length, shorter] = [turnaroundSeconds, 30].map((given) =>
          chunk(12 * HOUR, perSecond, { turnaroundSeconds: given, chunkSeconds: 6000 }),
        );
        if (length === shorter) return; // the overhead decided
        expect((length ?? 0) * perSecond).toBeLessThanOrEqual(turnaroundSeconds / 8 + 1e-9);
      }),
    );
  });
});

test('sound is little work beside the picture', () => {
  expect(audioWork(60, 2, 'keep')).toBeLessThan(0.05 * 60 * work('h264', 1920, 1080, 25));
});
