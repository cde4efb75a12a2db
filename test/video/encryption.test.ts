/** Encrypted segments: each can be decrypted whole by its vector, as players do it, and in stretches, as the platform does. */
import { createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { encrypted, encryptedLength, encryptedStretch } from '../../video/encryption.ts';
import { audioPlaylist, segmentRuns } from '../../video/playlists.ts';
import type { MediaObject } from '../../video/receipt.ts';

const KEY = randomBytes(16);
const INIT = 10;

/** An object of fragments of these lengths, three frames each, and its bytes. */
function objectOf(lengths: readonly number[]): { object: MediaObject; data: Buffer } {
  let offset = INIT;
  const fragments = lengths.map((length) => {
    const fragment = { offset, length, firstSampleEnd: Math.ceil(length / 2), frames: 3 };
    offset += length;
    return fragment;
  });
  const named = { rendition: 'audio-0', file: 'part-00000.m4a', initSha256: 'i', codec: 'mp4a.40.2' };
  const object = { ...named, bytes: offset, initLength: INIT, decodeTime: 0, fragments };
  return { object, data: randomBytes(offset) };
}

/** Segments as a player sees them: their places and vectors in the playlist. */
const segmentsIn = (playlist: string) =>
  [...playlist.matchAll(/IV=0x([0-9a-f]{32})\n#EXTINF:[\d.]+,\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n/g)].map(
    ([, vector = '', length, offset]) => ({
      vector: Buffer.from(vector, 'hex'),
      length: Number(length),
      offset: Number(offset),
    }),
  );

describe.each([
  { lengths: [100, 33, 16] },
  { lengths: [16, 32, 48] },
  { lengths: [15, 17, 1] },
  { lengths: [5] },
])('an object of segments of $lengths bytes', ({ lengths }) => {
  const plain = objectOf(lengths);
  const { object, data } = encrypted(plain.object, segmentRuns(plain.object.fragments, 1), plain.data, KEY);
  const playlist = audioPlaylist([object], 6);

  test('keeps its init segment as it was, before any key', () => {
    expect(data.subarray(0, INIT).equals(plain.data.subarray(0, INIT))).toBe(true);
    expect(playlist.indexOf('#EXT-X-MAP')).toBeLessThan(playlist.indexOf('#EXT-X-KEY'));
    expect(object.bytes).toBe(data.length);
    expect(data.length).toBe(INIT + lengths.map(encryptedLength).reduce((a, b) => a + b));
  });

  test('gives a player each segment, by the vector that its playlist names', () => {
    const segments = segmentsIn(playlist);
    const decrypted = segments.map(({ vector, offset, length }) => {
      const decipher = createDecipheriv('aes-128-cbc', KEY, vector);
      return Buffer.concat([decipher.update(data.subarray(offset, offset + length)), decipher.final()]);
    });
    expect(Buffer.concat(decrypted).equals(plain.data.subarray(INIT))).toBe(true);
    expect(new Set(segments.map(({ vector }) => vector.toString('hex'))).size).toBe(lengths.length);
  });

  test('gives the platform every stretch of every segment', () => {
    for (const [index, { offset, length }] of object.fragments.entries()) {
      const from = plain.object.fragments[index]?.offset ?? 0;
      for (let skip = 0; skip < length; skip++)
        for (const wanted of new Set([1, Math.ceil((length - skip) / 2), length - skip])) {
          const stretch = encryptedStretch(object, offset + skip, wanted);
          const bytes = data.subarray(stretch?.offset, (stretch?.offset ?? 0) + (stretch?.length ?? 0));
          const read = stretch?.decrypt(bytes, KEY);
          expect(read?.equals(plain.data.subarray(from + skip, from + skip + wanted))).toBe(true);
        }
    }
  });
});

test('fragments that make a segment together are encrypted together', () => {
  const plain = objectOf([20, 20, 20]);
  const { object } = encrypted(plain.object, segmentRuns(plain.object.fragments, 6), plain.data, KEY);
  expect(object.segmentStarts).toEqual([INIT, INIT + encryptedLength(40)]);
  expect(object.fragments.map(({ offset }) => offset)).toEqual([INIT, INIT + 20, INIT + encryptedLength(40)]);
});

test('an object that is not encrypted is read where it lies', () => {
  expect(encryptedStretch(objectOf([20]).object, INIT, 5)).toBeUndefined();
});
