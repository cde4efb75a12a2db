/**
 * Media and I-frame playlists (RFC 8216; rule numbers are those of Apple's "HLS authoring specification for Apple
 * devices"), written from measured sizes.
 */
import { encryptedLength, KEY_PATH, vectorOf } from './encryption.ts';
import { audioEdges, type Plan } from './plan.ts';
import { toNumber } from './rational.ts';
import type { MediaObject } from './receipt.ts';
import { AAC_FRAME, AUDIO_RATE } from './settings.ts';

/** A stretch of an object that a playlist addresses. */
export interface Segment {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly seconds: number;
  /** The initialisation vector, where it is encrypted. */
  readonly vector?: Buffer;
}

/** The version that EXT-X-MAP in a playlist that is not I-frames only needs (RFC 8216, 7). */
export const VERSION = 7;

type Fragments = MediaObject['fragments'];

/** Fragments put together to segments of so many frames; the last may be shorter. */
export function segmentRuns(fragments: Fragments, segmentFrames: number): Fragments[] {
  const runs: Fragments[] = [];
  let open: Fragments = [];
  let frames = 0;
  for (const fragment of fragments) {
    open.push(fragment);
    frames += fragment.frames;
    if (frames < segmentFrames) continue;
    runs.push(open);
    open = [];
    frames = 0;
  }
  return open.length > 0 ? [...runs, open] : runs;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

/** The segments of a rendition. */
const segmentsOf = (
  objects: readonly MediaObject[],
  segmentFrames: number,
  frameSeconds: number,
): Segment[] =>
  objects.flatMap((object) =>
    segmentRuns(object.fragments, segmentFrames).map((run) => {
      const offset = run[0]?.offset ?? 0;
      const length = sumOf(run.map((fragment) => fragment.length));
      const seconds = sumOf(run.map(({ frames }) => frames)) * frameSeconds;
      const place = { file: object.file, offset, seconds };
      if (!object.segmentStarts) return { ...place, length };
      return { ...place, length: encryptedLength(length), vector: vectorOf(object, offset) };
    }),
  );

/** The segments of one rung. */
export const videoSegments = (plan: Plan, objects: readonly MediaObject[]): Segment[] =>
  segmentsOf(objects, plan.segmentFrames, 1 / toNumber(plan.rate));

/** Frames of an audio track's segments, which are its fragments, as they were cut. */
export const ANY_FRAMES = 1;

/** The segments of an audio track. */
export const audioSegments = (objects: readonly MediaObject[]): Segment[] =>
  segmentsOf(objects, ANY_FRAMES, AAC_FRAME / AUDIO_RATE);

/** Whether key frames can be had by themselves: a segment is encrypted whole. */
export const hasKeyFrames = ({ encryption }: Plan): boolean => encryption === undefined;

/** The key frames of one rung, each lasting until the next. */
export function keyFrames(plan: Plan, objects: readonly MediaObject[]): Segment[] {
  const frameSeconds = 1 / toNumber(plan.rate);
  return objects.flatMap(({ file, fragments }) =>
    fragments.map(({ offset, firstSampleEnd, frames }) => {
      return { file, offset, length: firstSampleEnd, seconds: frames * frameSeconds };
    }),
  );
}

/** Largest rounded segment length (RFC 8216, 4.3.3.1), at least one second. */
export const targetOf = (segments: readonly Pick<Segment, 'seconds'>[]): number =>
  Math.max(1, ...segments.map(({ seconds }) => Math.round(seconds)));

/**
 * The target duration that audio and video of a video share (rule 8.2): as planned, for it must be the same before all
 * segments are there.
 */
export function targetDuration(plan: Plan): number {
  const picture = Math.min(plan.frames, plan.segmentFrames) / toNumber(plan.rate);
  const sounds = plan.audio.flatMap((sound) => {
    const edges = audioEdges(plan, sound);
    return edges.slice(1).map((to, index) => ((to - (edges[index] ?? 0)) * AAC_FRAME) / AUDIO_RATE);
  });
  return targetOf([picture, ...sounds].map((seconds) => ({ seconds })));
}

/** How every media playlist of a video begins. */
const heading = (target: number): string[] => [
  '#EXTM3U',
  `#EXT-X-VERSION:${VERSION}`,
  `#EXT-X-TARGETDURATION:${target}`,
  '#EXT-X-MEDIA-SEQUENCE:0',
];

const END = '#EXT-X-ENDLIST';

export const INDEPENDENT = '#EXT-X-INDEPENDENT-SEGMENTS';

/** A playlist of these lines. */
export const textOf = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

/** How a segment is encrypted. The key lies beside the renditions' folders, so that a token in the path leads to it, too. */
const keyLines = ({ vector }: Segment): string[] =>
  vector ? [`#EXT-X-KEY:METHOD=AES-128,URI="../${KEY_PATH}",IV=0x${vector.toString('hex')}`] : [];

/** The init segment, which no key comes before and which therefore is not encrypted, and what follows it. */
const mediaLines = (segments: readonly Segment[], first: MediaObject): string[] => [
  `#EXT-X-MAP:URI="${first.file}",BYTERANGE="${first.initLength}@0"`,
  ...segments.flatMap((segment) => [
    ...keyLines(segment),
    `#EXTINF:${segment.seconds.toFixed(6)},`,
    `#EXT-X-BYTERANGE:${segment.length}@${segment.offset}`,
    segment.file,
  ]),
];

const playlist = (segments: readonly Segment[], first: MediaObject, target: number, extra: string): string =>
  textOf([...heading(target), '#EXT-X-PLAYLIST-TYPE:VOD', extra, ...mediaLines(segments, first), END]);

/** The first object of a rendition, whose init segment serves all. Throws where the rendition is empty. */
export function firstOf(objects: readonly MediaObject[]): MediaObject {
  const [first] = objects;
  if (!first) throw new Error('A rendition without objects has no playlist');
  return first;
}

/** The media playlist of one rung. */
export const videoPlaylist = (plan: Plan, objects: readonly MediaObject[], target: number): string =>
  playlist(videoSegments(plan, objects), firstOf(objects), target, INDEPENDENT);

/** The media playlist of an audio track. */
export const audioPlaylist = (objects: readonly MediaObject[], target: number): string =>
  playlist(audioSegments(objects), firstOf(objects), target, INDEPENDENT);

/**
 * The media playlist of a rendition that is still being made: players read it again, and begin at its beginning, where
 * a live stream is joined near its end (RFC 8216, 4.3.5.2).
 * @param segments those that there are, from the first on
 */
export const eventPlaylist = (
  segments: readonly Segment[],
  objects: readonly MediaObject[],
  target: number,
): string =>
  textOf([
    ...heading(target),
    ...['#EXT-X-PLAYLIST-TYPE:EVENT', INDEPENDENT, '#EXT-X-START:TIME-OFFSET=0'],
    ...mediaLines(segments, firstOf(objects)),
  ]);

/** The segments that an `eventPlaylist` has; as many as there can be where it has ended. */
export const eventSegments = (text: string): number =>
  text.includes(`\n${END}\n`) ? Number.POSITIVE_INFINITY : (text.match(/^#EXTINF:/gm) ?? []).length;

/** The media playlist of a rendition that could not be made after all: who began with it must not wait for more. */
export const emptyPlaylist = (target: number): string =>
  textOf([...heading(target), '#EXT-X-PLAYLIST-TYPE:VOD', END]);

/** The I-frame playlist of one rung, for scrubbing (rules 6.1, 6.8). */
export function keyFramePlaylist(plan: Plan, objects: readonly MediaObject[]): string {
  const frames = keyFrames(plan, objects);
  return playlist(frames, firstOf(objects), targetOf(frames), '#EXT-X-I-FRAMES-ONLY');
}
