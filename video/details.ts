/** `video.json`: what a page or an API client needs to know of a published video. */
import { z } from 'zod';
import { type Finding, findingSchema, mergeFindings } from './findings.ts';
import { durationOf, type Plan } from './plan.ts';

export const detailsSchema = z.object({
  id: z.string(),
  revision: z.string(),
  /** The file's name, or the id. */
  title: z.string(),
  durationSeconds: z.number(),
  /** Of the highest rung, in pixels. */
  width: z.int(),
  height: z.int(),
  framesPerSecond: z.number(),
  rungs: z.array(z.object({ name: z.string(), width: z.int(), height: z.int() })),
  /** One a track that can be chosen; `surround` where there is 5.1 beside stereo. */
  audio: z.array(z.object({ language: z.string(), name: z.string(), surround: z.boolean() })),
  findings: z.array(findingSchema),
});
export type Details = z.infer<typeof detailsSchema>;

/**
 * Says what was published. Holds no times and no costs: the same source gives the same bytes.
 * @param found what the receipts add to the plan's findings
 */
export function videoDetails(
  id: string,
  fileName: string | undefined,
  plan: Plan,
  found: readonly Finding[],
): Details {
  const [highest] = plan.rungs;
  return {
    id,
    revision: plan.revision,
    title: fileName ?? id,
    durationSeconds: durationOf(plan),
    width: highest?.width ?? 0,
    height: highest?.height ?? 0,
    framesPerSecond: plan.rate.num / plan.rate.den,
    rungs: plan.rungs.map(({ name, width, height }) => ({ name, width, height })),
    audio: plan.audio.flatMap(({ channels, stream, language, name }) => {
      const surround = plan.audio.some((other) => other.stream === stream && other.channels > channels);
      return channels === 2 ? [{ language, name, surround }] : [];
    }),
    findings: mergeFindings(plan.findings, found),
  };
}
