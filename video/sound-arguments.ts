/**
 * The command lines of ffmpeg for sound, as pure functions of the plan. Two run side by side. The first decodes a track
 * and mixes it; where channels or sample rate change in the middle, as in recordings of television, it builds its
 * filters anew. The second, which must keep count from the first sample to the last, sees nothing of that.
 */
import { COMMON, EXACT, input } from './ffmpeg-arguments.ts';
import { type Level, levelFilters, MEASURE_FILTER } from './loudness.ts';
import { packetsTimeout } from './packets.ts';
import { durationOf, type Plan } from './plan.ts';
import { AAC_FRAME, AUDIO_RATE } from './settings.ts';
import type { Sound } from './sound.ts';
import { HEAR_FILTER } from './sound-damage.ts';

const LAYOUTS: Readonly<Record<Sound['channels'], string>> = { 2: 'stereo', 6: '5.1' };

/** What comes before the mix: only where ffmpeg's matrix is not what is wanted. */
const PAN: Readonly<Record<Sound['mix'], readonly string[]>> = {
  matrix: [],
  mono: ['pan=stereo|c0=c0|c1=c0'],
  'first-two': ['pan=stereo|c0=c0|c1=c1'],
};

/**
 * Seconds that are added on the way from one ffmpeg to the other: NUT has no times before zero, and a clock that
 * overflows (33 bits of 90 kHz are 95,444 s) has them.
 */
const HEADROOM = 100_000;

/** ffmpeg from a source to what `samples` reads: the track in the rendition's channels, on the source's clock. */
export function decodeSoundArguments({ stream, mix, channels }: Sound, url: string): string[] {
  const filter = [
    HEAR_FILTER,
    ...PAN[mix],
    // Floating point is not scaled down by itself when channels are added up; with a greatest sum of 1 nothing clips.
    `aresample=${AUDIO_RATE}:rematrix_maxval=1`,
    `aformat=sample_fmts=flt:channel_layouts=${LAYOUTS[channels]}`,
    `asetpts=PTS+${HEADROOM}/TB`,
  ].join(',');
  return [
    // Verbose, so that it accounts for what it decoded.
    ...[...COMMON, '-v', 'level+verbose'],
    ...['-copyts', '-vn', '-sn', '-dn', '-threads', '1', ...input(url)],
    ...['-map', `0:${stream}`, '-filter:a', filter, '-c:a', 'pcm_f32le'],
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-f', 'nut', 'pipe:1'],
  ];
}

const samples = ['-copyts', '-protocol_whitelist', 'pipe', '-f', 'nut', '-i', 'pipe:0'];

/** The track on the stream's clock: begins with the stream. */
const placed = (plan: Plan, { channels }: Sound): string[] => [
  `asetpts=PTS-${HEADROOM + plan.origin}/TB`,
  // Follows the source's clock: silence where it has a gap or begins late, cut where it begins early.
  `aresample=${AUDIO_RATE}:async=1:min_hard_comp=0.02:first_pts=0`,
  `aformat=sample_fmts=fltp:channel_layouts=${LAYOUTS[channels]}`,
];

/**
 * ffmpeg measuring what `decodeSoundArguments` gives it: `LoudnessReader` reads what it says.
 * @param level to measure it at, if not at its own
 */
export function measureSoundArguments(plan: Plan, sound: Sound, level?: Level): string[] {
  const end = `atrim=end_sample=${sound.frames * AAC_FRAME}`;
  const filter = [...placed(plan, sound), end, ...(level ? levelFilters(level) : []), MEASURE_FILTER].join(
    ',',
  );
  return [...COMMON, ...samples, '-filter:a', filter, '-f', 'null', '-'];
}

/**
 * ffmpeg encoding what `decodeSoundArguments` gives it: AAC that begins with the stream and lasts as long, as a
 * fragmented MP4 on standard output with one AAC frame a fragment. The first is the encoder's priming and must be
 * dropped.
 * @param level to bring it to, if not left at its own
 */
export function encodeSoundArguments(plan: Plan, sound: Sound, level?: Level): string[] {
  const length = sound.frames * AAC_FRAME;
  const filter = [
    ...placed(plan, sound),
    ...(level ? levelFilters(level) : []),
    `apad=whole_len=${length}`,
    `atrim=end_sample=${length}`,
  ].join(',');
  return [
    ...COMMON,
    ...samples,
    ...['-filter:a', filter, '-c:a', 'aac', '-b:a', `${sound.kbps}k`, '-threads', '1'],
    ...[...EXACT, '-use_editlist', '0', '-f', 'mp4'],
    ...['-movflags', '+cmaf+empty_moov+default_base_moof+frag_every_frame', 'pipe:1'],
  ];
}

/**
 * Seconds after which an audio rendition's ffmpeg is stuck: beside the sound it reads the whole file.
 * @param bytes of the file
 */
export const audioTimeout = (plan: Plan, bytes: number): number =>
  Math.max(60 + 2 * durationOf(plan), packetsTimeout(bytes));
