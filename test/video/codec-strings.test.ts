/** Where the CODECS string is read from. What it is for real encodes, codecs.test.ts tells. */
import { expect, test } from '@jest/globals';
import { makeBox } from '../../video/boxes.ts';
import { pictureCodec } from '../../video/codec-strings.ts';

const HIGH = makeBox('avcC', Buffer.from([1, 0x64, 0x00, 0x1f]));
const BASELINE = makeBox('avcC', Buffer.from([1, 0x42, 0x00, 0x0a]));

/** An init segment with one sample entry. */
function initWith(...configuration: readonly Buffer[]): Buffer {
  const entry = makeBox('avc1', Buffer.alloc(78), ...configuration);
  const stsd = makeBox('stsd', Buffer.alloc(8), entry);
  return ['stbl', 'minf', 'mdia', 'trak', 'moov'].reduce((inner, type) => makeBox(type, inner), stsd);
}

test('it is that of the sample entry, whatever other bytes look like', () => {
  const pasp = makeBox('pasp', Buffer.alloc(8));
  const init = Buffer.concat([makeBox('free', BASELINE), initWith(pasp, HIGH)]);
  expect(pictureCodec(init)).toBe('avc1.64001f');
});

test('an entry without a configuration has none', () => {
  expect(() => pictureCodec(Buffer.concat([initWith(), makeBox('free', HIGH)]))).toThrow(/has no 'avcC'/);
});
