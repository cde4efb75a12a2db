/**
 * The plan of a video: everything that is decided before the first frame is encoded. Pure and deterministic: the
 * same source and settings give the same plan (DESIGN, idea 3).
 */
import { z } from 'zod';
import { chapterSchema, clipChapters } from './chapters.ts';
import { isPlain } from './colour.ts';
import { cutOffFindings, type Ends, endsOf, heldFindings, restTicks } from './ending.ts';
import { SourceError } from './failures.ts';
import { findingSchema } from './findings.ts';
import { type FrameRate, findFrameRate, lead, playable } from './frame-rate.ts';
import { fieldOrderOf, wholeFrames } from './interlace.ts';
import { chooseRungs, downloadRung, prunedFindings, rungSchema } from './ladder.ts';
import { checkDuration, checkPixels } from './limits.ts';
import { countPictures, type Packets } from './packets.ts';
import { coverSchema, type Picture, pictureSchema } from './picture.ts';
import { pictureFindings } from './picture-findings.ts';
import { planSound } from './plan-sound.ts';
import type { Source, VideoTrack } from './probe.ts';
import { type Rational, rational, rationalSchema, toNumber } from './rational.ts';
import {
  AAC_FRAME,
  AUDIO_RATE,
  type EncodeSettings,
  encryptionSchema,
  loudnessSchema,
  presetSchema,
} from './settings.ts';
import { chooseSound, type Sound, soundSchema } from './sound.ts';
import type { Span } from './sound-span.ts';
import { speechTrack } from './text/speech-track.ts';
import { chooseText, textTrackSchema } from './text/tracks.ts';
import { timestampFindings } from './timestamps.ts';
import {
  audioWork,
  chunkSecondsFor,
  chunkWork,
  SHORTEST_CHUNK,
  type Shape,
  textWork,
  workPerSecond,
} from './work.ts';

/** A run of slots [from, to) of the frame grid. */
export const chunkSchema = z.object({ from: z.int().nonnegative(), to: z.int().positive() });
export type Chunk = z.infer<typeof chunkSchema>;

export const planSchema = z.object({
  revision: z.string(),
  source: z.object({
    container: z.string(),
    /** Seconds; what ffmpeg's `-ss` counts from. */
    containerStart: z.number(),
    /** The tasks read a copy of the source (video/timestamps.ts), of so many bytes. */
    copy: z.object({ bytes: z.int().positive() }).exactOptional(),
  }),
  /** Seconds on the source's clock at which the stream begins: with the first frame, or the first sound without one. */
  origin: z.number(),
  /** None where there is sound alone; then there are no rungs and no chunks either. */
  picture: pictureSchema.optional(),
  /** What stands for a picture then, if there is one. */
  cover: coverSchema.optional(),
  /** Frames a second of every rung: the grid. Sound alone is cut on a grid, too. */
  rate: rationalSchema,
  /** Frames of every rung: slots of the grid. */
  frames: z.int().positive(),
  /** Frames by which picture and sound are presented after the timeline's beginning: x264's reordering. */
  delayFrames: z.int().nonnegative(),
  /** Frames from one key frame to the next. */
  gopFrames: z.int().positive(),
  /** Frames of a segment; the last may be shorter. */
  segmentFrames: z.int().positive(),
  preset: presetSchema,
  /** H.264's, highest first, then each other codec's. */
  rungs: z.array(rungSchema),
  chunks: z.array(chunkSchema),
  audio: z.array(soundSchema),
  loudness: loudnessSchema.default('keep'),
  /** Those tracks of the source whose text can be read. */
  text: z.array(textTrackSchema).default([]),
  chapters: z.array(chapterSchema).default([]),
  /** Widths of the thumbnails, in pixels; without any, no pictures are made. */
  thumbnailWidths: z.array(z.int().positive()).default([]),
  /** The rung that can be downloaded as one file. */
  download: z.string().exactOptional(),
  /** How segments are encrypted. */
  encryption: encryptionSchema.exclude(['off']).exactOptional(),
  /** vCPU-seconds of all chunks and audio tracks, as `video/work.ts` estimates them. */
  workSeconds: z.number().positive(),
  findings: z.array(findingSchema),
});
export type Plan = z.infer<typeof planSchema>;

