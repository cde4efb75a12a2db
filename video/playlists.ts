/**
 * Media, I-frame and multivariant playlists (RFC 8216; rule numbers are those of Apple's
 * "HLS authoring specification for Apple devices"), written from measured sizes.
 */
import { audioGroups, audioMedia } from './audio-groups.ts';
import type { Plan } from './plan.ts';
import { type Rational, toNumber } from './rational.ts';
import type { MediaObject } from './receipt.ts';
import { AAC_FRAME, AUDIO_RATE } from './settings.ts';
import { TEXT_GROUP, type TextRendition, textMedia } from './text/tracks.ts';

/** A stretch of an object that a playlist addresses. */
interface Segment {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly seconds: number;
}

/** The version that EXT-X-MAP in a playlist that is not I-frames only needs (RFC 8216, 7). */
const VERSION = 7;

/** Fragments of a rendition put together to segments of so many frames; the last may be shorter. */
function segmentsOf(objects: readonly MediaObject[], segmentFrames: number, frameSeconds: number): Segment[] {
  const segments: Segment[] = [];
  for (const { file, fragments } of objects) {
    let open: { offset: number; length: number; frames: number } | undefined;
    const close = () => {
      if (open)
        segments.push({
          file,
          offset: open.offset,
          length: open.length,
          seconds: open.frames * frameSeconds,
        });
      open = undefined;
    };
    for (const { offset, length, frames } of fragments) {
      open = open
        ? { offset: open.offset, length: open.length + length, frames: open.frames + frames }
        : { offset, length, frames };
      if (open.frames >= segmentFrames) close();
    }
    close();
  }
  return segments;
}

/** The segments of one rung. */
export const videoSegments = (plan: Plan, objects: readonly MediaObject[]): Segment[] =>
  segmentsOf(objects, plan.segmentFrames, 1 / toNumber(plan.rate));

/** The segments of an audio track: its fragments, as they were cut. */
export const audioSegments = (objects: readonly MediaObject[]): Segment[] =>
  segmentsOf(objects, 1, AAC_FRAME / AUDIO_RATE);

/** The key frames of one rung, each lasting until the next. */
function keyFrames(plan: Plan, objects: readonly MediaObject[]): Segment[] {
  const frameSeconds = 1 / toNumber(plan.rate);
  return objects.flatMap(({ file, fragments }) =>
    fragments.map(({ offset, firstSampleEnd, frames }) => {
      return { file, offset, length: firstSampleEnd, seconds: frames * frameSeconds };
    }),
  );
}

/** Largest rounded segment length (RFC 8216, 4.3.3.1), at least one second. */
const targetOf = (segments: readonly Segment[]): number =>
  Math.max(1, ...segments.map(({ seconds }) => Math.round(seconds)));

/** Audio and video of a video share their target duration (rule 8.2). */
export const targetDuration = (...renditions: readonly (readonly Segment[])[]): number =>
  Math.max(...renditions.map(targetOf));

