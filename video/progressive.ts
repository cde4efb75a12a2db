/**
 * A progressive MP4 made of fragmented ones, for downloading: the same samples, one table of them in front (faststart).
 * ISO/IEC 14496-12; section numbers below are its. Written here and not by ffmpeg: the media is copied once as it
 * streams by, with neither a disk nor the whole file in memory, and its bytes depend on nothing but the media.
 */
import { type Box, boxes, find, makeBox, words } from './boxes.ts';
import { readSamples } from './fmp4.ts';

/** What a track is, before its first sample. */
export interface ProgressiveTrack {
  /** The init segment of its fragments. */
  readonly init: Buffer;
  /** Every sample lasts so long, in ticks of the track. */
  readonly ticksPerSample: number;
  /** Ticks between the first sample's decoding and its presentation, which an edit list skips; 0: it has none. */
  readonly delay: number;
  /** Whether every sample is a key frame; otherwise only the first one of each fragment. */
  readonly allSync: boolean;
}

/** Boxes that say things of 64 bits have this version. */
const VERSION_1 = 0x0100_0000;
const FLAGS_NONE = 0;

function words64(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) buffer.writeBigUInt64BE(BigInt(value), index * 8);
  return buffer;
}

/** Runs of equal values: how many, and which. */
function runsOf(values: readonly number[]): [count: number, value: number][] {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.[1] === value) last[0]++;
    else runs.push([1, value]);
  }
  return runs;
}

const copyOf = (data: Buffer, box: Box): Buffer => Buffer.from(data.subarray(box.start, box.end));

/** The same box with other words of 32 bits, by their place in its content. */
function withWords(
  data: Buffer,
  box: Box,
  changes: ReadonlyArray<readonly [at: number, value: number]>,
): Buffer {
  const copy = copyOf(data, box);
  for (const [at, value] of changes) copy.writeUInt32BE(value, box.content - box.start + at);
  return copy;
}

/** One track's samples, as they come. */
class SampleTables {
  readonly #track: ProgressiveTrack;
  readonly #sizes: number[] = [];
  readonly #compositionOffsets: number[] = [];
  /** One chunk a fragment: where it begins among the media, and its samples. */
  readonly #chunks: { readonly at: number; readonly samples: number }[] = [];

  constructor(track: ProgressiveTrack) {
    this.#track = track;
  }

  /** Adds a fragment whose media is to lie at a place among all media. @returns that media */
  add(fragment: Buffer, at: number): Buffer {
    const { sizes, compositionOffsets, media } = readSamples(fragment);
    for (const size of sizes) this.#sizes.push(size);
    for (const offset of compositionOffsets) this.#compositionOffsets.push(offset);
    this.#chunks.push({ at, samples: sizes.length });
    return media;
  }

