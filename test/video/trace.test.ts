/** An encode's records as a trace: what was done, what was waited for and why, the same every time. */
import { describe, expect, test } from '@jest/globals';
import type { Ran } from '../../video/receipt.ts';
import type { DoneTask, TraceFacts } from '../../video/trace/facts.ts';
import { otlpOf } from '../../video/trace/otlp.ts';
import type { Trace } from '../../video/trace/span.ts';
import { traceOf } from '../../video/trace/trace.ts';
import { UNNAMED_MS, WAITS } from '../../video/trace/waits.ts';
import { tinyPlan } from '../support/tiny-video.ts';

const BEGIN = Date.parse('2026-11-21T12:00:00.000Z');
/** A moment, in seconds after the upload was handed out. */
const at = (seconds: number): string => new Date(BEGIN + seconds * 1000).toISOString();

const ran = (worker: string, from: number, to: number, more: Partial<Ran> = {}): Ran => ({
  ...{ worker, startedAt: at(from), finishedAt: at(to), attempt: 1 },
  ...more,
});
const done = (task: string, who: Ran): DoneTask => ({
  ...{ task, ...who, renditions: task.startsWith('chunk') ? ['360p', '240p'] : ['audio-0'], cpuSeconds: 8 },
  wallSeconds: (Date.parse(who.finishedAt) - Date.parse(who.startedAt)) / 1000,
});

const VIDEO = '00000000000000000000';
const REVISION = 'aaaaaaaaaaaa';
/** A machine that came for this video: it was launched after 40 seconds, and ready after 80. */
const A = { launchedAt: at(40), workerStartedAt: at(80) };

/** An upload of ten seconds that one machine made ready. */
const READY: TraceFacts = {
  video: VIDEO,
  revision: REVISION,
  upload: { announcedAt: at(0), receivedAt: at(10) },
  requestedAt: at(12),
  plan: tinyPlan(REVISION),
  planned: ran('i-a', 80.05, 83, A),
  done: [
    done('chunk-00000', ran('i-a', 83, 87, A)),
    done('chunk-00001', ran('i-a', 87.03, 91, A)),
    done('audio-00000', ran('i-a', 83, 84, A)),
  ],
  tries: [],
  watchableAt: at(88),
  publishingAt: at(92),
  readyAt: at(93),
};

const { upload: _, ...AGAIN } = READY;

/** `name from-to`, in seconds. */
const told = ({ spans }: Trace): string[] =>
  spans.map(({ name, attributes, startedAt, finishedAt, error }) => {
    const seconds = (iso: string) => Number(((Date.parse(iso) - BEGIN) / 1000).toFixed(2));
    const what = attributes['task'] ?? name;
    return `${what} ${seconds(startedAt)}-${seconds(finishedAt)}${error === undefined ? '' : ` ${error}`}`;
  });
const trace = (facts: TraceFacts, now = 1000): Trace => traceOf(facts, BEGIN + now * 1000);

