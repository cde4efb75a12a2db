import { expect, test } from '@jest/globals';
import { decodeText } from '../../../video/text/decode.ts';

const GERMAN = 'Schöne Grüße aus München, sagte der Bär. Über Nacht wird es kälter.\n';
const RUSSIAN = 'Привет, как дела? Сегодня хорошая погода, пойдём гулять в парк.\n';
const JAPANESE = 'こんにちは、元気ですか。今日はいい天気ですね。公園へ行きましょう。\n';

/** Bytes of a text in an encoding that TextEncoder has not: each letter is looked up among all codes. */
function encode(text: string, encoding: string): Uint8Array {
  const codes = new Map<string, number[]>();
  const decoder = new TextDecoder(encoding);
  for (let high = 0; high < 256; high++) {
    const one = decoder.decode(Uint8Array.of(high));
    if (one.length === 1 && one !== '\ufffd' && !codes.has(one)) codes.set(one, [high]);
    for (let low = 0x40; high > 0x80 && low < 256; low++) {
      const two = decoder.decode(Uint8Array.of(high, low));
      if (two.length === 1 && two !== '\ufffd' && !codes.has(two)) codes.set(two, [high, low]);
    }
  }
  return Uint8Array.from([...text].flatMap((letter) => codes.get(letter) ?? []));
}

const withMark = (mark: readonly number[], bytes: Uint8Array) => Uint8Array.from([...mark, ...bytes]);
const utf16le = (text: string) => Buffer.from(text, 'utf16le');

test.each<[encoding: string, bytes: Uint8Array, text: string]>([
  ['UTF-8', Buffer.from(GERMAN), GERMAN],
  ['UTF-8 with a byte order mark', withMark([0xef, 0xbb, 0xbf], Buffer.from(GERMAN)), GERMAN],
  ['UTF-16, little-endian, with a mark', withMark([0xff, 0xfe], utf16le(RUSSIAN)), RUSSIAN],
  ['UTF-16, big-endian, with a mark', withMark([0xfe, 0xff], utf16le(JAPANESE).swap16()), JAPANESE],
  ['UTF-16, little-endian, without a mark', utf16le(GERMAN), GERMAN],
  ['UTF-16, big-endian, without a mark', utf16le(GERMAN).swap16(), GERMAN],
  ['Latin-1', Buffer.from(GERMAN, 'latin1'), GERMAN],
  ['Windows-1251', encode(RUSSIAN, 'windows-1251'), RUSSIAN],
  ['KOI8-R', encode(RUSSIAN, 'koi8-r'), RUSSIAN],
  ['Shift-JIS', encode(JAPANESE, 'shift_jis'), JAPANESE],
  ['EUC-JP', encode(JAPANESE, 'euc-jp'), JAPANESE],
  [
    'Windows-1252 with what Latin-1 has not',
    Buffer.from('\x93Quote\x94 \x96 5 \x80\n', 'latin1'),
    '“Quote” – 5 €\n',
  ],
])('a file in %s is read', (_encoding, bytes, text) => {
  expect(decodeText(bytes)).toBe(text);
});

test('bytes that are no text in any encoding are read all the same', () => {
  expect(decodeText(Uint8Array.of(0xff, 0x81, 0x00, 0xd8))).toHaveLength(4);
  expect(decodeText(new Uint8Array())).toBe('');
});
