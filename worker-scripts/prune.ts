/** Looks for rungs that a video does not need: encodes its samples and compares them. */
import { join } from 'node:path';
import { chunkTimeout } from '../video/ffmpeg-arguments.ts';
import { chunkMemory } from '../video/memory.ts';
import type { Chunk, Plan } from '../video/plan.ts';
import {
  probePlan,
  prunedRungs,
  QualityReader,
  qualityArguments,
  sampleArguments,
  sampleBytes,
  samplesOf,
} from '../video/prune.ts';
import type { TaskContext } from './context.ts';
import { linesTo } from './output.ts';
import { hasRefused, run } from './process.ts';

/** Lines that ffmpeg prints of a sample: one of 120 pictures in seven rungs has a tenth of them. */
const MOST_LINES = 20_000;

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
  { memory, signal }: Pick<TaskContext, 'memory' | 'signal'>,
): Promise<string[]> {
  const probe = probePlan(plan);
  const compare = async (sample: Chunk, index: number): Promise<string[]> => {
    const others = probe.rungs.slice(1).map(({ name }) => `${name}.mp4`);
    const files = ['picture.nut', ...others].map((name) => join(folder, `${index}-${name}`));
    const writes = { files, bytes: sampleBytes(probe, sample) };
    const memoryBytes = chunkMemory(probe);
    const timeoutSeconds = chunkTimeout(probe, sample);
    const common = { program: 'ffmpeg', timeoutSeconds, memoryBytes, signal } as const;
    const lines: string[] = [];
    const keep = (line: string) => lines.length < MOST_LINES && lines.push(line);
    const read = linesTo({ read: keep });
    return memory.with(memoryBytes, signal, async () => {
      await run({ ...common, args: sampleArguments(probe, sample, url, files), writes });
      await run({ ...common, args: qualityArguments(probe, files), reads: files, read });
      return lines;
    });
  };
  // At once where they fit, for nothing else of this video can be done meanwhile.
  const compared = await Promise.allSettled(samplesOf(plan).map(compare));
  const errors = compared.flatMap((sample) => (sample.status === 'rejected' ? [sample.reason] : []));
  if (errors.length > 0 && errors.every(hasRefused)) return [];
  if (errors.length > 0) throw errors.find((error) => !hasRefused(error));
  const reader = new QualityReader();
  for (const sample of compared)
    if (sample.status === 'fulfilled') for (const line of sample.value) reader.read(line);
  return prunedRungs(plan, reader.quality());
}
