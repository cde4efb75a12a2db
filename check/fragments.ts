/** Reads `moof` boxes: where each sample lies and when it is decoded and shown (ISO/IEC 14496-12, 8.8). */
import { type Box, children, find } from './boxes.ts';
import type { SampleDefaults, Track } from './init.ts';

export interface Sample {
  /** Bytes from the segment's start. */
  readonly offset: number;
  readonly size: number;
  readonly duration: number;
  /** Ticks. */
  readonly decodeTime: number;
  readonly presentationTime: number;
  readonly sync: boolean;
}

export interface TrackFragment {
  readonly track: Track;
  /** `undefined` where there is no tfdt. */
  readonly decodeTime: number | undefined;
  readonly samples: readonly Sample[];
}

const TFHD = { baseDataOffset: 0x1, description: 0x2, duration: 0x8, size: 0x10, flags: 0x20 };
const TRUN = {
  dataOffset: 0x1,
  firstFlags: 0x4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  composition: 0x800,
};
const NON_SYNC = 0x10000;

/** No fragment has so many samples: an hour of AAC in one. A count beyond is a lie, and would keep us busy. */
const MOST_SAMPLES = 200_000;

/** Reads fields one after the other. */
function fieldReader(data: Buffer, from: number) {
  let at = from;
  return (present: number, otherwise: number): number => {
    if (!present) return otherwise;
    at += 4;
    return data.readUInt32BE(at - 4);
  };
}

/** `tfhd` (8.8.7): the track, its defaults here, and where its data begins if it says so. */
function readHeader(data: Buffer, tfhd: Box, tracks: readonly Track[]) {
  const flags = data.readUIntBE(tfhd.content + 1, 3);
  const id = data.readUInt32BE(tfhd.content + 4);
  const track = tracks.find((one) => one.id === id);
  if (!track) throw new Error(`track ${id} is not in the init segment`);
  const explicit = flags & TFHD.baseDataOffset;
  const base = explicit ? Number(data.readBigUInt64BE(tfhd.content + 8)) : undefined;
  const next = fieldReader(data, tfhd.content + (explicit ? 16 : 8));
  next(flags & TFHD.description, 0);
  const defaults: SampleDefaults = {
    duration: next(flags & TFHD.duration, track.defaults.duration),
    size: next(flags & TFHD.size, track.defaults.size),
    flags: next(flags & TFHD.flags, track.defaults.flags),
  };
  return { track, defaults, base };
}

/** `trun` (8.8.8) from a decode time and a place in the data. */
function readRun(
  data: Buffer,
  trun: Box,
  defaults: SampleDefaults,
  start: { time: number; base: number; next: number },
): Sample[] {
  const version = data.readUInt8(trun.content);
  const flags = data.readUIntBE(trun.content + 1, 3);
  const count = data.readUInt32BE(trun.content + 4);
  if (count > MOST_SAMPLES) throw new Error(`a 'trun' claims ${count} samples`);
  const next = fieldReader(data, trun.content + 8);
  let offset = flags & TRUN.dataOffset ? start.base + (next(1, 0) | 0) : start.next;
  const first = next(flags & TRUN.firstFlags, -1);
  let time = start.time;
  const samples: Sample[] = [];
  for (let index = 0; index < count; index++) {
    const duration = next(flags & TRUN.duration, defaults.duration);
    const size = next(flags & TRUN.size, defaults.size);
    const own = next(flags & TRUN.flags, index === 0 && first >= 0 ? first : defaults.flags);
    const composition = next(flags & TRUN.composition, 0);
    const presentationTime = time + (version === 0 ? composition : composition | 0);
    samples.push({
      offset,
      size,
      duration,
      decodeTime: time,
      presentationTime,
      sync: (own & NON_SYNC) === 0,
    });
    offset += size;
    time += duration;
  }
  return samples;
}

/** `tfdt` (8.8.12). */
function readDecodeTime(data: Buffer, traf: Box): number | undefined {
  const tfdt = find(data, traf, 'tfdt');
  if (!tfdt) return undefined;
  const at = tfdt.content + 4;
  return data.readUInt8(tfdt.content) === 1 ? Number(data.readBigUInt64BE(at)) : data.readUInt32BE(at);
}

/**
 * The track fragments of a `moof`.
 * @param origin where the segment begins in its file: what explicit base data offsets count from
 * @throws an `Error` that says what is wrong
 */
export function readFragment(
  data: Buffer,
  moof: Box,
  tracks: readonly Track[],
  origin: number,
): TrackFragment[] {
  return children(data, moof)
    .filter(({ type }) => type === 'traf')
    .map((traf) => {
      const tfhd = find(data, traf, 'tfhd');
      if (!tfhd) throw new Error("a 'traf' has no 'tfhd'");
      const { track, defaults, base: explicit } = readHeader(data, tfhd, tracks);
      const base = explicit === undefined ? moof.start : explicit - origin;
      const decodeTime = readDecodeTime(data, traf);
      const samples: Sample[] = [];
      for (const trun of children(data, traf).filter(({ type }) => type === 'trun')) {
        const last = samples.at(-1);
        const time = last ? last.decodeTime + last.duration : (decodeTime ?? 0);
        const next = last ? last.offset + last.size : base;
        samples.push(...readRun(data, trun, defaults, { time, base, next }));
      }
      return { track, decodeTime, samples };
    });
}