function playlist(
  segments: readonly Segment[],
  first: MediaObject,
  target: number,
  extra: readonly string[],
): string {
  const lines = [
    ...['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, `#EXT-X-TARGETDURATION:${target}`, '#EXT-X-MEDIA-SEQUENCE:0'],
    ...['#EXT-X-PLAYLIST-TYPE:VOD', ...extra],
    `#EXT-X-MAP:URI="${first.file}",BYTERANGE="${first.initLength}@0"`,
    ...segments.flatMap(({ file, offset, length, seconds }) => [
      `#EXTINF:${seconds.toFixed(6)},`,
      `#EXT-X-BYTERANGE:${length}@${offset}`,
      file,
    ]),
    '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}

/** The first object of a rendition, whose init segment serves all. Throws where the rendition is empty. */
function firstOf(objects: readonly MediaObject[]): MediaObject {
  const [first] = objects;
  if (!first) throw new Error('A rendition without objects has no playlist');
  return first;
}

/** The media playlist of one rung. */
export const videoPlaylist = (plan: Plan, objects: readonly MediaObject[], target: number): string =>
  playlist(videoSegments(plan, objects), firstOf(objects), target, ['#EXT-X-INDEPENDENT-SEGMENTS']);

/** The media playlist of an audio track. */
export const audioPlaylist = (objects: readonly MediaObject[], target: number): string =>
  playlist(audioSegments(objects), firstOf(objects), target, ['#EXT-X-INDEPENDENT-SEGMENTS']);

/** The I-frame playlist of one rung, for scrubbing (rules 6.1, 6.8). */
export function keyFramePlaylist(plan: Plan, objects: readonly MediaObject[]): string {
  const frames = keyFrames(plan, objects);
  return playlist(frames, firstOf(objects), targetOf(frames), ['#EXT-X-I-FRAMES-ONLY']);
}

/**
 * Peak and average bits a second of a rendition. The peak is the highest over runs of segments that together last
 * between half and one and a half target durations (rfc8216bis, 4.4.6.2 BANDWIDTH).
 */
export function measureBandwidth(
  segments: readonly Segment[],
  target: number,
): { peak: number; average: number } {
  const rate = (run: readonly Segment[]) => {
    const seconds = run.reduce((sum, segment) => sum + segment.seconds, 0);
    return { seconds, bitsPerSecond: (8 * run.reduce((sum, segment) => sum + segment.length, 0)) / seconds };
  };
  const average = rate(segments).bitsPerSecond;
  let peak = average;
  for (let from = 0; from < segments.length; from++) {
    for (let to = from + 1; to <= segments.length; to++) {
      const { seconds, bitsPerSecond } = rate(segments.slice(from, to));
      if (seconds > 1.5 * target) break;
      if (seconds >= 0.5 * target) peak = Math.max(peak, bitsPerSecond);
    }
  }
  return { peak: Math.ceil(peak), average: Math.ceil(average) };
}

export interface RungMedia {
  readonly objects: readonly MediaObject[];
  readonly name: string;
}

/** Rule 1.32: the variant listed first is H.264's nearest to this, for that is where players begin. */
const FIRST_BITS_PER_SECOND = 2_000_000;

/** CODECS: each once, in order. */
const codecsTag = (codecs: readonly (string | undefined)[]): string =>
  `CODECS="${[...new Set(codecs.filter((codec) => codec !== undefined))].join(',')}"`;

const frameRateText = (rate: Rational): string => toNumber(rate).toFixed(3);

/**
 * The multivariant playlist.
 * @param base path from the playlist to the revision's folder, with a slash at its end
 * @param rungs of the plan, in its order
 * @param audio each rendition's objects, in the plan's order; none where it could not be made
 * @param text subtitles and captions
 */
export function masterPlaylist(
  plan: Plan,
  base: string,
  rungs: readonly RungMedia[],
  audio: readonly RungMedia[],
  text: readonly TextRendition[],
): string {
  const sound = audio.map(({ objects }) => audioSegments(objects));
  const picture = rungs.map(({ objects }) => videoSegments(plan, objects));
  const target = targetDuration(...picture, ...sound);
  const groups = audioGroups(
    plan.audio,
    audio.map(({ objects }) => objects.length > 0),
  );
  const uri = (index: number) => `${base}${audio[index]?.name ?? ''}/index.m3u8`;
  const media = groups.flatMap((group) => audioMedia(group, plan.audio, uri));
  const soundRates = sound.map((segments) => measureBandwidth(segments, target));
  const worst = (members: readonly number[], pick: 'peak' | 'average') =>
    Math.max(0, ...members.map((index) => soundRates[index]?.[pick] ?? 0));
  // Each variant with each group (Apple's rule 2.3: stereo for every device beside what is better).
  const ways = groups.map(({ id, members }) => {
    const tag = `AUDIO="${id}"`;
    const codecs = members.map((index) => audio[index]?.objects[0]?.codec);
    return { tag: [tag], codecs, peak: worst(members, 'peak'), average: worst(members, 'average'), members };
  });
  const subtitles = text.length > 0 ? [`SUBTITLES="${TEXT_GROUP}"`] : [];
  const silent = { tag: [], codecs: [], peak: 0, average: 0 };

  const pictures = plan.rungs.map(({ width, height, name, codec: family, hdr }, index) => {
    const objects = rungs[index]?.objects ?? [];
    const keys = keyFrames(plan, objects);
    const keyBandwidth = measureBandwidth(keys, targetOf(keys));
    const { codec } = firstOf(objects);
    const range = `VIDEO-RANGE=${hdr?.toUpperCase() ?? 'SDR'}`;
    return {
      ...measureBandwidth(picture[index] ?? [], target),
      family,
      codec,
      size: `RESOLUTION=${width}x${height},FRAME-RATE=${frameRateText(plan.rate)},${range}`,
      uri: `${base}${name}/index.m3u8`,
      keyStream: `#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=${keyBandwidth.peak},AVERAGE-BANDWIDTH=${keyBandwidth.average},CODECS="${codec}",RESOLUTION=${width}x${height},${range},URI="${base}${name}/iframes.m3u8"`,
    };
  });
  const variants = (ways.length > 0 ? ways : [silent]).flatMap((way, index) =>
    pictures.map(({ peak, average, family, codec, size, uri }) => {
      const bandwidth = peak + way.peak;
      const tags = [
        `BANDWIDTH=${bandwidth},AVERAGE-BANDWIDTH=${average + way.average}`,
        codecsTag([codec, ...way.codecs]),
        size,
        ...way.tag,
        ...subtitles,
        'CLOSED-CAPTIONS=NONE',
      ];
      const common = index === 0 && family === 'h264';
      return { bandwidth, common, stream: `#EXT-X-STREAM-INF:${tags.join(',')}\n${uri}` };
    }),
  );
  const soundAlone = ways.map(({ tag, codecs, peak, average, members }) => {
    const rates = `BANDWIDTH=${peak},AVERAGE-BANDWIDTH=${average}`;
    const tags = [rates, codecsTag(codecs), ...tag, ...subtitles];
    return `#EXT-X-STREAM-INF:${tags.join(',')}\n${uri(members[0] ?? 0)}`;
  });
  const distance = (variant: { bandwidth: number }) =>
    Math.abs(Math.log(variant.bandwidth / FIRST_BITS_PER_SECOND));
  const [start] = variants.filter(({ common }) => common).toSorted((a, b) => distance(a) - distance(b));
  const ordered = [...(start ? [start] : []), ...variants.filter((variant) => variant !== start)];
  const lines = [
    ...['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, '#EXT-X-INDEPENDENT-SEGMENTS'],
    ...media,
    ...textMedia(text),
    ...(pictures.length > 0 ? ordered.map(({ stream }) => stream) : soundAlone),
    ...pictures.map(({ keyStream }) => keyStream),
  ];
  return `${lines.join('\n')}\n`;
}
