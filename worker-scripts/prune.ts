/** Looks for rungs that a video does not need: encodes its samples and compares them. */
import { join } from 'node:path';
import { chunkArguments, chunkTimeout } from '../video/ffmpeg-arguments.ts';
import type { Plan } from '../video/plan.ts';
import { probePlan, prunedRungs, QualityReader, qualityArguments, samplesOf } from '../video/prune.ts';
import { hasRefused, linesTo, run } from './process.ts';

/**
 * The names of the rungs to leave out of a plan; none where a sample can not be decoded, for damage is told of and
 * encoded around, not refused.
 * @param url of the source
 * @param folder to write the samples to
 */
export async function findPruned(
  plan: Plan,
  url: string,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const probe = probePlan(plan);
  const files = probe.rungs.map(({ name }) => join(folder, `${name}.mp4`));
  const reader = new QualityReader();
  const read = linesTo(reader);
  try {
    for (const sample of samplesOf(plan)) {
      const common = { program: 'ffmpeg', timeoutSeconds: chunkTimeout(probe, sample), signal } as const;
      await run({ ...common, args: chunkArguments(probe, sample, url, files) });
      await run({ ...common, args: qualityArguments(probe, files), read });
    }
  } catch (error) {
    if (hasRefused(error)) return [];
    throw error;
  }
  return prunedRungs(plan, reader.quality());
}