/** Containers whose index leads every seek to a key frame at or before the wanted time. */
const INDEXED = /^(mov|matroska)/;
/** Seconds of preroll that suffice there: the reordering of B-frames (ENCODING.md). */
const INDEXED_PREROLL = 1;

/** Seconds that a plan covers. */
export const durationOf = (plan: Pick<Plan, 'frames' | 'rate'>): number => plan.frames / toNumber(plan.rate);

/** Segments that a rendition of a plan has in the end; of sound alone at most so many. */
export const segmentCount = ({ frames, segmentFrames }: Pick<Plan, 'frames' | 'segmentFrames'>): number =>
  Math.ceil(frames / segmentFrames);

/** A plan's picture. Throws where there is sound alone, for then nobody should ask. */
export function pictureOf(plan: Pick<Plan, 'picture' | 'revision'>): Picture {
  if (!plan.picture) throw new Error(`Revision ${plan.revision} has no picture, so it has no chunks`);
  return plan.picture;
}

/** B-frames of B-frames: a picture is decoded up to two frames before it is shown (x264's `bframes=3:b-pyramid`). */
const REORDERED_FRAMES = 2;

/**
 * Chunks of whole segments, none longer than `longest` segments but by the video's last frames, where those are too few
 * for a chunk of their own. The first has `first` segments, for somebody waits to see it; the others are all within one
 * segment of the same length.
 */
export function cutChunks(frames: number, segmentFrames: number, longest: number, first: number): Chunk[] {
  const tail = frames % segmentFrames;
  // x264 writes no reordering into a run of one or two frames, so such a run would have another timeline.
  const segments = Math.max(
    1,
    Math.ceil(frames / segmentFrames) - (tail > 0 && tail <= REORDERED_FRAMES ? 1 : 0),
  );
  if (segments <= longest) return [{ from: 0, to: frames }];
  const count = Math.ceil((segments - first) / longest);
  const edges = Array.from({ length: count }, (_, index) => {
    return (first + Math.round((index * (segments - first)) / count)) * segmentFrames;
  });
  return [0, ...edges].map((from, index) => ({ from, to: edges[index] ?? frames }));
}

/** vCPU-seconds of a plan's chunks, its audio tracks and its text tracks. */
function workOf(plan: Shape & Pick<Plan, 'chunks' | 'audio' | 'loudness' | 'text'>): number {
  const perSecond = workPerSecond(plan);
  const seconds = (frames: number) => durationOf({ rate: plan.rate, frames });
  const chunks = plan.chunks.map(({ from, to }) => chunkWork(perSecond, seconds(to - from)));
  const sound = plan.audio.map(({ channels }) => audioWork(seconds(plan.frames), channels, plan.loudness));
  const work = [...chunks, ...sound, textWork(plan.text, plan.picture)].reduce((sum, one) => sum + one, 0);
  return Math.ceil(work * 100) / 100;
}

/** Slots from which the last picture's stay is more than its own: of two fields it has two. */
const RESTS_FROM = 3;

/** Decoders that read the transparency which ffmpeg's own leave out. */
const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: 'libvpx', vp9: 'libvpx-vp9' };

/** What must be done to a track's frames. */
function treatmentOf(video: VideoTrack, fieldOrder: Picture['fieldOrder']): Partial<Picture> {
  const { orientation, colour, transparent, codec } = video;
  const decoder = transparent ? ALPHA_DECODERS[codec] : undefined;
  return {
    ...(fieldOrder && { fieldOrder }),
    ...(orientation && { orientation }),
    ...(transparent && { transparent, ...(decoder && { decoder }) }),
    ...((transparent || !isPlain(colour)) && { colour }),
  };
}

