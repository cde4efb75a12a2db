/** What `npm run bench` says of its figures: which are compared with the last ones, and which have changed. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compare, NOISE } from '../../bench/compare.ts';
import { type Figures, figuresSchema, readFigures, writeFigures } from '../../bench/figures.ts';
import { absolute, inSeconds, perSecond, type Row, ratio } from '../../bench/row.ts';
import { tableOf } from '../../bench/table.ts';

const machine = { cpu: 'A processor', cores: 2, node: '24.0.0', ffmpeg: '5.1' };
const figures = (...rows: Row[]): Figures => ({
  version: 1,
  at: '2026-11-21T23:10:00.000Z',
  commit: 'abc1234',
  machine,
  load: 0,
  rows,
});

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a row', () => {
  test('of absolute figures has the median of its rounds, the least and the most', () => {
    expect(absolute('memory', [3, 9, 4], 'MB')).toEqual({
      what: 'memory',
      unit: 'MB',
      value: 4,
      least: 3,
      most: 9,
      detail: '',
    });
  });

  test('of pairs has the ratio of each round, and tells the medians behind it', () => {
    const pairs = [[2, 1], [3, 2], [9, 3]] as const; // biome-ignore format: a table
    const row = ratio('CPU', pairs, inSeconds, { limit: 1.1, clip: 'a film' });
    expect(row).toEqual({
      what: 'CPU',
      unit: '',
      value: 2,
      least: 1.5,
      most: 3,
      detail: '3.00 / 2.00 s',
      limit: 1.1,
      clip: 'a film',
    });
  });

  test('of throughput tells how much was done a second', () => {
    expect(perSecond(600, 'MB')(2, 3)).toBe('300 / 200 MB/s');
  });
});

describe('a figure', () => {
  const row = (value: number, spread: number, more: Partial<Row> = {}): Row => ({
    part: 'encode',
    what: 'CPU',
    unit: '',
    value,
    least: value - spread,
    most: value + spread,
    detail: '',
    ...more,
  });
  const beyond = NOISE + 0.01;

  test.each([
    ['the same', row(1, 0), row(1, 0), 'same'],
    ['more, but less than the noise', row(NOISE - 0.01, 0), row(1, 0), 'same'],
    ['more than the noise, but rounds of both overlap', row(beyond, 0.04), row(1, 0.04), 'same'],
    ['more than the noise in every round', row(beyond, 0.01), row(1, 0.01), 'worse'],
    ['less, but rounds of both overlap', row(1 / beyond, 0.04), row(1, 0.04), 'same'],
    ['less than the noise in every round', row(1 / beyond, 0.01), row(1, 0.01), 'better'],
  ] as const)('that is %s', (_, now, before, verdict) => {
    expect(compare(now, machine, figures(before))).toMatchObject({ last: 1, ratio: now.value, verdict });
  });

  const last = figures(row(2, 0, { clip: 'a film' }), row(2, 0, { what: 'start', unit: 's' }));
  const faster = { ...machine, cpu: 'A faster processor' };
  const moreCores = { ...machine, cores: 4 };
  const updated = { ...machine, node: '26.0.0' };
  const start = row(1, 0, { what: 'start', unit: 's' });
  test.each([
    ['another clip', row(1, 0, { clip: 'another film' }), machine, 'another clip'],
    ['no clip any more', row(1, 0), machine, 'another clip'],
    ['another part', row(1, 0, { part: 'chunks', clip: 'a film' }), machine, 'new'],
    ['another name', row(1, 0, { what: 'time', clip: 'a film' }), machine, 'new'],
    ['seconds on another processor', start, faster, 'another machine'],
    ['seconds on more cores', start, moreCores, 'another machine'],
  ])('of %s is not compared', (_, now, on, reason) => {
    expect(compare(now, on, last)).toBe(reason);
  });
  test.each([
    ['a ratio on another processor', row(1, 0, { clip: 'a film' }), faster],
    ['seconds with another Node', start, updated],
  ])('%s is compared', (_, now, on) => {
    expect(compare(now, on, last)).toMatchObject({ last: 2, ratio: 0.5 });
  });
});

describe('the table', () => {
  const rows: Row[] = [
    { part: 'encode', ...ratio('CPU', [[6, 5]], inSeconds, { limit: 1.1, clip: 'a film' }) },
    { part: 'encode', ...absolute('memory', [123.4], 'MB', { limit: 200 }) },
    { part: 's3', ...absolute('start', [1.5], 's') },
  ];
  const lineOf = (table: string, what: string) =>
    (table.split('\n').find((line) => line.includes(` ${what} `)) ?? '').split(/ {2,}/);

  test('has a row for each figure, its target and what is behind it', () => {
    const table = tableOf(figures(...rows), 'no figures yet');
    expect(lineOf(table, 'CPU')).toEqual([
      'encode',
      'CPU',
      '1.20',
      '1.20 to 1.20',
      '1.10',
      'NOT met',
      '6.00 / 5.00 s',
    ]);
    expect(lineOf(table, 'memory').slice(2, 6)).toEqual(['123 MB', '123 to 123', '200 MB', 'met']);
    expect(lineOf(table, 'start').slice(2)).toEqual(['1.50 s', '1.50 to 1.50']);
  });

  test('sets each beside the last one, as a ratio, and marks what has changed', () => {
    const before = rows.map((row) => ({ ...row, value: row.value / 2, least: 0, most: row.most / 2 }));
    const table = tableOf(figures(...rows), figures(...before.slice(0, 2)));
    expect(lineOf(table, 'CPU').slice(6)).toEqual(['0.60', '2.00 worse', '6.00 / 5.00 s']);
    expect(lineOf(table, 'memory').slice(6)).toEqual(['62 MB', '2.00 worse']);
    expect(lineOf(table, 'start').slice(4)).toEqual(['new']);
  });

  test('says of which clip, commit and machine it is, and of which the last ones are', () => {
    const now = figures(...rows);
    const foot = 'commit abc1234, 2 cores of A processor, Node 24.0.0, ffmpeg 5.1, load before 0.0';
    expect(tableOf(now, 'no figures yet').split('\n').slice(-3)).toEqual([
      'clip: a film',
      `now: 2026-11-21 23:10, ${foot}`,
      'last: no figures yet',
    ]);
    expect(tableOf(now, now)).toContain(`last: 2026-11-21 23:10, ${foot}`);
  });
});

describe('the figures that are kept', () => {
  const path = () => join(folder, 'figures.json');

  test('are read as they were written', async () => {
    const kept = figures({ part: 's3', ...absolute('start', [1, 2, 3], 's') });
    await writeFigures(path(), kept);
    expect(await readFigures(path())).toEqual(kept);
  });

  test('may be missing', async () => {
    expect(await readFigures(join(folder, 'none.json'))).toMatch(/no figures are committed yet/);
  });

  test.each([
    ['of a later form', { ...figures(), version: 2 }],
    ['without a machine', { ...figures(), machine: undefined }],
  ])('are not compared where they are %s', async (_, kept) => {
    await writeFile(path(), JSON.stringify(kept));
    expect(await readFigures(path())).toMatch(/another form and not compared/);
  });
});

describe('npm run bench', () => {
  const bench = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../bench/bench.ts'), ...args]);

  test('prints the table of a part, and writes it', async () => {
    const json = join(folder, 'run.json');
    const { stdout } = await bench('--only', 'starts', '--rounds', '1', '--json', json);
    const { rows } = figuresSchema.parse(JSON.parse(await readFile(json, 'utf8')));
    expect(rows.length).toBeGreaterThan(0);
    for (const { part, what, value } of rows) {
      expect(part).toBe('starts');
      expect(value).toBeGreaterThan(0);
      expect(stdout).toContain(`starts  ${what}`);
    }
  });

  test.each([
    [['--only', 'nothing'], "--only 'nothing' is no part; name one of encode, chunks, memory"],
    [['--rounds', '0'], "--rounds is '0'; give a whole number from 1"],
    [['--save', '--only', 'starts'], '--save keeps the whole table'],
    [['--save', 'film.mp4'], '--save keeps the whole table'],
    [['--only', 'encode', 'no-film.mp4'], "'no-film.mp4' is not there"],
  ])('refuses %j', async (args, message) => {
    await expect(bench(...args)).rejects.toMatchObject({ stderr: expect.stringContaining(message) });
  });
});
