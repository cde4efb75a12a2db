/** What cutting costs: the same stretch as chunks and as one run, with the same arguments. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { chunkArguments } from '../../video/ffmpeg-arguments.ts';
import type { Plan } from '../../video/plan.ts';
import { toNumber } from '../../video/rational.ts';
import { type EncodeSettings, encodeSettingsSchema } from '../../video/settings.ts';
import { chunkSecondsFor, workPerSecond } from '../../video/work.ts';
import { type Cost, sum, timed } from '../cost.ts';
import type { Bench } from '../measure.ts';
import { inSeconds, type Measured, ratio } from '../row.ts';
import { planOf, withServedFile } from '../source.ts';

/** Seconds of the long video whose chunk length is taken. */
const LONG = 4 * 3600;
/** Of the usual clip: enough for two chunks of that length. */
const SECONDS = 60;
/** What issue 3 allows. */
const LIMIT = 1.03;

interface Stretch {
  /** Frames a chunk. */
  readonly chunkFrames: number;
  readonly chunks: number;
}

/** Once: a minute of CPU time differs from the next one by less than rounds of some seconds do. */
export async function chunks({ clip, folder }: Bench): Promise<Measured[]> {
  const { file, name } = await clip(SECONDS);
  return withServedFile(file, async (url) => {
    const settings = encodeSettingsSchema.parse({});
    const plan = await planOf(url, (await stat(file)).size, settings);
    const stretch = stretchOf(plan, settings);
    const { chunked, whole } = await chunkedAndWhole(plan, stretch, url, folder);
    const seconds = stretch.chunkFrames / toNumber(plan.rate);
    const what = `CPU of ${stretch.chunks} chunks of ${seconds} s / of one run of all`;
    return [ratio(what, [[chunked.cpu, whole.cpu]], inSeconds, { limit: LIMIT, clip: name })];
  });
}

/** As many whole chunks, of the length that the plan of a long file like this has, as the file holds; two at least. */
function stretchOf(plan: Plan, settings: EncodeSettings): Stretch {
  const segments = chunkSecondsFor(LONG, workPerSecond(plan), settings) / settings.segmentSeconds;
  const wanted = segments * plan.segmentFrames;
  const chunkFrames = Math.min(wanted, Math.floor(plan.frames / 2));
  return { chunkFrames, chunks: Math.floor(plan.frames / chunkFrames) };
}

/** The stretch as chunks, in turn, and as one run. */
async function chunkedAndWhole(
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
