/** CEA-608 captions that travel inside the picture (ANSI/SCTE 128, ATSC A/53 part 4, 6.2.3); 708 carries them, too. */
import { COMMON, DEMUXERS, input, PROTOCOLS } from '../ffmpeg-arguments.ts';
import type { VideoTrack } from '../probe.ts';
import { PICTURE_CAPTIONS, type TextTrack } from './tracks.ts';

/** The units of a bitstream that can hold captions, by codec: SEI messages, or MPEG-2's user data. */
const UNITS: ReadonlyMap<string, string> = new Map([
  ['h264', '6'],
  ['hevc', '39|40'],
  ['mpeg2video', '178'],
]);

/** What captions begin with in each of them: the user identifier of A/53, and its type for captions. */
export const CAPTION_MARK = Buffer.from('GA94\x03');

/** Containers that keep the bytes of a picture together, as they are: a mark that is not in the file is in no picture. */
const KEEPS_TOGETHER = /^mov,/;
export const keepsMarks = (container: string): boolean => KEEPS_TOGETHER.test(container);

/** Whether a picture's codec can carry captions that are read here. */
export const canCarryCaptions = (codec: string): boolean => UNITS.has(codec);

/** ffmpeg writing nothing but the units that may hold captions, undecoded, to standard output. */
export function captionUnitsArguments(
  url: string,
  { stream, codec }: Pick<VideoTrack, 'stream' | 'codec'>,
): string[] {
  const filter = `filter_units=pass_types=${UNITS.get(codec) ?? ''}`;
  return [
    ...COMMON,
    ...input(url),
    '-map',
    `0:${stream}`,
    '-c',
    'copy',
    '-bsf',
    filter,
    '-f',
    'data',
    'pipe:1',
  ];
}

/** The track that captions inside a picture make: the file says neither their language nor their name. */
export const captionTrack = (stream: number): TextTrack => ({
  ...{ stream, codec: PICTURE_CAPTIONS, language: 'und', title: 'Captions' },
  ...{ default: false, forced: false, sdh: true },
});

/** A value inside an option of a filter inside a graph: quoted for each of the two. */
const quoted = (value: string): string => `'${value.replace(/[\\:,]/g, (sign) => `\\${sign}`)}'`;

/**
 * The input that ffmpeg takes captions from: its `movie` filter decodes the picture and gives their bytes as a stream
 * of their own. The filter opens the source by itself, so it gets our lists of protocols and containers, too.
 */
export function captionInput(url: string, stream: number): string[] {
  const list = (names: string) => names.replaceAll(',', '\\,');
  const options = `protocol_whitelist=${list(PROTOCOLS)}\\:format_whitelist=${list(DEMUXERS)}\\:seekable=1`;
  const graph = `movie=filename=${quoted(url)}:stream_index=${stream}:dec_threads=1:format_opts='${options}'[out0+subcc]`;
  return ['-f', 'lavfi', '-i', graph];
}