const CASES: readonly (readonly [what: string, facts: TraceFacts, spans: readonly string[]])[] = [
  [
    'an upload for which a machine is launched',
    READY,
    [
      'video 0-93',
      'upload 0-10',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.machine} 12-40`,
      `${WAITS.boot} 40-80`,
      'plan 80.05-83',
      'audio-00000 83-84',
      'chunk-00000 83-87',
      'chunk-00001 87.03-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'an upload that a machine of another video takes',
    { ...READY, planned: ran('i-a', 80, 83, { launchedAt: at(-900), workerStartedAt: at(-800) }) },
    [
      'video 0-93',
      'upload 0-10',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.worker} 12-80`,
      'plan 80-83',
      'audio-00000 83-84',
      'chunk-00000 83-87',
      'chunk-00001 87.03-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'two machines, of which the second comes for the second chunk',
    {
      ...READY,
      done: [
        done('chunk-00000', ran('i-a', 83, 84, A)),
        done('chunk-00001', ran('i-b', 90, 91, { launchedAt: at(85), workerStartedAt: at(89) })),
      ],
    },
    [
      'video 0-93',
      'upload 0-10',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.machine} 12-40`,
      `${WAITS.boot} 40-80`,
      'plan 80.05-83',
      'chunk-00000 83-84',
      `${WAITS.machine} 84-85`,
      `${WAITS.boot} 85-89`,
      `${WAITS.worker} 89-90`,
      'chunk-00001 90-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'a try that fails, one that is handed back, and one that is lost with its worker',
    {
      ...READY,
      done: [
        done('chunk-00000', ran('i-a', 86, 87, { ...A, attempt: 2 })),
        done('chunk-00001', ran('i-a', 90, 91, { ...A, attempt: 3 })),
      ],
      tries: [
        { task: 'chunk-00000', outcome: 'failed', startedAt: at(83), at: at(84), worker: 'i-a', attempt: 1 },
        { task: 'chunk-00001', outcome: 'interrupted', at: at(87), worker: 'i-a', attempt: 1 },
      ],
    },
    [
      'video 0-93',
      'upload 0-10',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.machine} 12-40`,
      `${WAITS.boot} 40-80`,
      'plan 80.05-83',
      'chunk-00000 83-84 failed',
      `${WAITS.again} 84-86`,
      'chunk-00000 86-87',
      'chunk-00001 87-87 interrupted',
      `${WAITS.lost} 87-90`,
      'chunk-00001 90-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'a source that its plan finds to be no video',
    {
      ...{ video: VIDEO, revision: REVISION, upload: { receivedAt: at(10) }, requestedAt: at(12) },
      ...{ done: [], tries: [] },
      failure: { code: 'no-video', at: at(82), ran: { task: 'plan', ...ran('i-a', 80, 82, A) } },
    },
    [
      'video 10-82 no-video',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.machine} 12-40`,
      `${WAITS.boot} 40-80`,
      'plan 80-82 no-video',
    ],
  ],
  [
    'an encode that was given up',
    {
      ...{ video: VIDEO, revision: REVISION, upload: { receivedAt: at(10) }, requestedAt: at(12) },
      ...{ done: [], planned: ran('i-a', 80, 82, A), tries: [] },
      failure: { code: 'gave-up', at: at(300) },
    },
    [
      'video 10-300 gave-up',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.machine} 12-40`,
      `${WAITS.boot} 40-80`,
      'plan 80-82',
      `${WAITS.failed} 82-300`,
    ],
  ],
  [
    'an upload for which a machine is there at once: waits too short to be told count to the one after them',
    {
      ...READY,
      requestedAt: at(10.06),
      planned: ran('i-a', 10.24, 83, { launchedAt: at(10.12), workerStartedAt: at(10.18) }),
      done: [done('chunk-00000', ran('i-a', 83.09, 91))],
    },
    [
      'video 0-93',
      'upload 0-10',
      `${WAITS.machine} 10-10.12`,
      `${WAITS.worker} 10.12-10.24`,
      'plan 10.24-83',
      'chunk-00000 83.09-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'a re-encode, which begins with its request',
    { ...AGAIN, requestedAt: at(30) },
    [
      'video 30-93',
      `${WAITS.machine} 30-40`,
      `${WAITS.boot} 40-80`,
      'plan 80.05-83',
      'audio-00000 83-84',
      'chunk-00000 83-87',
      'chunk-00001 87.03-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'one that is not done',
    { ...READY, done: [], publishingAt: undefined, readyAt: undefined },
    [
      'video 0-100',
      'upload 0-10',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.machine} 12-40`,
      `${WAITS.boot} 40-80`,
      'plan 80.05-83',
      `${WAITS.open} 83-100`,
    ],
  ],
  [
    'one of which an earlier release kept less',
    {
      ...{ ...READY, upload: { receivedAt: at(10) }, planned: undefined, publishingAt: undefined },
      done: [done('chunk-00000', { worker: 'i-a', startedAt: at(83), finishedAt: at(87) })],
    },
    [
      'video 10-93',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.planning} 12-83`,
      'chunk-00000 83-87',
      `${WAITS.ready} 87-93`,
    ],
  ],
  [
    'one whose history was deleted: of tries before the last one nobody knows what became',
    {
      ...{ ...READY, planned: undefined, watchableAt: undefined },
      done: [
        done('chunk-00000', ran('i-a', 83, 87, A)),
        done('chunk-00001', ran('i-a', 90, 91, { ...A, attempt: 3 })),
      ],
    },
    [
      'video 0-93',
      'upload 0-10',
      `${WAITS.dispatch} 10-12`,
      `${WAITS.planning} 12-83`,
      'chunk-00000 83-87',
      `${WAITS.tries} 87-90`,
      'chunk-00001 90-91',
      `${WAITS.worker} 91-92`,
      'publish 92-93',
    ],
  ],
  [
    'a download that is made while the video plays, which it does not make longer',
    { ...READY, done: [...READY.done, done('download', ran('i-a', 92, 99, A))] },
    [...told(trace(READY)).slice(0, -1), 'publish 92-93', 'download 92-99'],
  ],
  [
    'a second delivery of a task that comes to nothing after the first was enough',
    {
      ...READY,
      tries: [
        { task: 'chunk-00001', outcome: 'failed', startedAt: at(90), at: at(95), worker: 'i-b', attempt: 2 },
      ],
    },
    [...told(trace(READY)).slice(0, -2), 'chunk-00001 90-95 failed', ...told(trace(READY)).slice(-1)],
  ],
];

test.each(CASES)('%s', (_, facts, spans) => {
  expect(told(trace(facts, 100))).toEqual(spans);
});

test.each(CASES)('no moment of %s is unaccounted for', (_, facts) => {
  const [whole, ...children] = trace(facts, 100).spans;
  if (!whole) throw new Error('A trace has its whole');
  let reached = Date.parse(whole.startedAt);
  for (const { startedAt, finishedAt } of children) {
    expect(Date.parse(startedAt) - reached).toBeLessThan(UNNAMED_MS);
    reached = Math.max(reached, Date.parse(finishedAt));
  }
  expect(Date.parse(whole.finishedAt) - reached).toBeLessThan(UNNAMED_MS);
});

