/** How fast `spotreel upload` is, beside a loop that does nothing but PUT the same parts to the same platform. */
import { join } from 'node:path';
import { startSpotreel } from '../../test/support/spotreel.ts';
import { type Bench, inRounds, secondsOf } from '../measure.ts';
import { type Measured, perSecond, ratio } from '../row.ts';
import { bareLoop, command, type Source, SPEED_TARGET, type Upload, writeRandom } from '../upload/node.ts';

const BYTES = 1024 ** 3;

export async function upload({ rounds, folder }: Bench): Promise<Measured[]> {
  const platform = await startSpotreel(join(folder, 'upload'));
  try {
    const source: Source = { file: join(folder, 'source.mov'), size: BYTES, url: platform.url };
    await writeRandom(source.file, BYTES);
    const sent = async (prepare: (source: Source) => Promise<Upload>) => {
      const { send, drop } = await prepare(source);
      const seconds = await secondsOf(send);
      await drop();
      return seconds;
    };
    const all = await inRounds(rounds, async () => [await sent(command), await sent(bareLoop)] as const);
    const limit = 1 / SPEED_TARGET;
    return [ratio('time of spotreel upload / of a bare loop', all, perSecond(BYTES / 1e6, 'MB'), { limit })];
  } finally {
    await platform.interrupt();
  }
}
