/** The command lines of ffmpeg for sound, as pure functions of the plan. */
import { COMMON, input } from './ffmpeg-arguments.ts';
import { durationOf, type Plan } from './plan.ts';
import { AAC_FRAME, AUDIO_RATE } from './settings.ts';
import type { Sound } from './sound.ts';

const LAYOUTS: Readonly<Record<Sound['channels'], string>> = { 2: 'stereo', 6: '5.1' };

/** What comes before the mix: only where ffmpeg's matrix is not what is wanted. */
const PAN: Readonly<Record<Sound['mix'], readonly string[]>> = {
  matrix: [],
  mono: ['pan=stereo|c0=c0|c1=c0'],
  'first-two': ['pan=stereo|c0=c0|c1=c1'],
};

/** The track on the stream's clock, in the rendition's channels: begins with the stream and lasts as long. */
function soundFilter(plan: Plan, { mix, channels, frames }: Sound): string {
  const samples = frames * AAC_FRAME;
  return [
    `asetpts=PTS-${plan.origin}/TB`,
    ...PAN[mix],
    // Follows the source's clock: silence where it has a gap or begins late, cut where it begins early. Floating point
    // is not scaled down by itself when channels are added up; with a greatest sum of 1 nothing can clip.
    `aresample=${AUDIO_RATE}:async=1:min_hard_comp=0.02:first_pts=0:rematrix_maxval=1`,
    `aformat=sample_fmts=fltp:channel_layouts=${LAYOUTS[channels]}`,
    `apad=whole_len=${samples}`,
    `atrim=end_sample=${samples}`,
  ].join(',');
}

/**
 * ffmpeg for one audio rendition: AAC that begins with the stream and lasts as long, as a fragmented MP4 on standard
 * output with one AAC frame a fragment. The first is the encoder's priming and must be dropped.
 */
export function audioArguments(plan: Plan, sound: Sound, url: string): string[] {
  return [
    ...COMMON,
    ...['-copyts', '-vn', '-sn', '-dn', '-threads', '1', ...input(url)],
    ...['-map', `0:${sound.stream}`, '-filter:a', soundFilter(plan, sound)],
    ...['-c:a', 'aac', '-b:a', `${sound.kbps}k`, '-threads', '1'],
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags', '+bitexact'],
    ...['-use_editlist', '0', '-f', 'mp4'],
    ...['-movflags', '+cmaf+empty_moov+default_base_moof+frag_every_frame', 'pipe:1'],
  ];
}

/** Seconds after which an audio rendition's ffmpeg is stuck. */
export const audioTimeout = (plan: Plan): number => 60 + 2 * durationOf(plan);
