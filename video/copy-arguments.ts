/** The command line of ffmpeg that copies a source whose clock jumps (video/timestamps.ts). */
import { COMMON, input } from './ffmpeg-arguments.ts';
import type { Source } from './probe.ts';

/** Codecs of sound that NUT has a name for; every other is copied as it sounds. */
const NAMED = /^(aac|aac_latm|ac3|eac3|mp2|mp3|dts|flac|vorbis|opus)$/;

/**
 * ffmpeg copying picture and sounds of a source to NUT on standard output. All in one run and without `-copyts`: then
 * ffmpeg joins the parts where the clock jumps, by the same step for picture and sound. NUT can be written to a pipe,
 * has an index, and keeps the codecs' bytes.
 */
export function copyArguments({ video, audio }: Source, url: string): string[] {
  const tracks = [...(video ? [video] : []), ...audio].flatMap(({ stream }) => ['-map', `0:${stream}`]);
  const heard = audio.flatMap(({ codec }, index) =>
    NAMED.test(codec) ? [] : [`-c:a:${index}`, 'pcm_s24le'],
  );
  const output = [
    '-c',
    'copy',
    ...heard,
    '-map_metadata',
    '-1',
    '-fflags',
    '+bitexact',
    '-flags',
    '+bitexact',
  ];
  return [...COMMON, '-threads', '1', ...input(url), ...tracks, ...output, '-f', 'nut', 'pipe:1'];
}
