/** Numbers, names and pace as people read them. */
import { describe, expect, test } from '@jest/globals';
import { Meter } from '../../cli/meter.ts';
import { EncodeProgress, transferText } from '../../cli/progress.ts';
import { byteCount, clock, columns, plain } from '../../cli/text.ts';

test.each([
  ['\u{1b}[2Jfilm', '�[2Jfilm'],
  ['a\rb\u0007', 'a�b�'],
  ['two\nlines\tand 日本', 'two\nlines\tand 日本'],
])('%j is printed without what a terminal obeys', (text, printed) => {
  expect(plain(text)).toBe(printed);
});

test.each([
  [0, '0 B'],
  [831, '831 B'],
  [1500, '1.5 kB'],
  [64 * 1024 ** 2, '67 MB'],
  [20e9, '20 GB'],
  [48.8e12, '49 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(byteCount(bytes)).toBe(text);
});

test.each([
  [0, '0:00'],
  [65, '1:05'],
  [7389, '2:03:09'],
])('%d seconds are %s', (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});

test('columns are as wide as their longest cell, and lines end where their text does', () => {
  expect(
    columns([
      ['a', 'bb', ''],
      ['ccc', 'd', 'e'],
    ]),
  ).toBe('a    bb\nccc  d   e');
});

describe('pace', () => {
  test('is none until something was done', () => {
    const meter = new Meter();
    expect(meter.read(0, 50, 100)).toBeUndefined();
    expect(meter.read(1, 50, 100)).toBeUndefined();
    expect(meter.read(2, 60, 100)).toEqual({ perSecond: 5, secondsLeft: 8 });
  });

  test('is that of the last seconds, not of the beginning', () => {
    const meter = new Meter();
    for (let at = 0; at <= 10; at++) meter.read(at, at * 10, 1000);
    for (let at = 11; at <= 40; at++) meter.read(at, 100 + (at - 10), 1000);
    expect(meter.read(41, 131, 1000)?.perSecond).toBeCloseTo(1);
  });
});

test('an upload’s line has what is sent, the rate and the time left', () => {
  expect(transferText('film.mp4', 25e6, 100e6, { perSecond: 5e6, secondsLeft: 15 })).toBe(
    'film.mp4:  25 %  25 MB of 100 MB  5.0 MB/s  0:15 left',
  );
});

test('an encode’s line trusts the platform’s foresight more than what was seen', () => {
  const progress = new EncodeProgress();
  const urls = { watchUrl: '', playbackUrl: '' };
  const video = { title: 'Film', state: 'encoding', percent: 10, durationSeconds: 100 } as const;
  expect(progress.textOf(video, 0, urls)).toBe('Film:  10 %  encoding');
  expect(progress.textOf({ ...video, percent: 20 }, 5, urls)).toBe('Film:  20 %  2.0x real time  0:40 left');
  expect(progress.textOf({ ...video, percent: 30, speed: 8, secondsLeft: 9 }, 10, urls)).toBe(
    'Film:  30 %  8.0x real time  0:09 left',
  );
});
