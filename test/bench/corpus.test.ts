/** What makes a corpus run worth believing: a judge that finds each way to be wrong, and a selection that leaves nothing out. */
import { describe, expect, test } from '@jest/globals';
import { lagOf } from '../../bench/corpus/drift.ts';
import { judge } from '../../bench/corpus/judge.ts';
import { choose, type Entry, oneOfEachClass } from '../../bench/corpus/manifest.ts';
import type { Outcome, Playing } from '../../bench/corpus/run.ts';
import { rowOf, tableOf } from '../../bench/corpus/table.ts';
import { asVideoId } from '../../jobs/names.ts';
import type { Plan } from '../../video/plan.ts';

const VIDEO = asVideoId('a'.repeat(20));
const entry: Entry = {
  file: 'a.mp4',
  classes: ['mp4'],
  expected: 'playable',
  tolerance: null,
  bytes: 1,
  video: { width: 320, height: 180, sar: '1:1', rotation_cw: 0 },
  audio: [{ channels: 2 }],
  duration: 4,
};

const shown = { kind: 'video', frames: 100, start: 0.08, width: 320, height: 180 } as const;
const heard = { kind: 'audio', frames: 188, start: 0.08, width: 0, height: 0 } as const;

const playing: Playing = {
  // The judge looks at no more of a plan.
  plan: {
    picture: { stream: 0 },
    audio: [{ stream: 1 }],
    frames: 100,
    rate: { num: 25, den: 1 },
  } as unknown as Plan,
  findings: [],
  renditions: [
    { name: '180p', url: '', streams: [shown] },
    { name: 'audio-0', url: '', streams: [heard] },
  ],
  decodeErrors: [],
  violations: [],
  framesIn: 100,
  spans: new Map([
    [0, { from: 0, to: 4, sum: 4 }],
    [1, { from: 0, to: 4.01, sum: 4.01 }],
  ]),
};

const ready = (changes: Partial<Playing> = {}, of: Partial<Entry> = {}): Outcome => ({
  entry: { ...entry, ...of },
  id: VIDEO,
  state: 'ready',
  seconds: 1,
  playing: { ...playing, ...changes },
});
const failed = (code: string, of: Partial<Entry> = {}): Outcome => ({
  entry: { ...entry, ...of },
  id: VIDEO,
  state: 'failed',
  failure: { code, message: 'A sentence.' },
  seconds: 1,
});
const pictures = (...streams: Playing['renditions'][number]['streams'][number][]) => ({
  renditions: [
    ...streams.map((stream, index) => ({ name: `rung ${index}`, url: '', streams: [stream] })),
    { name: 'audio-0', url: '', streams: [heard] },
  ],
});
const portrait: Partial<Entry> = { video: { width: 320, height: 180, sar: '1:1', rotation_cw: 90 } };

describe('nothing is wrong with', () => {
  test.each<[string, Outcome]>([
    ['a stream that is as its source', ready()],
    ['a refusal that is expected', failed('empty', { expected: 'reject' })],
    ['a refusal that is tolerated', failed('no-video-stream', { tolerance: 'clean reject tolerated' })],
    ['a stream that is tolerated', ready({}, { expected: 'reject', tolerance: 'playable tolerated' })],
    [
      'other frames, where a finding says why',
      ready({ framesIn: 50, findings: [{ code: 'frame-rate', text: '' }] }),
    ],
    ['a turned picture', ready(pictures({ ...shown, width: 180, height: 320 }), portrait)],
  ])('%s', (_, outcome) => expect(judge(outcome)).toEqual([]));
});

describe('by how much the same waves come later', () => {
  const noise = Float32Array.from({ length: 20_000 }, (_, i) => Math.sin(i * i * 0.37) * Math.sin(i / 700));
  const tone = Float32Array.from({ length: 20_000 }, (_, i) => Math.sin(i / 5));
  const late = (waves: Float32Array, samples: number) => waves.map((_, i) => 0.7 * (waves[i - samples] ?? 0));
  test.each<[string, Float32Array, Float32Array, number | undefined]>([
    ['not at all', noise, noise, 0],
    ['30 ms', noise, late(noise, 120), 0.03],
    ['before', noise, late(noise, -120), -0.03],
    ['not, where a tone is a period late: nobody can tell', tone, late(tone, 31), 0],
    ['silence can not tell', noise, noise.map(() => 0), undefined],
    ['nor can another sound', noise, tone, undefined],
  ])('%s', (_, a, b, lag) => expect(lagOf(a, b, 1, 3)).toBe(lag));
});

