/** What ffprobe says of a source, read into the few facts that planning needs. */
import { z } from 'zod';
import { type ProbedChapter, probedChapterSchema } from './chapters.ts';
import { picturesByMerit } from './choose-picture.ts';
import { type Colour, hasAlpha, readColour } from './colour.ts';
import { SourceError } from './failures.ts';
import { type FieldOrder, flaggedOrder, type Scan } from './interlace.ts';
import { languageOf } from './languages.ts';
import { ORIENTATIONS, type Orientation, readDisplayMatrix } from './orientation.ts';
import type { Cover } from './picture.ts';
import { parseRational, type Rational } from './rational.ts';
import type { TrackWords } from './sound-names.ts';
import type { TextTrack } from './text/tracks.ts';
import { plainTitle } from './titles.ts';

const sideDataSchema = z.looseObject({
  displaymatrix: z.string().optional(),
  dv_profile: z.int().optional(),
  dv_bl_signal_compatibility_id: z.int().optional(),
});

const streamSchema = z.object({
  index: z.int(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  /** The container's name of the codec, such as `avc1`. */
  codec_tag_string: z.string().optional(),
  width: z.int().optional(),
  height: z.int().optional(),
  sample_aspect_ratio: z.string().optional(),
  r_frame_rate: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  time_base: z.string(),
  channels: z.int().optional(),
  channel_layout: z.string().optional(),
  start_time: z.string().optional(),
  disposition: z.record(z.string(), z.number()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  pix_fmt: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_primaries: z.string().optional(),
  color_transfer: z.string().optional(),
  field_order: z.string().optional(),
  nb_frames: z.string().optional(),
  duration: z.string().optional(),
  side_data_list: z.array(sideDataSchema).optional(),
});

/** The JSON of `ffprobe -show_format -show_streams -show_chapters`. */
export const ffprobeSchema = z.object({
  streams: z.array(streamSchema).default([]),
  chapters: z.array(probedChapterSchema).optional(),
  format: z.object({
    format_name: z.string(),
    start_time: z.string().optional(),
    duration: z.string().optional(),
  }),
});
export type Ffprobe = z.infer<typeof ffprobeSchema>;
type Stream = z.infer<typeof streamSchema>;

export interface VideoTrack {
  /** The stream's index in the file. */
  readonly stream: number;
  readonly codec: string;
  /** Pixels as they are meant to be seen: rotated, and stretched by the sample aspect ratio. */
  readonly width: number;
  readonly height: number;
  /** Pixels as they are coded. */
  readonly coded: { readonly width: number; readonly height: number };
  /** The width of a coded pixel for its height. */
  readonly aspect: number;
  /** How it is stored, where it is not upright. */
  readonly orientation: Orientation | undefined;
  readonly colour: Colour;
  /** Whether parts of it can be transparent. */
  readonly transparent: boolean;
  /** Of Dolby Vision, whose base layer is decoded. */
  readonly dolbyVision: number | undefined;
  /** What the stream's flag says of its fields. */
  readonly flagged: FieldOrder | undefined;
  /** What was measured of its fields, where that was worth it. */
  readonly scan?: Scan | undefined;
  /** Other video tracks of the file that could have been the picture. */
  readonly otherPictures: number;
  /** Seconds a tick. */
  readonly timeBase: Rational;
  /** Rates that the container claims, the likelier first. */
  readonly claimedRates: readonly Rational[];
}

export interface AudioTrack extends TrackWords {
  readonly stream: number;
  readonly codec: string;
  readonly channels: number;
  /** ffmpeg's name of the channels' layout, such as `5.1(side)`; none where the file does not say. */
  readonly layout?: string | undefined;
  /** When it is first heard, on the source's clock, where the container knows. */
  readonly startSeconds?: number | undefined;
}

/** A copy of a source whose clock jumps, on a clock that runs through. */
export interface Copy {
  readonly bytes: number;
  /** How often the source's clock jumps. */
  readonly jumps: number;
}

export interface Source {
  /** ffmpeg's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  /** Seconds; what ffmpeg's `-ss` counts from. */
  readonly startSeconds: number;
  /** Seconds, where the container knows. */
  readonly durationSeconds: number | undefined;
  /** The picture that is encoded, if there is one. */
  readonly video: VideoTrack | undefined;
  /** The image that stands for the sound, where there is no picture. */
  readonly cover?: Cover | undefined;
  /** Every track that can be heard, in the file's order. */
  readonly audio: readonly AudioTrack[];
  /** Seconds on the source's clock until which it is heard, where that was measured because it may outlast the picture. */
  readonly soundEnds?: number;
  /** Every subtitle track, of whatever kind. */
  readonly text: readonly TextTrack[];
  /** As the file has them. */
  readonly chapters: readonly ProbedChapter[];
  /** Set where this is not the file that was uploaded but a copy whose clock runs through. */
  readonly copy?: Copy;
}

/** Beyond these a sample aspect ratio is an error of the file, not a shape that somebody filmed. */
const SANE_ASPECT = 8;

/** The width of a pixel for its height; 1 where the file does not say (`0:1`), or nothing sensible. */
function aspectOf({ sample_aspect_ratio = '1:1' }: Stream): number {
  const [num, den] = sample_aspect_ratio.split(':').map(Number);
  const aspect = num && den ? num / den : 1;
  return aspect >= 1 / SANE_ASPECT && aspect <= SANE_ASPECT ? aspect : 1;
}

/** The tracks of which ffmpeg knows what they are and how many channels they have. */
const usableSounds = (streams: readonly Stream[]): Stream[] =>
  streams.filter(
    ({ codec_type, codec_name, channels = 0 }) =>
      codec_type === 'audio' && codec_name !== undefined && channels > 0,
  );

/** Dolby Vision profiles whose base layer may be coded for its own decoders alone; 5 always is. */
const CLOSED_PROFILES: ReadonlySet<number> = new Set([10, 20]);

/** The profile of Dolby Vision. Throws where nothing but a Dolby decoder knows the colours of the base layer. */
function dolbyVisionOf(stream: Stream): number | undefined {
  const record = stream.side_data_list?.find((data) => data.dv_profile !== undefined);
  const profile = record?.dv_profile;
  if (profile === undefined) return undefined;
  if (profile === 5 || (CLOSED_PROFILES.has(profile) && record?.dv_bl_signal_compatibility_id === 0))
    throw new SourceError(
      'unsupported-colours',
      `Dolby Vision, profile ${profile}, which has no other colours beside it`,
    );
  return profile;
}

/** WebM keeps transparency beside the picture, where ffprobe does not look. */
const besideAlpha = ({ tags = {} }: Stream): boolean =>
  Object.entries(tags).some(([name, value]) => name.toLowerCase() === 'alpha_mode' && value === '1');

function timeBaseOf(stream: Stream): Rational {
  const timeBase = parseRational(stream.time_base);
  if (!timeBase)
    throw new SourceError('not-a-video', `stream ${stream.index} has the time base ${stream.time_base}`);
  return timeBase;
}

function videoTrack(stream: Stream, otherPictures: number): VideoTrack {
  const [matrix] = stream.side_data_list?.flatMap((data) => data.displaymatrix ?? []) ?? [];
  const orientation = readDisplayMatrix(matrix ?? '');
  const coded = { width: stream.width ?? 0, height: stream.height ?? 0 };
  const aspect = aspectOf(stream);
  const [wide, high] = [Math.max(1, Math.round(coded.width * aspect)), coded.height];
  const swaps = orientation !== undefined && ORIENTATIONS[orientation].swaps;
  const rates = [stream.r_frame_rate, stream.avg_frame_rate].map((rate) => parseRational(rate ?? ''));
  return {
    stream: stream.index,
    codec: stream.codec_name ?? 'unknown',
    ...(swaps ? { width: high, height: wide } : { width: wide, height: high }),
    coded,
    aspect,
    orientation,
    colour: readColour(stream),
    transparent: hasAlpha(stream.pix_fmt ?? '') || besideAlpha(stream),
    dolbyVision: dolbyVisionOf(stream),
    flagged: flaggedOrder(stream.field_order),
    otherPictures,
    timeBase: timeBaseOf(stream),
    claimedRates: rates.filter((rate) => rate !== undefined),
  };
}

const audioTrack = (stream: Stream): AudioTrack => ({
  stream: stream.index,
  codec: stream.codec_name ?? 'unknown',
  channels: stream.channels ?? 0,
  layout: stream.channel_layout,
  startSeconds: stream.start_time === undefined ? undefined : Number(stream.start_time),
  language: stream.tags?.['language'] ?? 'und',
  title: stream.tags?.['title'],
  dispositions: Object.entries(stream.disposition ?? {}).flatMap(([name, set]) => (set ? [name] : [])),
});

/** Words in a title by which people mark subtitles for the deaf, where the container has no flag or it was not set. */
const SDH_TITLE = /\bSDH\b|\bCC\b|hearing.impaired/i;

function textTrack({ index, codec_name, disposition = {}, tags = {} }: Stream): TextTrack {
  const is = (name: string) => Boolean(disposition[name]);
  const title = plainTitle(tags['title']);
  return {
    stream: index,
    codec: codec_name ?? 'unknown',
    language: languageOf(tags['language'] ?? 'und').tag,
    ...(title && { title }),
    default: is('default'),
    forced: is('forced'),
    sdh: codec_name === 'eia_608' || is('hearing_impaired') || is('captions') || SDH_TITLE.test(title),
  };
}

/** The container's names of tracks that need a key: Common Encryption (ISO/IEC 23001-7, 4.1), FairPlay, and what is older. */
const ENCRYPTED_TAGS = /^(encv|enca|enct|drmi|drms|p608)$/;

/** Whether a stream is an image that stands for the whole file. */
const isCover = ({ codec_type, disposition = {} }: Stream): boolean =>
  codec_type === 'video' && Boolean(disposition['attached_pic'] || disposition['timed_thumbnails']);

/** Throws where a picture is there that nobody can decode: without it the sound alone would be taken for all. */
function checkCodec(stream: Stream): void {
  const { codec_type, codec_name, codec_tag_string = 'no name at all' } = stream;
  if (ENCRYPTED_TAGS.test(codec_tag_string)) throw new SourceError('encrypted', codec_tag_string);
  if (codec_type !== 'video' || isCover(stream)) return;
  if (codec_name === undefined)
    throw new SourceError('unsupported-codec', `the codec's name in the file: ${codec_tag_string}`);
  throw new SourceError('undecodable', `the ${codec_name} track has no size`);
}

/** The first cover that has a size. */
function coverOf(streams: readonly Stream[]): Cover | undefined {
  const [cover] = streams
    .filter(isCover)
    .flatMap(({ index, width, height }) => (width && height ? [{ stream: index, width, height }] : []));
  return cover;
}

/** Throws where there is nothing to see or to hear. */
function checkSound(streams: readonly Stream[]): void {
  streams.forEach(checkCodec);
  if (usableSounds(streams).length > 0) return;
  const found = streams.map((stream) => stream.codec_name ?? stream.codec_type ?? 'unknown').join(', ');
  throw new SourceError('no-video-stream', `found: ${found || 'no stream at all'}`);
}

/**
 * Reads ffprobe's JSON. Throws `SourceError`: `no-video-stream` where there is neither picture nor sound,
 * `unsupported-codec` or `undecodable` where there is a picture that can not be had, `encrypted`.
 */
export function readSource(ffprobe: Ffprobe): Source {
  const [video, ...others] = picturesByMerit(
    ffprobe.streams.filter(({ codec_type }) => codec_type === 'video'),
  );
  if (!video) checkSound(ffprobe.streams);
  return {
    container: ffprobe.format.format_name,
    startSeconds: Number(ffprobe.format.start_time ?? 0) || 0,
    durationSeconds: Number(ffprobe.format.duration) || undefined,
    video: video && videoTrack(video, others.length),
    cover: video ? undefined : coverOf(ffprobe.streams),
    audio: usableSounds(ffprobe.streams).map(audioTrack),
    text: ffprobe.streams.filter(({ codec_type }) => codec_type === 'subtitle').map(textTrack),
    chapters: ffprobe.chapters ?? [],
  };
}
