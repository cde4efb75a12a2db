import { describe, expect, test } from '@jest/globals';
import { encodeSettingsSchema } from '../../../video/settings.ts';
import { PieceCutter } from '../../../video/text/pieces.ts';
import { groupWords, parsePocketsphinx, parseWhisper, type Word } from '../../../video/text/speech.ts';

/** Words of 200 ms, each right after the one before. */
const say = (text: string, from = 0): Word[] =>
  text
    .split(' ')
    .map((word, index) => ({ start: from + index * 200, end: from + index * 200 + 200, text: word }));

test('of what PocketSphinx prints, words are words; silence, noise and which pronunciation it was are not', () => {
  const output =
    'it is the\n<s> 0.000 0.060 1.000000\nit 0.070 0.200 0.331367\n<sil> 0.400 0.450 0.960785\n[NOISE] 0.460 0.500 0.1\n++UM++ 0.510 0.600 0.2\nthe(2) 1.070 1.220 0.984913\n</s> 2.580 3.060 1.000000\n';
  expect(parsePocketsphinx(output)).toEqual([
    { start: 70, end: 200, text: 'it' },
    { start: 1070, end: 1220, text: 'the' },
  ]);
});

test('of what whisper.cpp writes, an entry is a word (a literal sample in its format; no model was run)', () => {
  const entry = (from: number, to: number, text: string) => ({
    timestamps: { from: '00:00:00,000', to: '00:00:00,320' },
    ...{ offsets: { from, to }, text },
  });
  const json = JSON.stringify({
    systeminfo: 'AVX = 1 | AVX2 = 1',
    model: { type: 'base', multilingual: false, vocab: 51864 },
    params: { model: 'models/ggml-base.en.bin', language: 'en', translate: false },
    result: { language: 'en' },
    transcription: [
      entry(0, 0, ''),
      entry(320, 370, ' And'),
      entry(370, 690, ' so,'),
      entry(690, 680, ' Größe'),
    ],
  });
  expect(parseWhisper(json)).toEqual([
    { start: 320, end: 370, text: 'And' },
    { start: 370, end: 690, text: 'so,' },
    { start: 690, end: 690, text: 'Größe' },
  ]);
  expect(() => parseWhisper('{"result":{}}')).toThrow('transcription');
});

describe('words become cues', () => {
  const long = 'one two three four five six seven eight nine ten eleven twelve';
  const cases: ReadonlyArray<readonly [rule: string, words: readonly Word[], texts: readonly string[]]> = [
    ['that break at pauses', [...say('before it'), ...say('after it', 1200)], ['before it', 'after it']],
    ['that break at ends of sentences', say('It ends. Then more'), ['It ends.', 'Then more']],
    [
      'of lines of at most 42 characters',
      say(long),
      ['one two three four five six seven eight\nnine ten eleven twelve'],
    ],
    [
      'of at most two lines',
      say(`${long} ${long}`),
      [
        'one two three four five six seven eight\nnine ten eleven twelve one two three four',
        'five six seven eight nine ten eleven\ntwelve',
      ],
    ],
    [
      'that hold text without spaces',
      [{ start: 0, end: 1000, text: '字'.repeat(50) }],
      [`${'字'.repeat(42)}\n${'字'.repeat(8)}`],
    ],
    ['with WebVTT’s signs escaped', say('a<b & c'), ['a&lt;b &amp; c']],
  ];
  test.each(cases)('%s', (_, words, texts) => {
    expect(groupWords(words).map(({ text }) => text)).toEqual(texts);
  });

  test('that last long enough to be read, but not into the next', () => {
    const times = groupWords([...say('Short.'), ...say('Next.', 400), ...say('Last.', 5000)]).map(
      ({ start, end }) => [start, end],
    );
    expect(times).toEqual([
      [0, 400],
      [400, 1400],
      [5000, 6000],
    ]);
  });
});

test('long sound is cut where it is quiet, loses nothing, and no piece is longer than asked for', () => {
  const second = 32_000;
  const sound = Buffer.alloc(25 * second, 0x30);
  for (const at of [8.5, 17]) sound.fill(0, at * second, (at + 0.2) * second);
  const cutter = new PieceCutter(10);
  const pieces = [];
  for (let at = 0; at < sound.length; at += 65_537)
    pieces.push(...cutter.push(sound.subarray(at, at + 65_537)));
  pieces.push(...cutter.end());
  expect(Buffer.concat(pieces.map(({ pcm }) => pcm)).equals(sound)).toBe(true);
  expect(Math.max(...pieces.map(({ pcm }) => pcm.length))).toBeLessThanOrEqual(10 * second);
  const [, second1 = 0, second2 = 0] = pieces.map(({ start }) => start / 1000);
  expect(second1).toBeGreaterThan(8.5);
  expect(second1).toBeLessThan(8.7);
  expect(second2).toBeGreaterThan(17);
  expect(second2).toBeLessThan(17.2);
});

test.each([
  [{ engine: 'pocketsphinx', language: 'de' }, 'English alone'],
  [{ engine: 'whisper', language: 'de' }, 'model'],
  [{ engine: 'whisper', language: 'de', model: 'uploads/a.mp4' }, 'below models/'],
])('settings that no engine can follow are refused: %j', (transcribe, why) => {
  expect(() => encodeSettingsSchema.parse({ transcribe })).toThrow(why);
});
