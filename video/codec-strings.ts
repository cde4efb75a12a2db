/** What an init segment's CODECS string is (RFC 6381), from the decoder configuration of its picture. */

/** The content of the first box of a type. */
function configuration(init: Buffer, type: string): Buffer | undefined {
  const at = init.indexOf(type, 0, 'latin1');
  return at < 4 ? undefined : init.subarray(at + 4, at - 4 + init.readUInt32BE(at - 4));
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

/** The CODECS string of an init segment with a picture of ours. Throws where it has none. */
export function pictureCodec(init: Buffer): string {
  const readers: Readonly<Record<string, (record: Buffer) => string>> = { avcC: avc, hvcC: hevc, av1C: av1 };
  for (const [type, read] of Object.entries(readers)) {
    const record = configuration(init, type);
    if (record) return read(record);
  }
  throw new Error("The init segment has no 'avcC', 'hvcC' or 'av1C' box");
}
