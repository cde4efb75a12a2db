/** ffmpeg's command line that reads the text tracks of a source. */
import { COMMON, input } from '../ffmpeg-arguments.ts';
import type { Plan } from '../plan.ts';
import { type TextTrack, textFormatOf } from './tracks.ts';

/**
 * Seconds by which the times that ffmpeg writes are late: none of its formats can write a time before zero, and cues
 * may begin before the first picture.
 */
const LEAD = 1000;

/** What to add to the times that ffmpeg wrote, in milliseconds, to have them on the stream's clock. */
export const textShift = ({ origin }: Pick<Plan, 'origin'>): number => -Math.round((LEAD + origin) * 1000);

/** Bytes that a track may have; a long film's have 200 kB. */
const MAX_TRACK_BYTES = 16 * 1024 * 1024;

/** ffmpeg's names: its encoder, and its muxer. Copies are of the formats that we read better than ffmpeg. */
const OUTPUTS = { srt: ['srt', 'srt'], vtt: ['copy', 'webvtt'], ass: ['copy', 'ass'] } as const;

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
  const shift = ['-output_ts_offset', `${LEAD}`, '-fs', `${MAX_TRACK_BYTES}`];
  return [
    ...[...COMMON, '-copyts'],
    ...tracks.flatMap(({ codec, stream }) => (codec === 'dvb_teletext' ? teletext(stream) : [])),
    ...input(url),
    ...tracks.flatMap(({ stream, codec }, index) => {
      const [encoder, muxer] = OUTPUTS[textFormatOf(codec) ?? 'srt'];
      return ['-map', `0:${stream}`, '-c:s', encoder, ...shift, '-f', muxer, outputs[index] ?? ''];
    }),
  ];
}
