/** What an init segment's CODECS string is (RFC 6381), from the decoder configuration of its picture. */
import { type Box, boxes, find } from './boxes.ts';

/** Bytes before the boxes in `stsd` (ISO/IEC 14496-12, 8.5.2) and in a picture's sample entry (12.1.3). */
const FIELDS = { stsd: 8, entry: 78 };

/** The boxes in the sample entries of the first track. */
function* entryBoxes(init: Buffer): Generator<Box> {
  const whole = { content: 0, end: init.length };
  const stsd = find(init, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'], whole);
  for (const entry of boxes(init, stsd.content + FIELDS.stsd, stsd.end))
    yield* boxes(init, entry.content + FIELDS.entry, entry.end);
}

/** H.264 (ISO/IEC 14496-15, 5.3.3.1). */
const avc = (avcC: Buffer): string => `avc1.${avcC.toString('hex', 1, 4)}`;

const mirrored = (word: number): number =>
  Array.from({ length: 32 }, (_, bit) => (((word >>> bit) & 1) === 1 ? 2 ** (31 - bit) : 0)).reduce(
    (sum, value) => sum + value,
  );

/** HEVC (ISO/IEC 14496-15, E.3): profile, compatibility from its last bit on, tier and level, constraints. */
function hevc(hvcC: Buffer): string {
  const general = hvcC.readUInt8(1);
  const space = ['', 'A', 'B', 'C'][general >> 6] ?? '';
  const tier = general & 0x20 ? 'H' : 'L';
  const constraints = hvcC.toString('hex', 6, 12).replace(/(00)+$/, '');
  const bytes = constraints.match(/../g) ?? [];
  return [
    `hvc1.${space}${general & 31}`,
    mirrored(hvcC.readUInt32BE(2)).toString(16).toUpperCase(),
    `${tier}${hvcC.readUInt8(12)}`,
    ...bytes.map((byte) => Number.parseInt(byte, 16).toString(16).toUpperCase()),
  ].join('.');
}

const twoDigits = (value: number): string => `${value}`.padStart(2, '0');

/** AV1 (AV1-ISOBMFF, 5): the short form, for colours are those of BT.709 or told by VIDEO-RANGE. */
function av1(av1C: Buffer): string {
  const [second, third] = [av1C.readUInt8(1), av1C.readUInt8(2)];
  const depth = third & 0x40 ? (third & 0x20 ? 12 : 10) : 8;
  return `av01.${second >> 5}.${twoDigits(second & 31)}${third & 0x80 ? 'H' : 'M'}.${twoDigits(depth)}`;
}

const READERS = new Map([
  ['avcC', avc],
  ['hvcC', hevc],
  ['av1C', av1],
]);

/** The CODECS string of an init segment with a picture of ours. Throws where it has none. */
export function pictureCodec(init: Buffer): string {
  for (const { type, content, end } of entryBoxes(init)) {
    const read = READERS.get(type);
    if (read) return read(init.subarray(content, end));
  }
  throw new Error("The init segment has no 'avcC', 'hvcC' or 'av1C' box");
}
