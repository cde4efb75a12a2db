/** How each codec is encoded: one thread, closed GOPs of one length, a capped constant quality. */
import type { Graded } from './colour.ts';
import type { Rung } from './ladder.ts';
import type { Plan } from './plan.ts';
import { BUFFER_SECONDS, type Codec } from './settings.ts';

/**
 * x264's settings beside the preset. The owner's other presets are taken as they are.
 * Measured in docs/encoding.md, "x264".
 */
const x264Params = (preset: Plan['preset']): string[] =>
  preset === 'veryfast' ? ['-x264-params', 'trellis=1:rc-lookahead=20:partitions=i4x4,i8x8'] : [];

/**
 * x265's settings beside the preset. Its output depends on its threads, so it gets none; `info=0` leaves out the
 * settings that it would write into the stream.
 */
const X265_PARAMS = 'pools=none:frame-threads=1:wpp=0:open-gop=0:scenecut=0:info=0:log-level=error';

/** HDR10's metadata, which go into the stream and its header (Apple's rule 1.8). */
const hdrParams = ({ masterDisplay, maxCll }: Graded): string[] => [
  ...(masterDisplay ? [`master-display=${masterDisplay}`] : []),
  ...(maxCll ? [`max-cll=${maxCll}`] : []),
];

/** SVT-AV1's presets that stand for x264's: the work of each is in `video/work.ts`. */
const SVT_PRESET: Readonly<Record<Plan['preset'], number>> = {
  superfast: 12,
  veryfast: 10,
  faster: 9,
  fast: 8,
  medium: 7,
  slow: 6,
};

/** By codec; `graded` where a rung keeps high dynamic range, which is HEVC's alone. */
const ENCODERS: Readonly<Record<Codec, (preset: Plan['preset'], graded?: Graded) => string[]>> = {
  h264: (preset) => [
    ...['-c:v', 'libx264', '-preset', preset, '-profile:v', 'high', '-sc_threshold', '0'],
    ...x264Params(preset),
  ],
  hevc: (preset, graded) => [
    ...['-c:v', 'libx265', '-preset', preset, '-tag:v', 'hvc1', ...(graded ? ['-profile:v', 'main10'] : [])],
    ...['-x265-params', [X265_PARAMS, ...hdrParams(graded ?? {})].join(':')],
  ],
  // lp=1: one logical processor; scd=0: no key frames at scene cuts.
  av1: (preset) => [
    ...['-c:v', 'libsvtav1', '-preset', `${SVT_PRESET[preset]}`, '-svtav1-params', 'lp=1:scd=0'],
  ],
};

/** ffmpeg's encoder of one rung. */
export function encoderArguments(plan: Plan, { codec, crf, maxKbps, hdr }: Rung): string[] {
  const { preset, gopFrames, picture } = plan;
  return [
    ...ENCODERS[codec](preset, hdr && (picture?.colour?.hdr?.graded ?? {})),
    // The output of encoders depends on their threads: one a rung, and as many chunks at once as there are cores.
    ...['-threads', '1', '-crf', `${crf}`],
    ...['-maxrate', `${maxKbps}k`, '-bufsize', `${maxKbps * BUFFER_SECONDS}k`],
    ...['-g', `${gopFrames}`, '-keyint_min', `${gopFrames}`],
  ];
}
