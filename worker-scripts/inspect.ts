/**
 * Looks at a source: everything that planning needs to know of it, and each reason to refuse it, before anything is
 * encoded.
 */
import type { Readable } from 'node:stream';
import { mayGoOn, pictureEnd } from '../video/ending.ts';
import { SourceError } from '../video/failures.ts';
import {
  decodeTestArguments,
  frameArguments,
  packetArguments,
  probeArguments,
  scanArguments,
  soundPacketArguments,
} from '../video/ffmpeg-arguments.ts';
import { mayBeInterlaced, type Scan, ScanReader } from '../video/interlace.ts';
import { frameSchema, readGraded, readPeak } from '../video/light.ts';
import { checkBytes, checkPixels, checkTracks } from '../video/limits.ts';
import { PacketReader, type Packets, PROBE_TIMEOUT, packetsTimeout } from '../video/packets.ts';
import {
  type Copy,
  type Ffprobe,
  ffprobeSchema,
  readSource,
  type Source,
  type VideoTrack,
} from '../video/probe.ts';
import { toNumber } from '../video/rational.ts';
import { refusalOf } from '../video/refusals.ts';
import type { EncodeSettings } from '../video/settings.ts';
import { HEAD_BYTES, recognise } from '../video/signature.ts';
import { SoundEndReader, type Span, SpanReader } from '../video/sound-span.ts';
import {
  CAPTION_MARK,
  canCarryCaptions,
  captionTrack,
  captionUnitsArguments,
  keepsMarks,
} from '../video/text/captions.ts';
import { asCopied, needsCopy } from '../video/timestamps.ts';
import { MarkFinder } from './mark-finder.ts';
import { linesTo, readOutput } from './output.ts';
import { hasRefused, run } from './process.ts';
import type { LookFor } from './source-proxy.ts';

/** Bytes that ffprobe may write of a file's headers: a feature film with all its tags and chapters has 50 kB. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;

/** What planning needs to know of a source. */
export interface Inspection {
  readonly source: Source;
  /** Of the picture; where there is none, what of the time has sound. */
  readonly packets: Packets | Span;
}

/** A source that is served, and how it may be looked at. */
export interface Served {
  readonly url: string;
  readonly bytes: number;
  /** Its limits are kept. */
  readonly settings: EncodeSettings;
  /** Stops looking: the worker must go. */
  readonly signal: AbortSignal;
  /** Looks for a mark in all that is read, where whoever serves it can. */
  readonly lookFor?: LookFor;
}

/**
 * Looks at a served source. Throws `SourceError` where it can not become a video. Where its clock jumps, nothing more
 * is looked at than its headers, packets and a picture (`needsCopy`), for no time in it means anything: its copy is.
 * @param copyOf set where the copy of this source is served
 */
export async function inspect(
  served: Served,
  copyOf?: { readonly source: Source; readonly copy: Copy },
): Promise<Inspection> {
  const { bytes, settings } = served;
  checkBytes(bytes, settings);
  const headers = await readHeaders(served);
  checkTracks(headers.streams.length, settings);
  const source = copyOf ? asCopied(copyOf.source, headers, copyOf.copy) : readSource(headers);
  if (!source.video) return { source, packets: await readSpan(served) };
  checkPixels(source.video, settings);
  const { packets, hasCaptions } = await readWhole(served, source.container, source.video);
  if (!copyOf && needsCopy(source, packets)) return { source, packets };
  const video = await lookAtFrames(served, source, source.video);
  const text = hasCaptions ? [...source.text, captionTrack(video.stream)] : source.text;
  const { timeBase } = video;
  const heard = mayGoOn(source, packets, timeBase) && {
    soundEnds: await readSoundEnd(served, pictureEnd(source, packets, timeBase)),
  };
  return { source: { ...source, video, text, ...heard }, packets };
}

/**
 * What takes a read of the whole file, and what needs nothing but its headers: at once, for each waits for bytes more
 * than it works. Where the packets can not be read, all end.
 */
async function readWhole(
  served: Served,
  container: string,
  video: VideoTrack,
): Promise<{ packets: Packets; hasCaptions: boolean }> {
  const failed = new AbortController();
  const each = { ...served, signal: AbortSignal.any([served.signal, failed.signal]) };
  // What ffprobe reads goes by: a second read is for those alone whose bytes have the mark, or may have it cut in two.
  const isSought = canCarryCaptions(video.codec) && keepsMarks(container);
  const mayHaveCaptions = isSought ? served.lookFor?.(CAPTION_MARK) : undefined;
  const reading = readPackets(each, video);
  // Headers may promise what no decoder keeps: one picture must come out.
  const decoding = decodeOne(each, video);
  const looking = mayHaveCaptions
    ? reading.then(() => mayHaveCaptions() && findCaptions(each, video))
    : findCaptions(each, video);
  const ended = Promise.allSettled([reading, decoding, looking]);
  try {
    // In this order: a key that is missing, say, is told before what a decoder makes of it.
    const packets = await reading;
    const hasCaptions = await looking;
    await decoding;
    return { packets, hasCaptions };
  } finally {
    failed.abort();
    await ended;
  }
}

async function decodeOne({ url, bytes, signal }: Served, { stream }: VideoTrack): Promise<void> {
  const args = decodeTestArguments(url, stream);
  await orRefuse(run({ program: 'ffmpeg', args, timeoutSeconds: packetsTimeout(bytes), signal }));
}

