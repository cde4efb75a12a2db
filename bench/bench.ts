/**
 * Everything that has a figure, in one table, beside the figures that the repository keeps:
 *   npm run bench -- [FILE] [--only PART ...] [--rounds N] [--json FILE] [--save]
 * What the parts measure, and when a figure counts as changed, stands in docs/benchmarks.md.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { shortClipOf } from './clip.ts';
import { COMMITTED, describeRun, type Figures, readFigures, writeFigures } from './figures.ts';
import type { Bench, Measure } from './measure.ts';
import { chunks } from './measures/chunks.ts';
import { encode } from './measures/encode.ts';
import { memory } from './measures/memory.ts';
import { s3 } from './measures/s3.ts';
import { sqs } from './measures/sqs.ts';
import { starts } from './measures/starts.ts';
import { upload } from './measures/upload.ts';
import type { Row } from './row.ts';
import { tableOf } from './table.ts';

const PARTS: Readonly<Record<string, Measure>> = { encode, chunks, memory, starts, s3, sqs, upload };
const JSON_FILE = join(import.meta.dirname, '../.cache/bench/figures.json');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: Object.keys(PARTS) },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string', default: JSON_FILE },
    save: { type: 'boolean', default: false },
  },
});
const unknown = values.only.find((part) => !(part in PARTS));
if (unknown !== undefined)
  throw new Error(`--only '${unknown}' is no part; name one of ${Object.keys(PARTS).join(', ')}`);
const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds > 0))
  throw new Error(`--rounds is '${values.rounds}'; give a whole number from 1`);
const isWhole = Object.keys(PARTS).every((part) => values.only.includes(part));
if (values.save && (positionals.length > 0 || !isWhole))
  throw new Error('--save keeps the whole table of the usual clip: leave out FILE and --only');

const about = await describeRun();
const last = await readFigures(COMMITTED);
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-'));
process.env['XDG_STATE_HOME'] = folder; // of the commands that it runs
try {
  const figures: Figures = { ...about, rows: await measureAll(folder) };
  console.log(tableOf(figures, last));
  const file = values.save ? COMMITTED : values.json;
  await mkdir(dirname(file), { recursive: true });
  await writeFigures(file, figures);
  console.log(`written to ${file}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureAll(folder: string): Promise<Row[]> {
  const clip = (seconds: number) => shortClipOf(positionals[0], seconds, folder);
  const bench: Bench = { clip, rounds, folder };
  const rows: Row[] = [];
  for (const [part, measure] of Object.entries(PARTS)) {
    if (!values.only.includes(part)) continue;
    console.error(`${new Date().toTimeString().slice(0, 8)} ${part}`);
    for (const row of await measure(bench)) rows.push({ part, ...row });
  }
  return rows;
}
