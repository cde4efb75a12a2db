/**
 * Measures `spotreel upload` and the upload page against bare loops that PUT the same parts of the same file, as many at a
 * time, to the same local platform, one in Node and one in a page of the same browser, all in turn in one run:
 *   npm run bench:upload -- [--size 5G] [--rounds N]
 * Prints the throughput of each, its ratio to Node's loop and the page's also to the browser's (the target is 0.8), and the
 * most memory meanwhile: of the client, beyond what its processes had before (Chromium has an idle page), and of the
 * platform with its S3.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inChromium, startBrowser } from '../test/support/chromium.ts';
import { startSpotreel } from '../test/support/spotreel.ts';
import { middle } from './cost.ts';
import { memoryBelow, memoryOf, peaksWhile } from './memory.ts';
import {
  bareLoop,
  command,
  PARALLEL,
  type Source,
  SPEED_TARGET,
  type Upload,
  writeRandom,
} from './upload/node.ts';
import { bareLoopInPage, uploadPage } from './upload/page.ts';

const UNITS: Readonly<Record<string, number>> = { M: 1024 ** 2, G: 1024 ** 3 };

const { values } = parseArgs({
  options: { size: { type: 'string', default: '1G' }, rounds: { type: 'string', default: '1' } },
});
const [, count, unit = ''] = /^(\d+)([MG])$/.exec(values.size) ?? [];
const size = Number(count) * (UNITS[unit] ?? Number.NaN);
if (!(size > 64 * 1024 ** 2))
  throw new Error(`--size is ${values.size}; give a size that goes in parts, above 64M, such as 5G`);

/** MB a second, and the most MB of memory. */
interface Measured {
  readonly speed: number;
  readonly client: number;
  readonly platform: number;
}

async function measure(upload: Upload, platform: number): Promise<Measured> {
  const look = () => [memoryBelow(process.pid, platform), memoryOf(platform)] as const;
  const [idle] = look();
  const since = performance.now();
  const [client, platformMost] = await peaksWhile(look, upload.send);
  const speed = size / 1e3 / (performance.now() - since);
  return { speed, client: client - idle, platform: platformMost };
}

const BARE = 'bare PUT loop';
const BARE_IN_PAGE = 'the same in a page';
const PAGE = 'upload page';
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-upload-'));
process.env['XDG_STATE_HOME'] = folder;
const platform = await startSpotreel(join(folder, 'data'));
const browser = await startBrowser();
try {
  const source: Source = { file: join(folder, 'source.mov'), size, url: inChromium(platform.url) };
  await writeRandom(source.file, size);
  const { page } = await browser.newTab();
  const clients: readonly (readonly [name: string, prepare: () => Promise<Upload>])[] = [
    [BARE, () => bareLoop(source)],
    ['spotreel upload', () => command(source)],
    [BARE_IN_PAGE, () => bareLoopInPage(page, source)],
    [PAGE, () => uploadPage(page, source)],
  ];
  const measured = new Map<string, Measured[]>(clients.map(([name]) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    // Each goes first in turn: a disk that has rested is faster.
    const first = round % clients.length;
    for (const [name, prepare] of [...clients.slice(first), ...clients.slice(0, first)]) {
      const upload = await prepare();
      measured.get(name)?.push(await measure(upload, platform.process.pid ?? 0));
      await upload.drop();
    }
  }

  const speedOf = (name: string) => middle((measured.get(name) ?? []).map(({ speed }) => speed));
  const cells = (...texts: string[]) => texts.map((text) => text.padStart(13)).join('');
  console.log(
    `${values.size} in ${PARALLEL} parallel parts, ${values.rounds} round(s), medians; memory at most`,
  );
  console.log(''.padEnd(20) + cells('MB/s', 'of bare', 'of the page’s', 'client MB', 'platform MB'));
  for (const [name, rounds] of measured) {
    const most = (of: 'client' | 'platform') => Math.max(...rounds.map((one) => one[of])).toFixed(0);
    const ratioTo = (bare: string) => speedOf(name) / speedOf(bare);
    const ratio = ratioTo(BARE);
    const isBare = name === BARE || name === BARE_IN_PAGE;
    const verdict = isBare ? '' : `  ${ratio >= SPEED_TARGET ? 'meets' : 'misses'} ${SPEED_TARGET}`;
    const inPage = name === PAGE ? ratioTo(BARE_IN_PAGE).toFixed(2) : '';
    const clientMost = name === BARE ? '' : most('client'); // the loop runs in this very process
    console.log(
      name.padEnd(20) +
        cells(speedOf(name).toFixed(0), ratio.toFixed(2), inPage, clientMost, most('platform')) +
        verdict,
    );
  }
} finally {
  await platform.interrupt();
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}
