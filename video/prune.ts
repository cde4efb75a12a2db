/**
 * Which rungs a title does not need: those that look no better than the one below. Found by encoding a few seconds with
 * the plan's own command line and comparing each rung, enlarged, with the picture (docs/encoding.md, "Pruning").
 */
import { chunkInput, filterGraph, QUIET, rungArguments } from './ffmpeg-arguments.ts';
import type { Rung } from './ladder.ts';
import { type Chunk, durationOf, type Plan } from './plan.ts';
import { toNumber } from './rational.ts';
import { chunkBytes } from './written.ts';

/** A rung must come closer to the picture than the one below by so much, in dB of SSIM. */
const LEAST_GAIN = 0.5;

/** Seconds of a video below which looking is not worth the wait: of five minutes it costs 1 % of the encode. */
const LEAST_SECONDS = 300;

/** Where the samples lie, as shares of the video: each begins with a segment and lasts a second. */
const SAMPLES = [1 / 6, 3 / 6, 5 / 6];

/** Every so many frames of a sample are compared. */
const COMPARED_EVERY = 6;

/** The rungs that may be pruned come from H.264's ladder; the other codecs follow it. */
const ladderOf = (plan: Pick<Plan, 'rungs'>): Rung[] => plan.rungs.filter(({ codec }) => codec === 'h264');

/** Whether a plan is worth looking at: it has a rung between the highest and the lowest, and lasts long enough. */
export const worthPruning = (plan: Plan): boolean =>
  ladderOf(plan).length > 2 && durationOf(plan) >= LEAST_SECONDS;

/** The stretches to encode. */
export function samplesOf(plan: Plan): Chunk[] {
  const segments = Math.floor(plan.frames / plan.segmentFrames);
  return SAMPLES.map((share) => {
    const from = Math.floor(share * segments) * plan.segmentFrames;
    return { from, to: from + Math.max(COMPARED_EVERY, Math.round(toNumber(plan.rate))) };
  });
}

/** The plan whose chunks are the samples: H.264's ladder, highest first. */
export const probePlan = (plan: Plan): Plan => ({ ...plan, rungs: ladderOf(plan) });

const COMPARED = `select='not(mod(n,${COMPARED_EVERY}))'`;
/** Pictures are paired by their number, for files may begin at different times. */
const NUMBERED = 'settb=1/25,setpts=N';

/**
 * ffmpeg for a sample: every rung but the highest, which stays whatever it looks like, as a chunk has it; and in the
 * highest one's size those pictures as they are that are compared.
 * @param files of the picture, and of every rung but the highest
 */
export function sampleArguments(
  probe: Plan,
  sample: Chunk,
  url: string,
  [picture = '', ...files]: readonly string[],
): string[] {
  const [, ...others] = probe.rungs;
  const graph = `${filterGraph(probe, sample)};[v0]${COMPARED}[picture]`;
  return [
    ...chunkInput(probe, sample, url),
    ...['-filter_complex_threads', '1', '-filter_complex', graph],
    ...['-map', '[picture]', '-c:v', 'rawvideo', '-pix_fmt', 'yuv420p', '-f', 'nut', picture],
    ...others.flatMap((rung, index) => rungArguments(probe, rung, index + 1, files[index] ?? '')),
  ];
}

/** Bytes that the files of a sample have at most. */
export function sampleBytes(probe: Plan, sample: Chunk): number {
  const { width = 0, height = 0 } = probe.rungs[0] ?? {};
  const pictures = Math.ceil((sample.to - sample.from) / COMPARED_EVERY);
  return chunkBytes(probe, sample) + Math.ceil(1.5 * width * height) * pictures; // 4:2:0, 8 bits a sample
}

/**
 * ffmpeg for `QualityReader`: how close each rung of a sample comes to the picture.
 * @param files that `sampleArguments` had written
 */
export function qualityArguments({ rungs }: Plan, files: readonly string[]): string[] {
  const [{ width, height } = { width: 2, height: 2 }, ...others] = rungs;
  const references = others.map((_, index) => `[r${index}]`);
  const compare = others.map(({ name }, index) => {
    const enlarged = `[${index + 1}:v]${COMPARED},${NUMBERED},scale=${width}:${height}:flags=bicubic[e${index}]`;
    const label = `metadata=add:key=rung:value=${name},metadata=print:file=-:direct=1`;
    return `${enlarged};[r${index}][e${index}]ssim,${label}[o${index}]`;
  });
  return [
    ...QUIET,
    ...files.flatMap((file) => ['-threads', '1', '-noautorotate', '-i', file]),
    ...['-filter_complex_threads', '1', '-filter_complex'],
    [`[0:v]${NUMBERED},split=${others.length}${references.join('')}`, ...compare].join(';'),
    ...others.flatMap((_, index) => ['-map', `[o${index}]`]),
    ...['-f', 'null', '-'],
  ];
}

/** Reads what `qualityArguments` prints, of all samples. */
export class QualityReader {
  readonly #ssim = new Map<string, number[]>();
  #last = Number.NaN;

  /** @param line such as `lavfi.ssim.Y=0.97` or `rung=720p` */
  read(line: string): void {
    const [key, value = ''] = line.split('=');
    if (key === 'lavfi.ssim.Y') this.#last = Number(value);
    if (key === 'rung') this.#ssim.set(value, [...(this.#ssim.get(value) ?? []), this.#last]);
  }

  /** dB of the mean SSIM of each rung, by its name. */
  quality(): Map<string, number> {
    const toDecibels = (all: readonly number[]) =>
      -10 * Math.log10(Math.max(1e-6, 1 - all.reduce((sum, one) => sum + one, 0) / all.length));
    return new Map([...this.#ssim].map(([name, all]) => [name, toDecibels(all)]));
  }
}

/**
 * The rungs that look no better than the next one below that is kept. The lowest stays, for slow networks, and so does
 * the highest: a few seconds can not prove that a whole video has no detail, and its owner looks for the size that was
 * uploaded.
 * @param quality dB of each rung, by its name
 */
export function prunedRungs(plan: Pick<Plan, 'rungs'>, quality: ReadonlyMap<string, number>): string[] {
  const pruned: string[] = [];
  let below: number | undefined;
  for (const { name } of ladderOf(plan).slice(1).toReversed()) {
    const own = quality.get(name) ?? Number.POSITIVE_INFINITY;
    if (below !== undefined && own - below < LEAST_GAIN) pruned.unshift(name);
    else below = own;
  }
  return pruned;
}