/** The grid that a picture's frames are laid on. */
interface Grid {
  readonly found: FrameRate;
  /** Times of the source's frames, in ticks. */
  readonly pts: readonly number[];
  /** Of the last of them that is shown. */
  readonly last: number;
  /** Slots. */
  readonly frames: number;
  readonly fieldOrder: Picture['fieldOrder'];
  readonly ends: Ends;
}

/** Throws `SourceError('undecodable')` where there is no frame. */
function layGrid(source: Source, video: VideoTrack, packets: Packets): Grid {
  const { timeBase, scan, flagged } = video;
  const fieldOrder = fieldOrderOf(flagged, scan);
  const pts = scan ? wholeFrames(packets.pts, scan.frameDistance, fieldOrder) : packets.pts;
  const [firstPts, lastPts] = [pts[0], pts.at(-1)];
  if (firstPts === undefined || lastPts === undefined) {
    throw new SourceError('undecodable', `the ${video.codec} track has no frames`);
  }
  const ofFrames = findFrameRate(pts, timeBase, video.claimedRates);
  // Apple's rules 1.14 and 1.15: 30 interlaced frames a second become 60 whole ones.
  const fields = { ...ofFrames, rate: playable(rational(ofFrames.rate.num * 2, ofFrames.rate.den)) };
  const found = fieldOrder ? fields : ofFrames;
  const slots = (ticks: number) => Math.round(ticks * toNumber(timeBase) * toNumber(found.rate));
  // The slot of the last frame, rounded as ffmpeg's fps filter rounds (near), and those for its own length.
  const ownSlots = Math.max(fieldOrder ? 2 : 1, slots(restTicks(source, packets, timeBase)));
  const { steady, framesPerSlot } = ofFrames;
  const shown =
    steady && framesPerSlot !== 1
      ? Math.ceil(pts.length / framesPerSlot)
      : slots(lastPts - firstPts) + ownSlots;
  const ends = endsOf(source, { ...packets, pts }, timeBase);
  const frames = ends.held === undefined ? shown : slots(ends.held / toNumber(timeBase) - firstPts);
  // Where several frames share a slot, those behind the last slot's are not shown.
  const last = steady && framesPerSlot > 1 ? pts[Math.round((shown - 1) * framesPerSlot)] : lastPts;
  return { found, pts, last: last ?? lastPts, frames, fieldOrder, ends };
}

/**
 * Plans a source: a picture with its sound, or sound alone.
 * @param measured the packets of its picture, or the span of its sound
 * @param revision the hash that names the tree
 * @param pruned names of the rungs that this video does not need (video/prune.ts)
 */
export const planVideo = (
  source: Source,
  measured: Packets | Span,
  settings: EncodeSettings,
  revision: string,
  pruned: readonly string[] = [],
): Plan =>
  'pts' in measured
    ? planPicture(source, measured, settings, revision, pruned)
    : planSound(source, measured, settings, revision);

/**
 * Plans a video.
 * @param packets of the source's video track; none is a `SourceError('undecodable')`
 */
