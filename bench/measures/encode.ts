/** The whole pipeline beside plain ffmpeg commands that make the same rungs of the same file. */
import { stat } from 'node:fs/promises';
import { encodeSettingsSchema } from '../../video/settings.ts';
import type { Cost } from '../cost.ts';
import { type Bench, inRounds } from '../measure.ts';
import { type Pipeline, throughPipeline } from '../pipeline.ts';
import { encoderAlone, oneAfterTheOther, oneCommand } from '../plain-ffmpeg.ts';
import { absolute, inSeconds, type Measured, type Pair, ratio } from '../row.ts';
import { planOf, withServedFile } from '../source.ts';

/** Of the usual clip: several chunks for two cores, and rounds that take a minute or so. */
const SECONDS = 16;

interface Round {
  readonly ours: Pipeline;
  /** One ffmpeg a rung, in turn. */
  readonly script: Cost;
  /** One ffmpeg for all rungs. */
  readonly command: Cost;
  /** x264 alone from raw frames. */
  readonly encoder: Cost;
}

export async function encode({ clip, rounds, folder }: Bench): Promise<Measured[]> {
  const { file, name } = await clip(SECONDS);
  const bytes = (await stat(file)).size;
  const plan = await withServedFile(file, (url) => planOf(url, bytes, encodeSettingsSchema.parse({})));
  const all = await inRounds(rounds, async () => ({
    ours: await throughPipeline(file, folder),
    script: await oneAfterTheOther(file, plan, folder),
    command: await oneCommand(file, plan, folder),
    encoder: await encoderAlone(file, plan, folder),
  }));
  return rowsOf(all).map((row) => ({ ...row, clip: name }));
}

/** Limits are what issues 2 and 3 ask for. */
function rowsOf(all: readonly Round[]): Measured[] {
  const pairs = (pair: (round: Round) => Pair) => all.map(pair);
  const each = (value: (ours: Pipeline) => number) => all.map(({ ours }) => value(ours));
  return [
    ratio(
      'CPU of the whole pipeline / of x264 alone',
      pairs(({ ours, encoder }) => [ours.cost.cpu, encoder.cpu]),
      inSeconds,
      { limit: 1.1 },
    ),
    ratio(
      'CPU of the whole pipeline / of one ffmpeg for all rungs',
      pairs(({ ours, command }) => [ours.cost.cpu, command.cpu]),
      inSeconds,
    ),
    ratio(
      'CPU of the whole pipeline / of one ffmpeg a rung',
      pairs(({ ours, script }) => [ours.cost.cpu, script.cpu]),
      inSeconds,
    ),
    ratio(
      'time of the whole pipeline / of one ffmpeg for all rungs',
      pairs(({ ours, command }) => [ours.cost.wall, command.wall]),
      inSeconds,
      { limit: 0.7 },
    ),
    ratio(
      'time of the whole pipeline / of one ffmpeg a rung',
      pairs(({ ours, script }) => [ours.cost.wall, script.wall]),
      inSeconds,
      { limit: 0.5 },
    ),
    ratio(
      'CPU around the tasks’ ffmpeg / of that ffmpeg',
      pairs(({ ours }) => [ours.cost.cpu - ours.ffmpegCpu, ours.ffmpegCpu]),
      inSeconds,
    ),
    absolute(
      'a video’s own overhead: planning and publishing',
      each(({ planning, publishing }) => planning + publishing),
      's',
      { limit: 1 },
    ),
    absolute(
      'the last chunk or track done to the master published',
      each(({ publishing }) => publishing),
      's',
      { limit: 1 },
    ),
    absolute(
      'a chunk’s arrival to its ffmpeg running, the longest',
      each(({ arrivalToFfmpeg }) => arrivalToFfmpeg),
      's',
      { limit: 1 },
    ),
    absolute(
      'a worker’s start to its first task',
      each(({ firstTask }) => firstTask),
      's',
    ),
    absolute(
      'memory of the platform at most',
      each(({ platformMemory }) => platformMemory),
      'MB',
    ),
    absolute(
      'memory of a worker at most, without its ffmpeg',
      each(({ workerMemory }) => workerMemory),
      'MB',
    ),
  ];
}