describe('the judge finds', () => {
  test.each<[string, Outcome, RegExp]>([
    ['a file that should play and does not', failed('undecodable'), /should play: undecodable/],
    ['a file that plays and should not', ready({}, { expected: 'reject' }), /should be refused/],
    ['a file that was given up', failed('gave-up', { expected: 'reject' }), /given up, not refused/],
    ['frames that were lost', ready({ framesIn: 150 }), /150 frames went in, 100 came out/],
    [
      'frames that were not planned',
      ready(pictures({ ...shown, frames: 99 })),
      /99 frames came out, 100 were planned/,
    ],
    ['a rung that lacks a frame', ready(pictures(shown, { ...shown, frames: 99 })), /rung 1 has 99 frames/],
    ['a picture on its side', ready({}, portrait), /is 320x180, the source 180x320/],
    [
      'a stretched picture',
      ready({}, { video: { width: 320, height: 180, sar: '4:3' } }),
      /is 320x180, the source 427x180/,
    ],
    ['a missing picture', ready(pictures()), /the picture is missing/],
    ['a missing sound', ready({ renditions: playing.renditions.slice(0, 1) }), /the sound is missing/],
    ['sound out of nowhere', ready({}, { audio: [] }), /sound that the source has not/],
    [
      'late sound',
      ready({
        renditions: [
          ...pictures(shown).renditions.slice(0, 1),
          { name: 'a', url: '', streams: [{ ...heard, start: 0.11 }] },
        ],
      }),
      /sound begins 30 ms after/,
    ],
    [
      'sound that is late from the beginning',
      ready({ drift: { begin: 0.021, end: 0 } }),
      /begin sound is 21 ms/,
    ],
    ['sound that drifts away', ready({ drift: { begin: 0, end: -0.04 } }), /end sound is -40 ms later/],
    [
      'a picture that ends early',
      ready({ spans: new Map([[0, { from: 0, to: 5, sum: 5 }]]) }),
      /lasts 4.00 s, the source's picture 5.00 s/,
    ],
    [
      'sound that ends early',
      ready({ spans: new Map([...playing.spans, [1, { from: 0, to: 5, sum: 5 }]]) }),
      /sound goes on until 5.00 s/,
    ],
    [
      'a stream that goes on too long',
      ready({ spans: new Map([[0, { from: 0, to: 3, sum: 3 }]]) }),
      /lasts 4.00 s, the source 3.00 s/,
    ],
    [
      'a part that was lost where the clock was set back',
      ready({ spans: new Map([[0, { from: 0, to: 4, sum: 8 }]]) }, { classes: ['discontinuity'] }),
      /the source's picture 8.00 s/,
    ],
    [
      'a rendition with nothing in it',
      ready({ renditions: [...playing.renditions, { name: 'audio-1', url: '', streams: [] }] }),
      /nothing in audio-1/,
    ],
    [
      'what breaks the standard',
      ready({ violations: ['map: a', 'map: b'] }),
      /conformance errors, 2: map: a/,
    ],
    ['what does not decode', ready({ decodeErrors: ['bad'] }), /decode errors, 1: bad/],
  ])('%s', (_, outcome, problem) => expect(judge(outcome)).toContainEqual(expect.stringMatching(problem)));

  test('and the table says so', () => {
    const table = tableOf([rowOf(ready()), rowOf(failed('undecodable'))]);
    expect(table.split('\n').filter((line) => line.endsWith('WRONG'))).toHaveLength(1);
    expect(table).toContain('a.mp4: it should play: undecodable: A sentence.');
  });
});

describe('what is tried', () => {
  const entries = [
    { ...entry, file: 'big', classes: ['mp4', 'hdr10'], bytes: 9 },
    { ...entry, file: 'small', classes: ['mp4'], bytes: 1 },
    { ...entry, file: 'late', classes: ['mp4', 'hdr10'], bytes: 20 },
    { ...entry, file: 'huge', classes: ['8k'], bytes: 1000 },
  ];
  const names = (chosen: readonly Entry[]) => chosen.map(({ file }) => file);

  test('can be chosen by file and class; a slip is told', () => {
    expect(names(choose(entries, []))).toEqual(['big', 'small', 'late', 'huge']);
    expect(names(choose(entries, ['small']))).toEqual(['small']);
    expect(names(choose(entries, ['hdr10']))).toEqual(['big', 'late']);
    expect(() => choose(entries, ['hrd10'])).toThrow("'hrd10'");
  });

  test('are few files with all classes among them, of the equal ones the smallest, and none that is large', () => {
    expect(names(oneOfEachClass(entries, 100))).toEqual(['big']);
    expect(names(oneOfEachClass([...entries, { ...entry, file: 'hevc', classes: ['hevc'] }], 100))).toEqual([
      'big',
      'hevc',
    ]);
  });
});
