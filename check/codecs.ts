/** CODECS strings and formats computed from sample entries (RFC 6381; ISO/IEC 14496-15 annex E; AV1-ISOBMFF 5). */
import { AUDIO_ENTRY, type Box, boxesIn, VISUAL_ENTRY } from './boxes.ts';
import { type PictureFormat, readAvcSps, readHevcSps } from './parameter-sets.ts';

export interface Codec {
  /** As CODECS has to say it; `undefined` where this checker cannot compute it. */
  readonly text?: string;
  readonly picture?: PictureFormat;
  /** Bytes of the length before each NAL unit. */
  readonly nalLength?: number;
  /** profile_idc and level_idc of H.264 and HEVC. */
  readonly profile?: number;
  readonly level?: number;
  /** Channels that the decoder configuration tells. */
  readonly channels?: number;
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** avcC (14496-15, 5.3.3.1). */
function readAvcC(entry: string, record: Buffer): Codec {
  const [profile = 0, constraints = 0, level = 0] = record.subarray(1, 4);
  const spsLength = record.readUInt16BE(6);
  return {
    text: `${entry}.${hex(profile)}${hex(constraints)}${hex(level)}`,
    picture: readAvcSps(record.subarray(8, 8 + spsLength)),
    nalLength: (record.readUInt8(4) & 3) + 1,
    profile,
    level,
  };
}

/** SPS in hvcC (14496-15, 8.3.3.1). */
const HEVC_SPS = 33;

function hevcSpsOf(record: Buffer): Buffer | undefined {
  let at = 23;
  for (let arrays = record.readUInt8(22); arrays > 0; arrays--) {
    const type = record.readUInt8(at) & 0x3f;
    const count = record.readUInt16BE(at + 1);
    at += 3;
    for (let index = 0; index < count; index++) {
      const length = record.readUInt16BE(at);
      if (type === HEVC_SPS) return record.subarray(at + 2, at + 2 + length);
      at += 2 + length;
    }
  }
  return undefined;
}

/** hvcC; the string by 14496-15, E.3. */
function readHvcC(entry: string, record: Buffer): Codec {
  const general = record.readUInt8(1);
  const space = ['', 'A', 'B', 'C'][general >> 6];
  const compatibility = [...record.readUInt32BE(2).toString(2).padStart(32, '0')].reverse().join('');
  const constraints = [...record.subarray(6, 12)].map((byte) => byte.toString(16).toUpperCase());
  while (constraints.at(-1) === '0') constraints.pop();
  const level = record.readUInt8(12);
  const tier = general & 0x20 ? 'H' : 'L';
  const flags = Number.parseInt(compatibility, 2).toString(16).toUpperCase();
  const sps = hevcSpsOf(record);
  return {
    text: [`${entry}.${space}${general & 31}`, flags, `${tier}${level}`, ...constraints].join('.'),
    ...(sps && { picture: readHevcSps(sps) }),
    nalLength: (record.readUInt8(21) & 3) + 1,
    profile: general & 31,
    level,
  };
}

/** av1C (AV1-ISOBMFF 2.3, 5): the short form of the string. */
function readAv1C(record: Buffer): Codec {
  const [, second = 0, third = 0] = record;
  const depth = third & 0x40 ? (third & 0x20 ? 12 : 10) : 8;
  const two = (value: number) => `${value}`.padStart(2, '0');
  return { text: `av01.${second >> 5}.${two(second & 31)}${third & 0x80 ? 'H' : 'M'}.${two(depth)}` };
}

/** A descriptor's tag, and where its content lies (ISO/IEC 14496-1, 8.3.3). */
function descriptorAt(data: Buffer, at: number): { tag: number; content: number } {
  let content = at + 1;
  while (data.readUInt8(content) & 0x80) content++;
  return { tag: data.readUInt8(at), content: content + 1 };
}

/** Channels of channelConfiguration (14496-3, table 1.19). */
const CHANNELS = [undefined, 1, 2, 3, 4, 5, 6, 8];

/** esds (14496-14, 5.6): MPEG-4 audio's object type and channels. */
function readEsds(box: Buffer): Codec {
  const stream = descriptorAt(box, 4);
  const flags = box.readUInt8(stream.content + 2);
  let at = stream.content + 3 + (flags & 0x80 ? 2 : 0);
  if (flags & 0x40) at += 1 + box.readUInt8(at);
  if (flags & 0x20) at += 2;
  const config = descriptorAt(box, at);
  const indication = box.readUInt8(config.content);
  if (indication !== 0x40) return { text: `mp4a.${hex(indication)}` };
  const specific = descriptorAt(box, config.content + 13);
  const bits = box.readUInt32BE(specific.content);
  const short = bits >>> 27;
  const escaped = short === 31;
  const type = escaped ? 32 + ((bits >>> 21) & 63) : short;
  const frequencyAt = escaped ? 17 : 23;
  const frequency = (bits >>> frequencyAt) & 15;
  const channels = frequency === 15 ? undefined : CHANNELS[(bits >>> (frequencyAt - 4)) & 15];
  return { text: `mp4a.40.${type}`, ...(channels !== undefined && { channels }) };
}

const RECORDS: Readonly<Record<string, string>> = {
  avc1: 'avcC',
  avc3: 'avcC',
  hvc1: 'hvcC',
  hev1: 'hvcC',
  av01: 'av1C',
  mp4a: 'esds',
};

/** What a sample entry and its configuration say. Throws where they are cut. */
export function readCodec(data: Buffer, entry: Box): Codec {
  const wanted = RECORDS[entry.type];
  if (!wanted)
    return ['ac-3', 'ec-3', 'fLaC', 'alac', 'Opus'].includes(entry.type) ? { text: entry.type } : {};
  const from = entry.content + (wanted === 'esds' ? AUDIO_ENTRY : VISUAL_ENTRY);
  const box = boxesIn(data, from, entry.end).find(({ type }) => type === wanted);
  if (!box) throw new Error(`'${entry.type}' has no '${wanted}'`);
  const record = data.subarray(box.content, box.end);
  if (wanted === 'avcC') return readAvcC(entry.type, record);
  if (wanted === 'hvcC') return readHvcC(entry.type, record);
  return wanted === 'av1C' ? readAv1C(record) : readEsds(record);
}