  /** Duration in ticks, without what the edit list skips. */
  get #ticks(): number {
    return this.#sizes.length * this.#track.ticksPerSample;
  }

  /** The track's own clock, in ticks a second (8.4.2). */
  get #timescale(): number {
    const { init } = this.#track;
    const mdhd = find(init, ['moov', 'trak', 'mdia', 'mdhd'], { content: 0, end: init.length });
    return init.readUInt32BE(mdhd.content + 12);
  }

  /** Duration on the movie's clock, rounded up so that it cuts nothing. */
  duration(movieTimescale: number): number {
    return Math.ceil((this.#ticks * movieTimescale) / this.#timescale);
  }

  /** `trak` (8.3.1). @param mediaStart where the media begins in the file */
  trak(id: number, movieTimescale: number, mediaStart: number): Buffer {
    const { init } = this.#track;
    const trak = find(init, ['moov', 'trak'], { content: 0, end: init.length });
    const duration = this.duration(movieTimescale);
    return makeBox(
      'trak',
      withWords(init, find(init, ['tkhd'], trak), [
        [12, id],
        [20, duration],
      ]),
      ...this.#edits(duration),
      makeBox(
        'mdia',
        this.#mdhd(trak),
        copyOf(init, find(init, ['mdia', 'hdlr'], trak)),
        this.#minf(trak, mediaStart),
      ),
    );
  }

  /** `edts` with one edit that begins with the first picture (8.6.6). */
  #edits(duration: number): Buffer[] {
    const { delay } = this.#track;
    if (delay === 0) return [];
    return [makeBox('edts', makeBox('elst', words(FLAGS_NONE, 1, duration, delay, 0x0001_0000)))];
  }

  /** Always of 64 bits: a day of 60,000 ticks a second does not fit into 32. */
  #mdhd(trak: Box): Buffer {
    const { init } = this.#track;
    const { end } = find(init, ['mdia', 'mdhd'], trak);
    const language = init.subarray(end - 4, end);
    return makeBox(
      'mdhd',
      words(VERSION_1),
      words64(0, 0),
      words(this.#timescale),
      words64(this.#ticks),
      language,
    );
  }

  /** The header of its kind and `dinf` as they are; the tables (8.5.1) instead of the init segment's empty ones. */
  #minf(trak: Box, mediaStart: number): Buffer {
    const { init } = this.#track;
    const minf = find(init, ['mdia', 'minf'], trak);
    const kept = [...boxes(init, minf.content, minf.end)].filter(({ type }) => type !== 'stbl');
    const stsd = copyOf(init, find(init, ['stbl', 'stsd'], minf));
    return makeBox(
      'minf',
      ...kept.map((box) => copyOf(init, box)),
      makeBox('stbl', stsd, ...this.#tables(mediaStart)),
    );
  }

  #tables(mediaStart: number): Buffer[] {
    const { ticksPerSample, allSync } = this.#track;
    const [sizes, offsets, chunks] = [this.#sizes, this.#compositionOffsets, this.#chunks];
    let sample = 1;
    const keys = chunks.map(({ samples }) => {
      const first = sample;
      sample += samples;
      return first;
    });
    const toChunk: number[] = [];
    for (const [index, { samples }] of chunks.entries())
      if (samples !== chunks[index - 1]?.samples) toChunk.push(index + 1, samples, 1);
    const composition = runsOf(offsets);
    return [
      makeBox('stts', words(FLAGS_NONE, 1, sizes.length, ticksPerSample)),
      ...(allSync ? [] : [makeBox('stss', words(FLAGS_NONE, keys.length, ...keys))]),
      ...(offsets.some((offset) => offset !== 0)
        ? [makeBox('ctts', words(FLAGS_NONE, composition.length), words(...composition.flat()))]
        : []),
      makeBox('stsc', words(FLAGS_NONE, toChunk.length / 3), words(...toChunk)),
      makeBox('stsz', words(FLAGS_NONE, 0, sizes.length), words(...sizes)),
      makeBox('co64', words(FLAGS_NONE, chunks.length), words64(...chunks.map(({ at }) => mediaStart + at))),
    ];
  }
}

/** Brands of a plain MP4 whose edit lists count (Annex E). */
const FTYP = makeBox('ftyp', Buffer.from('isom'), words(0x200), Buffer.from('isomiso2mp41'));

/** `mdat` with a size of 64 bits (4.2): before its length is known, nobody can tell whether 32 would do. */
const MDAT_HEADER = 16;

/** Collects what stands in front of the media, while the media goes by. */
export class ProgressiveMp4 {
  readonly #tracks: readonly SampleTables[];
  readonly #init: Buffer;
  #mediaBytes = 0;

  /** @param tracks at least one */
  constructor(tracks: readonly ProgressiveTrack[]) {
    const [first] = tracks;
    if (!first) throw new Error('A file of no tracks can not be made');
    this.#init = first.init;
    this.#tracks = tracks.map((track) => new SampleTables(track));
  }

  /**
   * Adds a fragment (`moof` and `mdat`); a track's fragments come in the order of their time.
   * @param track its place among the tracks
   * @returns what is to be written next
   */
  add(track: number, fragment: Buffer): Buffer {
    const media = this.#tracks[track]?.add(fragment, this.#mediaBytes);
    if (!media) throw new Error(`There are ${this.#tracks.length} tracks, none of index ${track}`);
    this.#mediaBytes += media.length;
    return media;
  }

  /** Everything that stands before the media. */
  front(): Buffer {
    const { length } = this.#moov(0);
    const mdat = Buffer.concat([words(1), Buffer.from('mdat'), words64(MDAT_HEADER + this.#mediaBytes)]);
    return Buffer.concat([FTYP, this.#moov(FTYP.length + length + MDAT_HEADER), mdat]);
  }

  /** `moov` (8.2.1); its length does not depend on where the media begins. */
  #moov(mediaStart: number): Buffer {
    const init = this.#init;
    const mvhd = find(init, ['moov', 'mvhd'], { content: 0, end: init.length });
    const timescale = init.readUInt32BE(mvhd.content + 12);
    const duration = Math.max(...this.#tracks.map((track) => track.duration(timescale)));
    return makeBox(
      'moov',
      withWords(init, mvhd, [
        [16, duration],
        [mvhd.end - mvhd.content - 4, this.#tracks.length + 1],
      ]),
      ...this.#tracks.map((track, index) => track.trak(index + 1, timescale, mediaStart)),
    );
  }
}
