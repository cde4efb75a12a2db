/** ffmpeg's command line that reads the text tracks of a source. */
import { COMMON, input } from '../ffmpeg-arguments.ts';
import type { Plan } from '../plan.ts';
import { MAX_PIXELS } from '../settings.ts';
import { captionInput } from './captions.ts';
import { PICTURE_CAPTIONS, type TextTrack, textFormatOf } from './tracks.ts';

/**
 * Seconds by which the times that ffmpeg writes are late: none of its formats can write a time before zero, and cues
 * may begin before the first picture.
 */
const LEAD = 1000;

/** What to add to the times that ffmpeg wrote, in milliseconds, to have them on the stream's clock. */
export const textShift = ({ origin }: Pick<Plan, 'origin'>): number => -Math.round((LEAD + origin) * 1000);

/** Bytes that a track may have; a long film's have 200 kB. */
const MAX_TRACK_BYTES = 16 * 1024 * 1024;

/**
 * Bytes that ffmpeg may allocate at once: a plane of the largest picture, two bytes a sample, with its margins. The
 * `movie` filter, which captions come from, takes no `-max_pixels`, and a picture can grow after its headers.
 */
const MAX_ALLOCATION = 2 * MAX_PIXELS + 32 * 1024 * 1024;

/** ffmpeg's names of its muxers. */
const MUXERS = { srt: 'srt', vtt: 'webvtt', ass: 'ass' } as const;

/** Codecs that are copied: our reading of them keeps more than ffmpeg's. */
const COPIED = /^(ass|ssa|webvtt)$/;

/** Teletext is decoded as a terminal shows it, page by page, until the next page comes. */
const teletext = (stream: number): string[] => [
  ...[`-txt_format:${stream}`, 'text', `-txt_page:${stream}`, 'subtitle'],
  `-fix_sub_duration:${stream}`,
];

/**
 * ffmpeg reading tracks as text. Its times are on the source's clock but for whole seconds, so that rounding to what a
 * format can write leaves them as they are.
 * @param outputs a file a track
 */
export function textArguments(
  tracks: readonly TextTrack[],
  url: string,
  outputs: readonly string[],
): string[] {
  // Of the source itself, and of the captions inside a picture, which ffmpeg finds in an input of their own.
  const inside = tracks.filter(({ codec }) => codec === PICTURE_CAPTIONS);
  const streamOf = (track: TextTrack) =>
    inside.includes(track) ? `${inside.indexOf(track) + 1}:s` : `0:${track.stream}`;
  const shift = ['-output_ts_offset', `${LEAD}`, '-fs', `${MAX_TRACK_BYTES}`];
  return [
    ...[...COMMON, '-copyts', '-max_alloc', `${MAX_ALLOCATION}`],
    ...tracks.flatMap(({ codec, stream }) => (codec === 'dvb_teletext' ? teletext(stream) : [])),
    ...input(url),
    ...inside.flatMap(({ stream }) => captionInput(url, stream)),
    ...tracks.flatMap((track, index) => {
      const format = textFormatOf(track.codec) ?? 'srt';
      const encoder = COPIED.test(track.codec) ? 'copy' : format;
      const output = ['-map', streamOf(track), '-c:s', encoder];
      return [...output, ...shift, '-f', MUXERS[format], outputs[index] ?? ''];
    }),
  ];
}
