/** Reads init segments (RFC 8216, 3.3; ISO/IEC 14496-12, 8). */
import { AUDIO_ENTRY, type Box, boxesIn, children, find, VISUAL_ENTRY } from './boxes.ts';
import { type Codec, readCodec } from './codecs.ts';
import { messageOf } from './finding.ts';
import type { Colours } from './parameter-sets.ts';

/** Defaults of a track's samples (trex, 8.8.3). */
export interface SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

export interface Track extends Codec {
  readonly id: number;
  readonly kind: 'video' | 'audio' | 'other';
  /** The sample entry's type, such as `avc1`. */
  readonly entry: string;
  /** Ticks a second. */
  readonly timescale: number;
  readonly defaults: SampleDefaults;
  /** The display matrix is the identity. */
  readonly upright: boolean;
  /** Of `pasp`: width to height of a pixel. */
  readonly pasp?: { readonly width: number; readonly height: number };
  /** Of `colr`. */
  readonly colours?: Colours;
}

export interface Init {
  readonly tracks: readonly Track[];
  /** What makes it no init segment. */
  readonly problems: readonly string[];
}

/** Where a field stands after version and flags, by version 0 or 1. */
const versioned = (data: Buffer, box: Box, zero: number, one: number): number =>
  box.content + (data.readUInt8(box.content) === 1 ? one : zero);

/** Identity: a, b, c, d of the matrix (8.3.2), 16.16. */
const UPRIGHT = [0x10000, 0, 0, 0, 0x10000];

/** `pasp` and `colr` of a visual sample entry (12.1.4, 12.1.5). */
function readVisual(data: Buffer, entry: Box): Pick<Track, 'pasp' | 'colours'> {
  const boxes = boxesIn(data, entry.content + VISUAL_ENTRY, entry.end);
  const pasp = boxes.find(({ type }) => type === 'pasp');
  const colr = boxes.find(({ type }) => type === 'colr');
  const coded = colr && data.toString('latin1', colr.content, colr.content + 4) === 'nclx';
  return {
    ...(pasp && {
      pasp: { width: data.readUInt32BE(pasp.content), height: data.readUInt32BE(pasp.content + 4) },
    }),
    ...(coded && {
      colours: {
        primaries: data.readUInt16BE(colr.content + 4),
        transfer: data.readUInt16BE(colr.content + 6),
        matrix: data.readUInt16BE(colr.content + 8),
      },
    }),
  };
}

function readTrack(data: Buffer, moov: Box, trak: Box): { track?: Track; problems: string[] } {
  const tkhd = find(data, trak, 'tkhd');
  const mdhd = find(data, trak, 'mdia', 'mdhd');
  const hdlr = find(data, trak, 'mdia', 'hdlr');
  const table = find(data, trak, 'mdia', 'minf', 'stbl');
  const stsd = table && find(data, table, 'stsd');
  if (!tkhd || !mdhd || !hdlr || !stsd) return { problems: ['a track lacks tkhd, mdhd, hdlr or stsd'] };
  const [entry] = boxesIn(data, stsd.content + 8, stsd.end);
  if (!entry) return { problems: ['a track has no sample entry'] };
  const id = data.readUInt32BE(versioned(data, tkhd, 12, 20));
  const handler = data.toString('latin1', hdlr.content + 8, hdlr.content + 12);
  const kind = handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : 'other';
  const matrix = versioned(data, tkhd, 40, 52);
  const mvex = find(data, moov, 'mvex');
  const trex =
    mvex &&
    children(data, mvex).find((box) => box.type === 'trex' && data.readUInt32BE(box.content + 4) === id);
  const field = (at: number) => (trex ? data.readUInt32BE(trex.content + at) : 0);
  const stts = find(data, table, 'stts');
  const codec = readCodec(data, entry);
  const ownChannels = kind === 'audio' ? data.readUInt16BE(entry.content + 16) : undefined;
  const channels = codec.channels ?? (entry.content + AUDIO_ENTRY <= entry.end ? ownChannels : undefined);
  return {
    problems: [
      ...(trex ? [] : [`track ${id} has no trex`]),
      ...(stts && data.readUInt32BE(stts.content + 4) > 0 ? [`track ${id} has samples`] : []),
    ],
    track: {
      ...codec,
      id,
      kind,
      entry: entry.type,
      timescale: data.readUInt32BE(versioned(data, mdhd, 12, 20)),
      defaults: { duration: field(12), size: field(16), flags: field(20) },
      upright: UPRIGHT.every((value, index) => data.readInt32BE(matrix + 4 * index) === value),
      ...(channels !== undefined && { channels }),
      ...(kind === 'video' && readVisual(data, entry)),
    },
  };
}

/** Reads an init segment, whatever is wrong with it. */
export function readInit(data: Buffer): Init {
  try {
    const boxes = boxesIn(data, 0, data.length);
    const moov = boxes.find(({ type }) => type === 'moov');
    if (!moov) return { tracks: [], problems: ["there is no 'moov'"] };
    const traks = children(data, moov).filter(({ type }) => type === 'trak');
    const read = traks.map((trak) => readTrack(data, moov, trak));
    return {
      tracks: read.flatMap(({ track }) => track ?? []),
      problems: [
        ...(boxes.some(({ type }) => type === 'ftyp') ? [] : ["there is no 'ftyp'"]),
        ...(boxes.some(({ end }) => end > data.length) ? ['its last box is cut'] : []),
        ...(traks.length > 0 ? [] : ['there is no track']),
        ...read.flatMap(({ problems }) => problems),
      ],
    };
  } catch (error) {
    return { tracks: [], problems: [messageOf(error)] };
  }
}
