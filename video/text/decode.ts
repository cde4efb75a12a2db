/** The text of a subtitle file, whatever encoding it has. */
import { analyse } from 'chardet';

/** Bytes that tell the encoding; more would only take longer. */
const SAMPLE = 64 * 1024;

const MARKS: ReadonlyArray<readonly [encoding: string, mark: readonly number[]]> = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** Whether every second byte is nought, as in Latin text in UTF-16. @param at which of two: 0 big-endian, 1 little */
const isNought = (bytes: Uint8Array, at: 0 | 1): boolean => {
  const some = bytes.subarray(0, 512);
  const noughts = some.filter((byte, index) => index % 2 === at && byte === 0).length;
  return some.length >= 4 && noughts > some.length / 4;
};

function decodeAs(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined; // not in this encoding, or in one that this Node does not know
  }
}

/**
 * The text: by its byte order mark, else as UTF-8 where it is that, else as UTF-16 or by the statistics of its letters.
 * What nothing fits is read as Windows-1252, in which every byte is a letter.
 */
export function decodeText(bytes: Uint8Array): string {
  for (const [encoding, mark] of MARKS) {
    // A file that was cut has half a letter at its end, which must not take the rest with it.
    if (mark.every((byte, index) => bytes[index] === byte)) return new TextDecoder(encoding).decode(bytes);
  }
  if (isNought(bytes, 1)) return new TextDecoder('utf-16le').decode(bytes);
  if (isNought(bytes, 0)) return new TextDecoder('utf-16be').decode(bytes);
  const utf8 = decodeAs(bytes, 'utf-8');
  if (utf8 !== undefined) return utf8;
  const guesses = analyse(bytes.subarray(0, SAMPLE)).map(({ name }) => name);
  for (const encoding of guesses.filter((name) => !/^UTF-(16|32)/.test(name))) {
    const text = decodeAs(bytes, encoding);
    if (text !== undefined) return text;
  }
  return new TextDecoder('windows-1252').decode(bytes);
}
