/** The laptop's page of metrics: what counts, and when. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Measured, metricsPage, readMeasured } from '../../local/metrics.ts';
import type { Span } from '../../video/trace/span.ts';

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-metrics-'));
});
afterAll(() => rm(folder, { recursive: true }));

const line = (fields: object, hoursAgo = 0): string =>
  `${JSON.stringify({ ...fields, _aws: { Timestamp: NOW - hoursAgo * HOUR, CloudWatchMetrics: [] } })}\n`;

test('counts what functions print and what workers send, once, and bears what is no line', async () => {
  await mkdir(join(folder, 'logs'));
  await mkdir(join(folder, 'worker-logs'));
  await writeFile(join(folder, 'logs/bury.log'), `Error: "_aws"\n${line({ Failures: 1, code: 'gave-up' })}`);
  await writeFile(join(folder, 'logs/i-1.log'), line({ Turnaround: 30 }));
  await writeFile(
    join(folder, 'worker-logs/i-1.log'),
    `${line({ Turnaround: 30, CpuPerMinute: 5 })}{"a":1}\n`,
  );
  expect((await readMeasured(folder)).map(({ name, by, value }) => [name, by, value])).toEqual([
    ['Failures', 'gave-up', 1],
    ['Turnaround', undefined, 30],
    ['CpuPerMinute', undefined, 5],
  ]);
});

const measured = (name: Measured['name'], value: number, hoursAgo: number, by?: string): Measured => ({
  name,
  value,
  by,
  at: NOW - hoursAgo * HOUR,
});

test.each<[string, readonly Measured[], string]>([
  [
    'counts are sums',
    [measured('DeadLetters', 1, 0.5), measured('DeadLetters', 1, 2), measured('DeadLetters', 1, 30)],
    'DeadLetters</th><td>1</td><td>2</td><td>3</td><td>Sum</td>',
  ],
  [
    'times are averages',
    [measured('Turnaround', 10, 0.5), measured('Turnaround', 20, 2)],
    'Turnaround</th><td>10</td><td>15</td><td>15</td><td>Average, seconds</td>',
  ],
  [
    'the oldest is the most',
    [measured('OldestEncode', 900, 2), measured('OldestEncode', 0, 0.1)],
    'OldestEncode</th><td>0</td><td>900</td><td>900</td><td>Maximum, seconds</td>',
  ],
  [
    'what is also counted apart has rows of its own, in which no text becomes markup',
    [measured('Failures', 1, 0, '<b>')],
    '<th>Failures: &#60;b&#62;</th><td>1</td>',
  ],
])('%s', (_, values, cells) => {
  expect(metricsPage(values, [], [], NOW)).toContain(cells);
});

describe('the last videos', () => {
  const span = (number: number, name: string): Span => ({
    ...{ id: String(number), kind: number === 0 ? 'video' : 'work', name, attributes: {} },
    startedAt: new Date(NOW + number * 1000).toISOString(),
    finishedAt: new Date(NOW + (number === 0 ? 400_000 : number * 1000 + 4000)).toISOString(),
  });
  const page = (title: string, parts: number): string => {
    const spans = Array.from({ length: parts + 1 }, (_, number) => span(number, `part-${number}`));
    const trace = { id: '0', video: 'film', revision: 'aaaaaaaaaaaa', state: 'ready' as const, spans };
    return metricsPage([], [], [{ title, trace }], NOW);
  };

  test('have their traces there, drawn to scale, and no title becomes markup', () => {
    const shown = page('<script>', 2);
    expect(shown).toContain('<summary>&#60;script&#62;: ready after 400.0 s');
    expect(shown).toContain(
      '<th>part-2</th><td>2.0</td><td>4.0</td><td><i class="work" style="margin-left:0.50%;width:1.00%"></i></td>',
    );
  });

  test('of a long one the page says how much more there is', () => {
    const shown = page('film', 300);
    expect(shown).toContain('<th>part-200</th>');
    expect(shown).not.toContain('<th>part-201</th>');
    expect(shown).toContain('100 more: <code>spotreel trace film</code>');
  });
});
