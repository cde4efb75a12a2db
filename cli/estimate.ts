/** `spotreel estimate`: what a file on this machine would cost, and how long it would take, before it is uploaded. */
import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { misfitsOf } from '../jobs/misfits.ts';
import { DEPLOYED } from '../jobs/platform.ts';
import { makespan, tailSeconds } from '../jobs/time-left.ts';
import { type Cost, costOf, foreseenBill, foreseenBytes } from '../video/cost.ts';
import { SourceError } from '../video/failures.ts';
import { durationOf, type Plan, planVideo } from '../video/plan.ts';
import { type Prices, pricesSchema } from '../video/prices.ts';
import { type EncodeSettings, encodeSettingsSchema } from '../video/settings.ts';
import { needsCopy } from '../video/timestamps.ts';
import { inspect } from '../worker-scripts/inspect.ts';
import { UsageError } from './endings.ts';
import { serveFile } from './file-server.ts';
import { jsonObject, wholeNumber } from './option-readers.ts';
import { byteCount, clock, columns, plain } from './text.ts';
import { costRows } from './video-text.ts';

interface EstimateOptions {
  readonly vcpus: number;
  readonly settings: object;
  readonly prices: object;
  readonly json?: boolean;
}

export interface Estimate {
  readonly durationSeconds: number;
  readonly rungs: readonly string[];
  /** vCPU seconds of all that is encoded. */
  readonly workSeconds: number;
  /** From the first machine's first task until the video can be played. */
  readonly readySeconds: number;
  /** Bytes that are stored where every picture takes as much as it may. */
  readonly bytes: number;
  /** US dollars, on demand. */
  readonly cost: Cost;
}

/** Seconds of looking at a source before anything is encoded, beside reading it. */
const PLAN_SECONDS = 1;

/** What a plan comes to. @param vcpus that work at once */
export function estimateOf(plan: Plan, sourceBytes: number, vcpus: number, prices: Prices): Estimate {
  const durationSeconds = durationOf(plan);
  const bill = foreseenBill(plan, prices);
  const bytes = foreseenBytes(plan);
  // Chunks take as long as they are; what sound costs is spread over them.
  const perFrame = plan.workSeconds / plan.frames;
  const works = plan.chunks.map(({ from, to }) => (to - from) * perFrame);
  const encoding = makespan(works.length > 0 ? works : [plan.workSeconds], vcpus);
  return {
    durationSeconds,
    rungs: plan.rungs.map(({ name }) => name),
    workSeconds: plan.workSeconds,
    readySeconds: PLAN_SECONDS + encoding + tailSeconds(durationSeconds),
    bytes,
    cost: costOf(bill, { durationSeconds, bytes, sourceBytes }, prices),
  };
}

/** What an option's JSON says. Throws a `UsageError` where it is not what a deployment's setting may be. */
function settingOf<T>(option: string, schema: z.ZodType<T>, given: object): T {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  throw new UsageError(`${option}: ${misfitsOf(error).join('; ')}`);
}

/** Plans a file as a worker would. Throws a `UsageError` where it can not become a video, or its plan not be foreseen. */
async function planFile(path: string, bytes: number, settings: EncodeSettings): Promise<Plan> {
  const served = await serveFile(path);
  try {
    const { signal } = new AbortController();
    const { source, packets } = await inspect({ url: served.url, bytes, settings, signal });
    if ('pts' in packets && needsCopy(source, packets))
      throw new UsageError('Its clock jumps: what it becomes is known when it is encoded');
    return planVideo(source, packets, settings, '');
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new UsageError(`It can not become a video: ${error.message}`);
  } finally {
    served.close();
  }
}

function estimateText(
  file: string,
  { durationSeconds, rungs, workSeconds, readySeconds, bytes, cost }: Estimate,
  vcpus: number,
): string {
  const rows: [string, string][] = [
    ['length', clock(durationSeconds)],
    ['pictures', rungs.join(', ') || 'none'],
    ['work', `${clock(workSeconds)} of CPU, give or take a third`],
    ['ready after', `${clock(readySeconds)} on ${vcpus} vCPUs, and a machine's boot of about a minute`],
    ['stored', `${byteCount(bytes)}, if every picture takes as much as it may`],
    ...costRows(cost),
  ];
  return [
    file,
    columns(rows.map(([name, value]) => [`  ${name}`, value])),
    '  At on-demand prices, and as large as the rungs may be: spot costs about half, and most videos are smaller.',
  ].join('\n');
}

/** Adds the command. */
export function addEstimate(program: Command): void {
  program
    .command('estimate')
    .description('say what a file would cost and how long it would take, before it is uploaded')
    .argument('<file>', 'a video on this machine; ffmpeg and ffprobe must be here')
    .addOption(
      new Option('--vcpus <n>', 'vCPUs that work at once')
        .default(DEPLOYED.maxVcpus)
        .argParser(wholeNumber(1)),
    )
    .addOption(
      new Option('--settings <json>', 'encode settings of your platform that differ from the defaults')
        .default({}, 'none')
        .argParser(jsonObject),
    )
    .addOption(
      new Option('--prices <json>', 'prices of your platform that differ from the list’s (docs/cost.md)')
        .default({}, 'none')
        .argParser(jsonObject),
    )
    .option('--json', 'print JSON')
    .action(async (file: string, { vcpus, json, ...given }: EstimateOptions) => {
      const settings = settingOf('--settings', encodeSettingsSchema, given.settings);
      const prices = settingOf('--prices', pricesSchema, given.prices);
      const { size } = await stat(file).catch(() => {
        throw new UsageError(`${file} can not be read`);
      });
      const estimate = estimateOf(await planFile(file, size, settings), size, vcpus, prices);
      console.log(json ? JSON.stringify(estimate) : plain(estimateText(file, estimate, vcpus)));
    });
}