function planPicture(
  source: Source,
  packets: Packets,
  settings: EncodeSettings,
  revision: string,
  pruned: readonly string[],
): Plan {
  const { video } = source;
  if (!video) throw new SourceError('no-video-stream');
  const { timeBase } = video;
  const { found, pts, last, frames, fieldOrder, ends } = layGrid(source, video, packets);
  const { rate } = found;
  const firstPts = pts[0] ?? 0;
  const leadTicks = Math.round(lead(found.framesPerSlot) / toNumber(rate) / toNumber(timeBase));
  const seconds = frames / toNumber(rate);
  checkPixels(video, settings);
  checkDuration(seconds, settings);

  const gopFrames = Math.max(1, Math.round(settings.gopSeconds * toNumber(rate)));
  const segmentFrames = gopFrames * Math.round(settings.segmentSeconds / settings.gopSeconds);
  const rests = frames - (last - firstPts) * toNumber(timeBase) * toNumber(rate) > RESTS_FROM;
  const keyGap = packets.longestKeyGap * toNumber(timeBase);
  const picture: Picture = {
    codec: video.codec,
    stream: video.stream,
    width: video.width,
    height: video.height,
    ...(video.coded.width * video.coded.height !== video.width * video.height && { coded: video.coded }),
    frames: countPictures(pts, toNumber(timeBase)),
    timeBase,
    firstPts,
    ...(rests && { lastPts: last }),
    ...(leadTicks > 0 && { leadTicks }),
    ...treatmentOf(video, fieldOrder),
    preroll: INDEXED.test(source.container) ? INDEXED_PREROLL : Math.ceil(keyGap * 1.2) + 2,
  };
  const shape = {
    picture,
    frames,
    rate,
    rungs: chooseRungs(video, settings, pruned),
    preset: settings.preset,
  };
  const longest = chunkSecondsFor(seconds, workPerSecond(shape), settings) / settings.segmentSeconds;
  const first = Math.min(longest, Math.ceil(SHORTEST_CHUNK / settings.segmentSeconds));
  const sound = chooseSound(source.audio, seconds, settings);
  const tasks = {
    chunks: cutChunks(frames, segmentFrames, longest, first),
    audio: sound.audio,
    loudness: settings.loudness,
  };
  const { text, findings: textFindings } = chooseText(source.text);
  const download = downloadRung(shape.rungs, settings.download);
  return {
    revision,
    source: {
      container: source.container,
      containerStart: source.startSeconds,
      ...(source.copy && { copy: { bytes: source.copy.bytes } }),
    },
    origin: ends.first,
    ...shape,
    delayFrames: frames > REORDERED_FRAMES ? REORDERED_FRAMES : 0,
    gopFrames,
    segmentFrames,
    ...tasks,
    text: [...text, ...speechTrack(sound.audio, settings.transcribe)],
    chapters: clipChapters(source.chapters, ends.first, seconds),
    thumbnailWidths: settings.thumbnailWidths,
    ...(download !== undefined && { download }),
    ...(settings.encryption && { encryption: settings.encryption }),
    workSeconds: workOf({ ...shape, ...tasks, text }),
    findings: [
      ...pictureFindings(video, picture, found, seconds),
      ...(found.measured === undefined ? [] : heldFindings(ends)), // of a still image there is a finding
      ...cutOffFindings(source, ends, seconds),
      ...timestampFindings(source),
      ...prunedFindings(pruned),
      ...sound.findings,
      ...textFindings,
    ],
  };
}

/** Ticks a second of every rung's timestamps; a frame lasts `ticksPerFrame` of them, exactly. */
export function timescaleOf(rate: Rational): { timescale: number; ticksPerFrame: number } {
  // Fine enough for any player's clock: 25 frames a second give 25,000 ticks.
  const factor = rate.num >= 10_000 ? 1 : 1000;
  return { timescale: rate.num * factor, ticksPerFrame: rate.den * factor };
}

/**
 * Where the segments of an audio track begin and end, in AAC frames: at the first frame that begins with or after
 * the picture's segment, so that both lie within one frame of each other (rule 8.22). The first edge is 0.
 */
export function audioEdges(plan: Plan, track: Pick<Sound, 'frames'>): number[] {
  const edges = Array.from({ length: segmentCount(plan) }, (_, index) => {
    // A fraction of whole numbers, so that where a grid has AAC frames as its slots, none is missed by rounding.
    const { num, den } = plan.rate;
    const frame = Math.ceil((index * plan.segmentFrames * den * AUDIO_RATE) / (num * AAC_FRAME));
    return Math.min(track.frames, frame);
  });
  return [...new Set([...edges, track.frames])];
}

/** Where an audio track begins, in samples: with the first picture. */
export const audioDelay = (plan: Pick<Plan, 'delayFrames' | 'rate'>): number =>
  Math.round((plan.delayFrames * AUDIO_RATE) / toNumber(plan.rate));
