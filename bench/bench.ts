/**
 * Measures the whole pipeline against plain ffmpeg on the same file, the commands interleaved in one run:
 *   npm run bench -- [FILE] [--rounds N]
 * Prints CPU seconds and wall time of each, the ratios, and which targets are met; what is behind a ratio stands in
 * docs/encoding.md.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeSettingsSchema } from '../video/settings.ts';
import { chunkedAndWhole, secondsOf, stretchOf } from './chunk-overhead.ts';
import { clipOf } from './clip.ts';
import { type Cost, median, middle, timed } from './cost.ts';
import { encoderAlone, oneAfterTheOther, oneCommand } from './plain-ffmpeg.ts';
import { planOf, withServedFile } from './source.ts';
import { readTimeline, type Timeline } from './worker-logs.ts';

const CLI = join(import.meta.dirname, '../cli/spotreel.ts');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '1' } },
});
const file = clipOf(positionals[0], 'a 1080p file', 'bench');

const settings = encodeSettingsSchema.parse({});
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-'));

async function pipeline(): Promise<Cost & Timeline> {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  const args = [CLI, 'local', '--once', '--json', '--port', '0', '--data', dataDir, file];
  let line = '';
  const cost = await timed(process.execPath, args, (text) => {
    line = text;
  });
  if (!line.includes('"state":"ready"')) throw new Error(`The pipeline did not get ready: ${line}`);
  return { ...cost, ...(await readTimeline(dataDir)) };
}

async function measure(url: string) {
  const plan = await planOf(url, (await stat(file)).size, settings);
  const stretch = stretchOf(plan, settings);
  const round = async () => ({
    ours: await pipeline(),
    a: await oneAfterTheOther(file, plan, folder),
    b: await oneCommand(file, plan, folder, 'preset'),
    b2: await oneCommand(file, plan, folder, 'ours'),
    c: await encoderAlone(file, plan, folder, 'preset'),
    c2: await encoderAlone(file, plan, folder, 'ours'),
    ...(await chunkedAndWhole(plan, stretch, url, folder)),
  });
  const rounds = [await round()];
  while (rounds.length < Number(values.rounds)) rounds.push(await round());
  return { plan, stretch, rounds };
}

const { plan, stretch, rounds } = await withServedFile(file, measure).finally(() =>
  rm(folder, { recursive: true, force: true }),
);

const cost = (name: 'ours' | 'a' | 'b' | 'b2' | 'c' | 'c2' | 'chunked' | 'whole'): Cost =>
  median(rounds.map((round) => round[name]));
const seconds = (name: keyof Timeline): number => middle(rounds.map(({ ours }) => ours[name]));
const ours = cost('ours');
const { preset } = plan;

const { picture, rungs } = plan;
const size = picture ? `${picture.width}x${picture.height}` : 'no picture';
console.log(`${basename(file)}, ${size}, ${rungs.length} rungs, ${rounds.length} round(s), medians`);
console.log(`${''.padEnd(60)}    CPU s   wall s  our CPU / its  our wall / its`);
const ROWS = [
  ['ours', 'Spotreel, whole: platform start to last playlist'],
  ['a', `(a) one ffmpeg a rung, in turn, x264 ${preset}`],
  ['b', `(b) one ffmpeg, our scale cascade, threads auto, x264 ${preset}`],
  ['b2', '(b2) the same with our x264 settings'],
  ['c', `(c) x264 ${preset} alone, from raw frames, one thread`],
  ['c2', '(c2) the same with our x264 settings'],
] as const;
const number = (value: number, digits: number) => value.toFixed(digits).padStart(8);
for (const [name, text] of ROWS) {
  const { cpu, wall } = cost(name);
  const ratios = `${number(ours.cpu / cpu, 2)}       ${number(ours.wall / wall, 2)}`;
  console.log(`${text.padEnd(60)} ${number(cpu, 1)} ${number(wall, 1)}       ${ratios}`);
}

const [planning, publishing] = [seconds('planning'), seconds('publishing')];
const chunkSeconds = secondsOf(plan, stretch);
const cut = (cost('chunked').cpu / cost('whole').cpu - 1) * 100;
/** What issues 2 and 3 ask for. */
const TARGETS: readonly (readonly [text: string, value: number, limit: number, unit: string])[] = [
  ['wall time against (a)', ours.wall / cost('a').wall, 0.5, ''],
  ['wall time against (b)', ours.wall / cost('b').wall, 0.7, ''],
  ['CPU seconds against (c)', ours.cpu / cost('c').cpu, 1.1, ''],
  ['own overhead a video: planning and publishing', planning + publishing, 1, ' s'],
  ['last chunk or track done to master published', publishing, 1, ' s'],
  ["a chunk's arrival to its ffmpeg running, the longest", seconds('arrivalToFfmpeg'), 1, ' s'],
  [`CPU of ${stretch.chunks} chunks of ${chunkSeconds} s over one run of all`, cut, 3, ' %'],
];
console.log('');
for (const [text, value, limit, unit] of TARGETS) {
  const verdict = value <= limit ? 'met' : 'NOT met';
  console.log(`${text.padEnd(60)} ${number(value, 2)}${unit} (target at most ${limit}${unit}): ${verdict}`);
}
console.log(`A worker's start to its first task took ${seconds('firstTask').toFixed(2)} s.`);
