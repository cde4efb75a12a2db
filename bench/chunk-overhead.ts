/** What cutting costs: the same stretch as chunks of a long video's length and as one run, with the same arguments. */
import { join } from 'node:path';
import { chunkArguments } from '../video/ffmpeg-arguments.ts';
import type { Plan } from '../video/plan.ts';
import { toNumber } from '../video/rational.ts';
import type { EncodeSettings } from '../video/settings.ts';
import { chunkSecondsFor, workPerSecond } from '../video/work.ts';
import { type Cost, sum, timed } from './cost.ts';

/** Seconds of the long video whose chunk length is taken. */
const LONG = 4 * 3600;

export interface Stretch {
  /** Frames a chunk. */
  readonly chunkFrames: number;
  readonly chunks: number;
}

/** As many whole chunks, of the length that the plan of a long file like this has, as the file holds; two at least. */
export function stretchOf(plan: Plan, settings: EncodeSettings): Stretch {
  const segments = chunkSecondsFor(LONG, workPerSecond(plan), settings) / settings.segmentSeconds;
  const wanted = segments * plan.segmentFrames;
  const chunkFrames = Math.min(wanted, Math.floor(plan.frames / 2));
  return { chunkFrames, chunks: Math.floor(plan.frames / chunkFrames) };
}

/** Seconds of a stretch's chunk. */
export const secondsOf = (plan: Plan, { chunkFrames }: Stretch): number => chunkFrames / toNumber(plan.rate);

/** The stretch as chunks, in turn, and as one run. */
export async function chunkedAndWhole(
  plan: Plan,
  { chunkFrames, chunks }: Stretch,
  url: string,
  folder: string,
): Promise<{ chunked: Cost; whole: Cost }> {
  const outputs = plan.rungs.map(({ name }) => join(folder, `${name}.mp4`));
  const run = (from: number, to: number) => timed('ffmpeg', chunkArguments(plan, { from, to }, url, outputs));
  const costs: Cost[] = [];
  for (let index = 0; index < chunks; index++) {
    costs.push(await run(index * chunkFrames, (index + 1) * chunkFrames));
  }
  return { chunked: sum(costs), whole: await run(0, chunks * chunkFrames) };
}
