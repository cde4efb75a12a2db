/** Reads and writes fragmented MP4, as far as we need it (ISO/IEC 14496-12; section numbers below are its). */
import { type Box, boxAt, boxes, find, HEADER, makeBox, words } from './boxes.ts';

/** One fragment: a `moof` and its `mdat`. Offsets and lengths in bytes, times in ticks of the track. */
export interface Fragment {
  readonly offset: number;
  readonly length: number;
  /** Bytes from the fragment's start to the end of its first sample: what an I-frame playlist addresses. */
  readonly firstSampleEnd: number;
  readonly decodeTime: number;
  readonly samples: number;
  readonly duration: number;
  /** First sample's composition offset: 0 where presentation begins with decoding. */
  readonly firstCompositionOffset: number;
}

const TRUN = {
  dataOffset: 0x1,
  firstFlags: 0x4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  composition: 0x800,
};
const TFHD = { baseDataOffset: 0x1, description: 0x2, duration: 0x8, size: 0x10 };

/** Default sample duration and size of a `tfhd` (8.8.7). */
function readDefaults(data: Buffer, tfhd: Box): { duration: number; size: number } {
  const flags = data.readUIntBE(tfhd.content + 1, 3);
  let at = tfhd.content + 8;
  if (flags & TFHD.baseDataOffset) at += 8;
  if (flags & TFHD.description) at += 4;
  const duration = flags & TFHD.duration ? data.readUInt32BE(at) : 0;
  if (flags & TFHD.duration) at += 4;
  return { duration, size: flags & TFHD.size ? data.readUInt32BE(at) : 0 };
}

/** `tfdt` (8.8.12). */
function readDecodeTime(data: Buffer, tfdt: Box): number {
  const version = data.readUInt8(tfdt.content);
  return version === 1 ? Number(data.readBigUInt64BE(tfdt.content + 4)) : data.readUInt32BE(tfdt.content + 4);
}

/** `trun` (8.8.8): bytes and composition offset of each sample, ticks of all, and where the first lies from the `moof`. */
function readRun(data: Buffer, trun: Box, defaults: { duration: number; size: number }) {
  const version = data.readUInt8(trun.content);
  const flags = data.readUIntBE(trun.content + 1, 3);
  const samples = data.readUInt32BE(trun.content + 4);
  let at = trun.content + 8;
  let dataOffset = 0;
  if (flags & TRUN.dataOffset) {
    dataOffset = data.readInt32BE(at);
    at += 4;
  }
  if (flags & TRUN.firstFlags) at += 4;
  let duration = 0;
  const sizes: number[] = [];
  const compositionOffsets: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    duration += flags & TRUN.duration ? data.readUInt32BE(at) : defaults.duration;
    if (flags & TRUN.duration) at += 4;
    sizes.push(flags & TRUN.size ? data.readUInt32BE(at) : defaults.size);
    if (flags & TRUN.size) at += 4;
    if (flags & TRUN.flags) at += 4;
    let offset = 0;
    if (flags & TRUN.composition) {
      offset = version === 0 ? data.readUInt32BE(at) : data.readInt32BE(at);
      at += 4;
    }
    compositionOffsets.push(offset);
  }
  return { sizes, compositionOffsets, duration, dataOffset };
}

const runOf = (data: Buffer, moof: Box) =>
  readRun(data, find(data, ['traf', 'trun'], moof), readDefaults(data, find(data, ['traf', 'tfhd'], moof)));

/** The samples of one fragment: their bytes and composition offsets, one after the other, and the media itself. */
export interface FragmentSamples {
  readonly sizes: readonly number[];
  /** Ticks. */
  readonly compositionOffsets: readonly number[];
  readonly media: Buffer;
}

/** Reads one fragment, `moof` and `mdat` alone. */
export function readSamples(fragment: Buffer): FragmentSamples {
  const moof = find(fragment, ['moof'], { content: 0, end: fragment.length });
  const { sizes, compositionOffsets, dataOffset } = runOf(fragment, moof);
  return { sizes, compositionOffsets, media: fragment.subarray(dataOffset) };
}

/**
 * Reads a whole fragmented MP4 of one track.
 * @returns where the init segment (`ftyp` and `moov`) ends, and the fragments in order
 */
export function readFragments(data: Buffer): { initLength: number; fragments: Fragment[] } {
  const fragments: Fragment[] = [];
  let initLength = 0;
  let moof: Box | undefined;
  for (const box of boxes(data, 0, data.length)) {
    if (box.type === 'moov') initLength = box.end;
    if (box.type === 'moof') moof = box;
    if (box.type !== 'mdat' || !moof) continue;
    const run = runOf(data, moof);
    fragments.push({
      offset: moof.start,
      length: box.end - moof.start,
      firstSampleEnd: run.dataOffset + (run.sizes[0] ?? 0),
      decodeTime: readDecodeTime(data, find(data, ['traf', 'tfdt'], moof)),
      samples: run.sizes.length,
      duration: run.duration,
      firstCompositionOffset: run.compositionOffsets[0] ?? 0,
    });
    moof = undefined;
  }
  return { initLength, fragments };
}

