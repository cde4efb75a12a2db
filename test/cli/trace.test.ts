/** A trace as the terminal shows it. */
import { expect, test } from '@jest/globals';
import { traceText } from '../../cli/trace.ts';
import type { Span, Trace } from '../../video/trace/span.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 21) + seconds * 1000).toISOString();
const span = (
  kind: Span['kind'],
  name: string,
  [from, to]: readonly [number, number],
  attributes: Span['attributes'],
  more: Partial<Span> = {},
): Span => ({ id: '0', kind, name, startedAt: at(from), finishedAt: at(to), attributes, ...more });

const TRACE: Trace = {
  ...{ id: '0', video: 'film', revision: 'aaaaaaaaaaaa', state: 'ready' },
  spans: [
    span('video', 'video', [0, 80], { workers: 2, cpuSeconds: 41.25, watchableAfterSeconds: 70 }),
    span('wait', 'waiting for a machine', [0, 40], {}),
    span('work', 'plan', [40, 40.04], { task: 'plan', worker: 'i-1', attempt: 1 }),
    span('work', 'chunk', [50, 55], { task: 'chunk-00000', worker: 'i-1', attempt: 1 }, { error: 'failed' }),
    span('wait', 'waiting for a machine', [55, 60], {}),
    span('work', 'chunk', [60, 80], {
      ...{ task: 'chunk-00000', worker: 'i-2', attempt: 3, lostTries: 1, speed: 0.5, clockOffSeconds: 2 },
    }),
  ],
};

test('it has a line for each part, drawn to scale, and what waiting came to', () => {
  expect(traceText(TRACE).split('\n')).toEqual([
    'film, revision aaaaaaaaaaaa: ready after 80.0 s, watchable after 70.0 s, workers: 2, 41.3 s of CPU',
    '   begin   seconds',
    '     0.0      40.0  waiting for a machine  ····················',
    '    40.0       0.0  plan                                       █                     i-1',
    '    50.0       5.0  chunk-00000                                     ███              i-1, failed',
    '    55.0       5.0  waiting for a machine                             ···',
    '    60.0      20.0  chunk-00000                                          ██████████  i-2, try 3, 1 lost, 0.5x, its clock is 2 s off',
    'waited in all',
    '    45.0  waiting for a machine',
  ]);
});

test('a moment as short as can be is drawn', () => {
  const one = { ...TRACE, spans: [span('video', 'video', [0, 0], {}), span('work', 'plan', [0, 0], {})] };
  expect(traceText(one)).toContain('0.0  plan  █');
});
