/**
 * Does every real file become what it should?
 *   npm run corpus -- [FILE | CLASS ...] [--json] [--keep]
 * Encodes the files of ../shared/corpus on this machine, decodes and checks what came out, and prints a row for each.
 * Exits with 1 where a row is wrong. `--keep` leaves the platform's data for a look.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLocalPlatform } from '../local/platform.ts';
import { CORPUS, choose, type Entry, readManifest } from './corpus/manifest.ts';
import { encodeEach } from './corpus/run.ts';
import { rowOf, tableOf } from './corpus/table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
});

const manifest = await readManifest();
if (manifest) await run(choose(manifest, positionals));
else console.log(`There is no corpus at ${CORPUS}; nothing was tried`);

async function run(entries: readonly Entry[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-corpus-'));
  const began = Date.now();
  let ended = 0;
  const platform = await startLocalPlatform({ port: 0, dataDir: folder, workers: 1 });
  const outcomes = await encodeEach(platform, entries, ({ entry, state }) => {
    ended++;
    if (!values.json) console.error(`${ended}/${entries.length}  ${entry.file}: ${state}`);
  }).finally(() => platform.close());
  const rows = outcomes.map(rowOf);
  if (values.json) for (const row of rows) console.log(JSON.stringify(row));
  else {
    const wrong = rows.filter((row) => row.wrong.length > 0).length;
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`${tableOf(rows)}\n\n${rows.length} files in ${seconds} s, ${wrong} wrong`);
  }
  if (values.keep) console.error(`The platform's data is in ${folder}`);
  else await rm(folder, { recursive: true });
  if (rows.some((row) => row.wrong.length > 0)) process.exitCode = 1;
}
