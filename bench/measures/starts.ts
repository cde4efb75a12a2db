/** How long the platform and the command take to start, beside Node itself. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { CLI } from '../../test/support/cli.ts';
import { type Spotreel, startSpotreel } from '../../test/support/spotreel.ts';
import { median, timed } from '../cost.ts';
import { type Bench, inRounds, secondsOf } from '../measure.ts';
import { inSeconds, type Measured, ratio } from '../row.ts';

/** Node is so quick that one start says little. */
const NODE_STARTS = 7;

export async function starts({ rounds, folder }: Bench): Promise<Measured[]> {
  const all = await inRounds(rounds, async () => ({
    node: await nodeStart(),
    command: (await timed(process.execPath, [CLI, '--help'])).wall,
    platform: await platformStart(folder),
  }));
  return [
    ratio(
      'time until the platform answers / Node’s own start',
      all.map(({ platform, node }) => [platform, node]),
      inSeconds,
    ),
    ratio(
      'time of spotreel --help / Node’s own start',
      all.map(({ command, node }) => [command, node]),
      inSeconds,
    ),
  ];
}

async function nodeStart(): Promise<number> {
  const starts = await inRounds(NODE_STARTS, () => timed(process.execPath, ['-e', '0']));
  return median(starts).wall;
}

async function platformStart(folder: string): Promise<number> {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  let platform: Spotreel | undefined;
  const seconds = await secondsOf(async () => {
    platform = await startSpotreel(dataDir);
  });
  await platform?.interrupt();
  return seconds;
}
