/**
 * Files whose clock was set anew on the way: recordings that were cut or joined, broadcasts that were interrupted. Every
 * task seeks by time, so such a file is first copied, undecoded, to one whose clock runs through.
 */
import type { Finding } from './findings.ts';
import type { Packets } from './packets.ts';
import type { Copy, Ffprobe, Source } from './probe.ts';
import { parseRational } from './rational.ts';

/** Containers whose clock may jump: ffmpeg joins no others (`AVFMT_TS_DISCONT`). In all others a gap is meant. */
const JUMPING = /^(mpegts|mpeg|ogg)$/;

/** Whether a source must be copied before times in it mean anything. */
export const needsCopy = ({ container }: Source, { jumps = 0 }: Packets): boolean =>
  jumps > 0 && JUMPING.test(container);

/**
 * A source as its copy has it: the same tracks under new numbers on a new clock. Its subtitles are named only: these
 * containers have none that are text.
 * @param headers of the copy
 */
export function asCopied(source: Source, headers: Ffprobe, copy: Copy): Source {
  const { streams, format } = headers;
  const { video, audio } = source;
  const timeBase = parseRational(streams[0]?.time_base ?? '');
  if (!timeBase || streams.length !== (video ? 1 : 0) + audio.length)
    throw new Error(`The copy of a ${source.container} file has ${streams.length} streams`);
  return {
    ...source,
    startSeconds: Number(format.start_time ?? 0) || 0,
    durationSeconds: Number(format.duration) || undefined,
    video: video && { ...video, stream: 0, timeBase },
    audio: audio.map((track, index) => ({ ...track, stream: index + (video ? 1 : 0) })),
    chapters: [], // their times are of the old clock
    copy,
  };
}

/** What an owner is told of a clock that jumped. */
export function timestampFindings({ copy }: Source): Finding[] {
  if (!copy) return [];
  const times = copy.jumps === 1 ? 'once' : `${copy.jumps} times`;
  const text = `The clock of the file jumps ${times}, as where recordings were joined; its parts were put one after the other, picture and sound in step.`;
  return [{ code: 'timestamps', text }];
}
