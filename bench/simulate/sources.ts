/**
 * What is uploaded, and the plan of each. ffprobe's words are made up; `planVideo` is the product's. Sources of one
 * format and length have the same plan, so lengths come from a few hundred and each is planned once.
 */
import { readColour } from '../../video/colour.ts';
import { durationOf, type Plan, planVideo, segmentCount } from '../../video/plan.ts';
import type { Source } from '../../video/probe.ts';
import { type Rational, rational } from '../../video/rational.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { audioWork, chunkWork, workPerSecond } from '../../video/work.ts';
import { A } from './assumptions.ts';
import { Random } from './random.ts';

export interface Format {
  readonly name: string;
  /** Of all uploads; assumed. */
  readonly share: number;
  readonly width: number;
  readonly height: number;
  readonly rate: Rational;
  readonly codec: string;
  /** Megabits a second of the file; assumed, by what phones and cameras write. */
  readonly megabits: number;
}

const h264 = { codec: 'h264', rate: rational(30, 1) };
const FORMATS: readonly Format[] = [
  { name: '1080p30', share: 0.4, width: 1920, height: 1080, megabits: 10, ...h264 },
  { name: '1080p30 upright', share: 0.25, width: 1080, height: 1920, megabits: 10, ...h264 },
  { name: '720p30', share: 0.2, width: 1280, height: 720, megabits: 5, ...h264 },
  { name: '1080p60', share: 0.08, width: 1920, height: 1080, megabits: 17, ...h264, rate: rational(60, 1) },
  { name: '2160p30', share: 0.05, width: 3840, height: 2160, megabits: 40, ...h264, codec: 'hevc' },
  { name: '480p30', share: 0.02, width: 854, height: 480, megabits: 2, ...h264 },
];
export const FEATURE_4K: Format = {
  name: '2160p24',
  share: 1,
  width: 3840,
  height: 2160,
  rate: rational(24, 1),
  codec: 'hevc',
  megabits: 25,
};

/** A task as the simulation sees it. */
export interface MediaTask {
  readonly kind: 'audio' | 'chunk';
  /** vCPU-seconds on a measured core. */
  readonly work: number;
  /** Bytes of the source that are read one after the other. */
  readonly bytes: number;
}

/** One video's plan, in the simulation's terms. */
export interface Planned {
  readonly seconds: number;
  readonly bytes: number;
  readonly rungs: number;
  readonly segments: number;
  /** Seconds that the plan task takes: ffprobe reads every packet. */
  readonly planSeconds: number;
  readonly tasks: readonly MediaTask[];
  /** vCPU-seconds of all tasks. */
  readonly work: number;
}

const settings = encodeSettingsSchema.parse({});
/** Ticks a second: every frame rate of ours has whole ticks. */
const TICKS = 90_000;

function sourceOf({ codec, width, height, rate }: Format, seconds: number): Source {
  return {
    container: 'mov,mp4,m4a,3gp,3g2,mj2',
    startSeconds: 0,
    durationSeconds: seconds,
    video: {
      ...{ stream: 0, codec, width, height, timeBase: rational(1, TICKS), claimedRates: [rate] },
      ...{ coded: { width, height }, aspect: 1, orientation: undefined, transparent: false },
      ...{ dolbyVision: undefined, flagged: undefined, otherPictures: 0 },
      colour: readColour({ width, height }),
    },
    audio: [{ stream: 1, codec: 'aac', channels: 2, language: 'und', dispositions: [] }],
    text: [],
    chapters: [],
  };
}

function planOf(format: Format, seconds: number): Plan {
  const ticks = (TICKS * format.rate.den) / format.rate.num;
  const count = Math.max(1, Math.round((seconds * TICKS) / ticks));
  const pts = Array.from({ length: count }, (_, frame) => frame * ticks);
  return planVideo(sourceOf(format, seconds), { pts, longestKeyGap: 2 * TICKS }, settings, 'simulated');
}

/** Plans a source of a format and length. */
export function plan(format: Format, length: number): Planned {
  const real = planOf(format, length);
  const seconds = durationOf(real);
  const bytes = (seconds * format.megabits * 1e6) / 8;
  const perSecond = workPerSecond(real);
  const tasks = [
    ...real.chunks.map(({ from, to }): MediaTask => {
      const share = (to - from) / real.frames;
      return { kind: 'chunk', work: chunkWork(perSecond, share * seconds), bytes: share * bytes };
    }),
    ...real.audio.map(
      ({ channels }): MediaTask => ({
        kind: 'audio',
        work: audioWork(seconds, channels, real.loudness),
        bytes,
      }),
    ),
  ];
  return {
    seconds,
    bytes,
    rungs: real.rungs.length,
    segments: segmentCount(real),
    planSeconds: A.probeSeconds + bytes / A.readRate,
    tasks,
    work: real.workSeconds,
  };
}

/** Lengths that stand for all, and draws that each is the mean of. */
const LENGTHS = 256;
const DRAWS_A_LENGTH = 64;

/** Seconds of videos as people upload them: log-normal, cut where the product refuses; equally likely each. */
export function lengths(seed: number): number[] {
  const random = new Random(seed, 'lengths');
  const sigma = Math.sqrt(2 * Math.log(A.lengthMean / A.lengthMedian));
  const drawn: number[] = [];
  while (drawn.length < LENGTHS * DRAWS_A_LENGTH) {
    const length = random.logNormal(A.lengthMedian, sigma);
    if (length >= A.lengthShortest && length < settings.maxDurationSeconds) drawn.push(length);
  }
  drawn.sort((a, b) => a - b);
  return Array.from({ length: LENGTHS }, (_, index) => {
    const alike = drawn.slice(index * DRAWS_A_LENGTH, (index + 1) * DRAWS_A_LENGTH);
    return alike.reduce((sum, length) => sum + length, 0) / DRAWS_A_LENGTH;
  });
}

/** Draws plans of mixed uploads. */
export function mixedPlans(seed: number): () => Planned {
  const random = new Random(seed, 'sources');
  const choices = lengths(seed);
  const known = new Map<string, Planned>();
  return () => {
    const format = random.choose(FORMATS);
    const length = choices[random.below(choices.length)] ?? 0;
    const key = `${format.name} ${length}`;
    const planned = known.get(key) ?? plan(format, length);
    known.set(key, planned);
    return planned;
  };
}
