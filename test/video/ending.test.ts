import { describe, expect, test } from '@jest/globals';
import { SoundEndReader } from '../../video/sound-span.ts';

describe('sound goes on behind a picture that ends at 5 s', () => {
  const line = (at: number | string, duration: number | string, flags = 'K_') =>
    `${at},${at},${duration},${flags}`;

  test.each<[what: string, lines: readonly string[], end: number]>([
    ['not at all', [], 5],
    ['not, where it ends before', [line(1, 0.5)], 5],
    ['until its last packet ends', [line(4, 1), line(5, 1), line(6, 0.5)], 6.5],
    ['until its last packet begins, where nobody says how long it is', [line(5, 'N/A'), line(6, 'N/A')], 6],
    ['in the longest of its tracks', [line(5, 1), line(5, 4), line(6, 1)], 9],
    ['after a pause', [line(14.9, 1)], 15.9],
    ['not as far as a packet whose time can not be right', [line(5, 1), line(95_000, 1)], 6],
    ['not as far as what is never heard', [line(5, 1), line(6, 1, 'KD')], 6],
    ['by decode times, where there are no others', ['N/A,6,1,K_', 'N/A,N/A,1,K_', ''], 7],
    ['though nobody can hear it', [`${line(5, 1)},Encryption info`], 6],
  ])('%s', (_, lines, end) => {
    const reader = new SoundEndReader(5);
    for (const one of lines) reader.read(one);
    expect(reader.end).toBe(end);
  });
});