/** What only the decoded frames tell of a picture, where its headers give a reason to look. */
async function lookAtFrames(served: Served, source: Source, video: VideoTrack): Promise<VideoTrack> {
  const { codec, flagged, colour } = video;
  const lines = video.coded.height;
  const suspect = mayBeInterlaced({ container: source.container, codec, flagged, lines });
  const scan = suspect ? await scanFields(served, source, video) : undefined;
  const { hdr } = colour;
  if (hdr?.transfer !== 'pq') return { ...video, scan };
  const frame = await readFirstFrame(served, video);
  const told = { peakNits: readPeak(frame) ?? hdr.peakNits, graded: readGraded(frame) };
  return { ...video, scan, colour: { ...colour, hdr: { ...hdr, ...told } } };
}

/** Where fields are looked for, as shares of the length: titles are often still, and endings black. */
const SCANNED_PLACES = [0, 1 / 3, 2 / 3];
/** Seconds below which the first place says enough. */
const SCANNED_WHOLE = 6;

async function scanFields({ url, bytes, signal }: Served, source: Source, video: VideoTrack): Promise<Scan> {
  const reader = new ScanReader();
  const read = linesTo(reader);
  const seconds = source.durationSeconds ?? 0;
  for (const place of seconds < SCANNED_WHOLE ? [0] : SCANNED_PLACES) {
    const args = scanArguments(url, video.stream, place * seconds);
    await ifItCan(run({ program: 'ffmpeg', args, timeoutSeconds: packetsTimeout(bytes), signal, read }));
  }
  return reader.scan();
}

/** Has ffprobe tell of a file what takes no reading of the whole. @returns its JSON */
async function probe(args: readonly string[], { signal }: Served): Promise<unknown> {
  let output = '';
  const read = async (stdout: Readable) => {
    output = await readJson(stdout);
  };
  await run({ program: 'ffprobe', args, timeoutSeconds: PROBE_TIMEOUT, signal, read });
  return JSON.parse(output);
}

async function readFirstFrame(served: Served, { stream }: VideoTrack) {
  return frameSchema.parse((await ifItCan(probe(frameArguments(served.url, stream), served))) ?? {});
}

async function readHeaders(served: Served): Promise<Ffprobe> {
  const { url } = served;
  try {
    return ffprobeSchema.parse(await probe(probeArguments(url), served));
  } catch (error) {
    const seen = hasRefused(error) && recognise(await readHead(url));
    if (seen) throw new SourceError('not-a-video', `it is ${seen}`);
    throw hasRefused(error) ? refusalOf(error.lines, 'not-a-video') : error;
  }
}

/** Has ffprobe list packets of the whole file to a reader. */
const listPackets = (
  args: readonly string[],
  reader: Parameters<typeof linesTo>[0],
  { bytes, signal }: Served,
) =>
  run({
    program: 'ffprobe',
    args,
    timeoutSeconds: packetsTimeout(bytes),
    signal,
    read: linesTo(reader),
  });

async function readPackets(served: Served, { stream, timeBase }: VideoTrack): Promise<Packets> {
  const reader = new PacketReader(served.settings.maxFrames, toNumber(timeBase));
  await orRefuse(listPackets(packetArguments(served.url, stream), reader, served));
  return reader.packets();
}

async function readSpan(served: Served): Promise<Span> {
  const reader = new SpanReader();
  await orRefuse(listPackets(soundPacketArguments(served.url), reader, served));
  return reader.span();
}

/** How far sound goes on behind the picture; as far as its packets can be read. */
async function readSoundEnd(served: Served, pictureEnds: number): Promise<number> {
  const reader = new SoundEndReader(pictureEnds);
  await ifItCan(listPackets(soundPacketArguments(served.url), reader, served));
  return reader.end;
}

/**
 * Whether there are captions inside the picture. They may begin anywhere, so all of it is looked through, undecoded;
 * where that fails, there are none that could be read.
 */
async function findCaptions({ url, bytes, signal }: Served, video: VideoTrack): Promise<boolean> {
  if (!canCarryCaptions(video.codec)) return false;
  const finder = new MarkFinder(CAPTION_MARK);
  const read = async (stdout: Readable) => {
    for await (const piece of stdout) finder.read(piece as Buffer); // a stream without an encoding gives buffers
  };
  const args = captionUnitsArguments(url, video);
  await ifItCan(run({ program: 'ffmpeg', args, timeoutSeconds: packetsTimeout(bytes), signal, read }));
  return finder.found;
}

/** What ffprobe writes of a file. Throws `SourceError` where that is more than any honest file has to say. */
export async function readJson(stdout: Readable, limit = MAX_JSON_BYTES): Promise<string> {
  const tooMuch = () => new SourceError('too-much-metadata', `more than ${limit} bytes`);
  return (await readOutput(stdout, limit, tooMuch)).toString();
}

/** A file's first bytes. */
async function readHead(url: string): Promise<Uint8Array> {
  const response = await fetch(url, { headers: { range: `bytes=0-${HEAD_BYTES - 1}` } });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEAD_BYTES) break; // leaving the loop hangs up
  }
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES);
}

/** Waits for a look that a video can do without: where it was not to the end, what was seen so far counts. */
const ifItCan = <T>(look: Promise<T>): Promise<T | undefined> =>
  look.catch((error: unknown) => {
    if (!hasRefused(error)) throw error;
    return undefined;
  });

async function orRefuse<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw hasRefused(error) ? refusalOf(error.lines, 'undecodable') : error;
  });
}