/** A `trun` whose every sample is presented `ticks` later than it says. Throws where an offset would stay negative. */
function delayRun(data: Buffer, trun: Box, ticks: number): Buffer {
  const flags = data.readUIntBE(trun.content + 1, 3);
  const samples = data.readUInt32BE(trun.content + 4);
  const before = [TRUN.duration, TRUN.size, TRUN.flags].filter((flag) => flags & flag).length * 4;
  const stride = before + (flags & TRUN.composition ? 4 : 0);
  const first =
    trun.content + 8 + [TRUN.dataOffset, TRUN.firstFlags].filter((flag) => flags & flag).length * 4;
  const parts = [words(flags | TRUN.composition), data.subarray(trun.content + 4, first)];
  // By count: a run of one sample may have no field of its own at all (a video's last GOP, a still image).
  for (let sample = 0; sample < samples; sample++) {
    const at = first + sample * stride;
    // ffmpeg leaves the field out of a fragment that has no B-frames.
    const offset = flags & TRUN.composition ? data.readInt32BE(at + before) : 0;
    parts.push(data.subarray(at, at + before), words(offset + ticks));
  }
  return makeBox('trun', ...parts);
}

/** A `moof` with another `trun`: its sizes, and the place of its media, move along. */
function replaceRun(data: Buffer, moof: Box, trun: Box, run: Buffer): Buffer {
  const grown = run.length - (trun.end - trun.start);
  const fragment = Buffer.concat([
    data.subarray(moof.start, trun.start),
    run,
    data.subarray(trun.end, moof.end),
  ]);
  const traf = find(data, ['traf'], moof);
  for (const box of [moof, traf]) fragment.writeUInt32BE(box.end - box.start + grown, box.start - moof.start);
  const dataOffset = trun.content + 8 - moof.start;
  fragment.writeInt32BE(fragment.readInt32BE(dataOffset) + grown, dataOffset);
  return fragment;
}

/**
 * The same fragmented MP4 with every sample presented so many ticks later. ffmpeg's CMAF writer lets B-frames be shown
 * before they are decoded (negative offsets, `trun` version 1), which is right but read differently: browsers take it
 * as it is, ffmpeg's own reader shifts the picture by the most negative offset, which moves it against the sound. With
 * offsets of zero and more (version 0) all agree. Throws where an offset would stay negative.
 */
export function delayPresentation(data: Buffer, ticks: number): Buffer {
  const parts: Buffer[] = [];
  for (const box of boxes(data, 0, data.length)) {
    if (box.type !== 'moof') parts.push(data.subarray(box.start, box.end));
    else {
      const trun = find(data, ['traf', 'trun'], box);
      parts.push(replaceRun(data, box, trun, delayRun(data, trun, ticks)));
    }
  }
  return Buffer.concat(parts);
}

/** Where the matrix lies in a track header's content (ISO/IEC 14496-12, 8.3.2), by the box's version. */
const MATRIX_AT = { 0: 40, 1: 52 };
/** A picture that is shown as it is stored. */
const IDENTITY = [0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000];

/**
 * The same MP4 with tracks that are shown as they are stored. ffmpeg copies the source's display matrix to what it
 * encodes, though our filters have turned the picture already.
 */
export function upright(data: Buffer): Buffer {
  const result = Buffer.from(data);
  const tkhd = find(result, ['moov', 'trak', 'tkhd'], { content: 0, end: result.length });
  const matrix = tkhd.content + MATRIX_AT[result[tkhd.content] === 1 ? 1 : 0];
  for (const [index, value] of IDENTITY.entries()) result.writeUInt32BE(value, matrix + index * 4);
  return result;
}

/** AAC-LC (ISO/IEC 14496-3, audio object type 2). */
export const AAC_CODEC = 'mp4a.40.2';

/** Flags of a sample that depends on no other (8.8.3.1): every AAC frame, every key frame. */
const SYNC_SAMPLE = 0x02000000;

/**
 * Writes one fragment of samples that depend on no other (AAC frames, key frames): `moof` and `mdat`.
 * @param sequence counts from 1 (8.8.5)
 * @param decodeTime of the first frame, in ticks
 * @param frameDuration of every frame, in ticks
 */
export function writeFragment(
  sequence: number,
  decodeTime: number,
  frameDuration: number,
  frames: readonly Buffer[],
): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(decodeTime));
  const moof = (dataOffset: number) => {
    // default-base-is-moof, default duration, default flags (8.8.7)
    const tfhd = makeBox('tfhd', words(0x00020028, 1, frameDuration, SYNC_SAMPLE));
    const tfdt = makeBox('tfdt', words(0x01000000), time);
    const sizes = words(...frames.map((frame) => frame.length));
    const trun = makeBox('trun', words(TRUN.dataOffset | TRUN.size, frames.length, dataOffset), sizes);
    return makeBox('moof', makeBox('mfhd', words(0, sequence)), makeBox('traf', tfhd, tfdt, trun));
  };
  return Buffer.concat([moof(moof(0).length + HEADER), makeBox('mdat', ...frames)]);
}

/** Cuts a stream of bytes into boxes: give it what arrives, it gives back each box that is whole. */
export class BoxSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** The whole boxes up to now, each with its header. */
  push(bytes: Buffer): { type: string; bytes: Buffer; content: Buffer }[] {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    const whole: { type: string; bytes: Buffer; content: Buffer }[] = [];
    let at = 0;
    for (let box = boxAt(data, at); box && box.end <= data.length; box = boxAt(data, at)) {
      const { type, start, content, end } = box;
      whole.push({ type, bytes: data.subarray(start, end), content: data.subarray(content, end) });
      at = end;
    }
    this.#rest = data.subarray(at);
    return whole;
  }

  /** Bytes of a box that did not arrive whole. */
  get pending(): number {
    return this.#rest.length;
  }
}