test('the same records give the same trace, whenever and in whatever order they are read', () => {
  const again = trace({ ...READY, done: READY.done.toReversed() }, 5000);
  expect(again).toEqual(trace(READY));
  const ids = again.spans.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
  // What X-Ray reads of an id: when it began.
  expect(Number.parseInt(again.id.slice(0, 8), 16)).toBe(Date.parse(at(10)) / 1000);
  expect(trace({ ...READY, revision: 'bbbbbbbbbbbb' }).id).not.toBe(again.id);
});

test('a span keeps its id while more becomes known', () => {
  const early = trace({
    ...READY,
    done: READY.done.slice(0, 1),
    publishingAt: undefined,
    readyAt: undefined,
  });
  const late = new Map(trace(READY).spans.map(({ id, name }) => [id, name]));
  for (const { id, name } of early.spans) if (name !== WAITS.open) expect(late.get(id)).toBe(name);
});

describe('a machine whose clock is off', () => {
  test.each([
    ['slow', ran('i-a', -5, 3), { from: at(0), to: at(3), off: 5 }],
    ['fast', ran('i-a', 90, 95.5), { from: at(90), to: at(93), off: 2.5 }],
    ['slow by more than the task took', ran('i-a', -9, -5), { from: at(0), to: at(0), off: 9 }],
  ])('by being %s is put inside the whole, and that is said', (_, who, { from, to, off }) => {
    const { spans } = trace({ ...READY, done: [done('chunk-00000', who)] });
    const chunk = spans.find(({ name }) => name === 'chunk');
    expect(chunk).toMatchObject({ startedAt: from, finishedAt: to, attributes: { clockOffSeconds: off } });
  });

  test('is no matter where it is right', () => {
    for (const { attributes } of trace(READY).spans) expect(attributes).not.toHaveProperty('clockOffSeconds');
  });
});

test('a span tells who did it, what it made, and how fast; the whole what it came to', () => {
  const [whole, ...children] = trace(READY).spans;
  expect(whole?.attributes).toEqual({
    ...{ video: VIDEO, revision: REVISION, workers: 1, tasks: 3, cpuSeconds: 24, videoSeconds: 8 },
    ...{ rungs: '360p 240p', watchableAfterSeconds: 88 },
  });
  expect(children.find(({ attributes }) => attributes['task'] === 'chunk-00000')?.attributes).toEqual({
    ...{ task: 'chunk-00000', worker: 'i-a', attempt: 1, cpuSeconds: 8, renditions: '360p 240p' },
    ...{ videoSeconds: 4, speed: 1 },
  });
});

/** Fields of opentelemetry-proto's trace.proto and common.proto, in their JSON names, and their JSON forms. */
const FORMS: Readonly<Record<string, (value: unknown) => boolean>> = {
  traceId: (value) => /^[0-9a-f]{32}$/.test(String(value)),
  spanId: (value) => /^[0-9a-f]{16}$/.test(String(value)),
  parentSpanId: (value) => /^[0-9a-f]{16}$/.test(String(value)),
  name: (value) => typeof value === 'string',
  kind: (value) => value === 1,
  startTimeUnixNano: (value) => typeof value === 'string' && /^\d{19}$/.test(value),
  endTimeUnixNano: (value) => typeof value === 'string' && /^\d{19}$/.test(value),
  attributes: (value) => Array.isArray(value),
  status: (value) => JSON.stringify(value).startsWith('{"code":2,"message":"'),
};

test('as OTLP it is one request with all spans below the first, in the fields of the protocol', () => {
  const own = trace({ ...READY, readyAt: undefined, failure: { code: 'gave-up', at: at(95) } });
  const { resourceSpans } = otlpOf(own);
  expect(resourceSpans[0]?.resource).toEqual({
    attributes: [{ key: 'service.name', value: { stringValue: 'spotreel' } }],
  });
  const spans = resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
  expect(spans).toHaveLength(own.spans.length);
  for (const span of spans)
    for (const [field, value] of Object.entries(span))
      expect([field, FORMS[field]?.(value)]).toEqual([field, true]);
  expect(spans[0]).not.toHaveProperty('parentSpanId');
  expect(new Set(spans.slice(1).map((span) => span.parentSpanId))).toEqual(new Set([own.spans[0]?.id]));
  expect(spans[0]).toMatchObject({ startTimeUnixNano: `${BEGIN}000000`, status: { message: 'gave-up' } });
  expect(spans[1]?.attributes).toEqual([]);
  expect(spans[0]?.attributes).toContainEqual({ key: 'spotreel.video', value: { stringValue: VIDEO } });
  expect(spans[0]?.attributes).toContainEqual({ key: 'spotreel.tasks', value: { doubleValue: 3 } });
});
