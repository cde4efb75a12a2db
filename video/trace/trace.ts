/**
 * An encode's way from upload to publish as a trace: spans of what was done, and of waiting in between. It is computed
 * from what is recorded anyway, so the same records give the same trace, ids included, whoever asks and however often.
 */
import { createHash } from 'node:crypto';
import { durationOf } from '../plan.ts';
import { type Draft, rounded, time } from './draft.ts';
import type { TraceFacts } from './facts.ts';
import type { Span, Trace } from './span.ts';
import { waitsAmong } from './waits.ts';
import { workOf } from './work.ts';

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** An encode's trace. @param now milliseconds since 1970; of an encode that has ended it makes no difference */
export function traceOf(facts: TraceFacts, now: number): Trace {
  const { video, revision, upload, requestedAt, readyAt, failure } = facts;
  const asked = upload?.receivedAt ?? requestedAt;
  const state = readyAt !== undefined ? 'ready' : failure ? 'failed' : 'open';
  const end = readyAt ?? failure?.at;
  const from = time(upload?.announcedAt ?? asked);
  const to = Math.max(from, end === undefined ? now : time(end));
  const works = workOf(facts).map((work) =>
    clamped(work, from, state === 'ready' ? to : Number.POSITIVE_INFINITY),
  );
  const whole: Draft = { kind: 'video', name: 'video', from, to, ...wholeOf(facts, from) };
  const received = time(asked);
  const dispatched = Math.max(received, Math.min(time(requestedAt), to));
  const waits = waitsAmong(works, { from: received, dispatched, to, last: state });
  const children = [...works, ...waits].toSorted((a, b) => a.from - b.from || a.to - b.to);
  const seconds = Math.floor(received / 1000);
  const id = `${seconds.toString(16).padStart(8, '0')}${digest(video, revision).slice(0, 24)}`;
  return { id, video, revision, state, spans: withIds(id, [whole, ...children]) };
}

/**
 * What a machine's clock says it did before the beginning, or after what it did was played, is moved there. How far is
 * said with it.
 */
function clamped(work: Draft, least: number, most: number): Draft {
  // A try may come to nothing after another one was enough.
  const latest = work.beside || work.error !== undefined ? Number.POSITIVE_INFINITY : most;
  const inside = (at: number) => Math.min(Math.max(at, least), latest);
  const from = inside(work.from);
  const to = Math.max(from, inside(work.to));
  const moved = Math.max(Math.abs(from - work.from), Math.abs(to - work.to));
  if (moved === 0) return work;
  const said = { ...work.attributes, clockOffSeconds: rounded(moved / 1000) };
  return { ...work, from, to, attributes: said };
}

/** What is said of the whole. */
function wholeOf(facts: TraceFacts, from: number): Pick<Draft, 'attributes' | 'error'> {
  const { video, revision, plan, planned, done, tries, failure, readyAt, watchableAt } = facts;
  const workers = new Set([...(planned ? [planned] : []), ...done, ...tries].map(({ worker }) => worker));
  const cpuSeconds = done.reduce((sum, task) => sum + task.cpuSeconds, 0);
  const rungs = plan?.rungs.map(({ name }) => name).join(' ');
  return {
    attributes: {
      video,
      revision,
      workers: workers.size,
      tasks: done.length,
      cpuSeconds: rounded(cpuSeconds),
      ...(plan && { videoSeconds: rounded(durationOf(plan)) }),
      ...(rungs && { rungs }),
      ...(watchableAt !== undefined && { watchableAfterSeconds: rounded((time(watchableAt) - from) / 1000) }),
    },
    ...(failure && readyAt === undefined && { error: failure.code }),
  };
}

/** A span is named by what it is and by its place among its like: the same whenever the trace is computed again. */
function withIds(trace: string, drafts: readonly Draft[]): Span[] {
  const counts = new Map<string, number>();
  return drafts.map(({ kind, name, from, to, attributes: said, error }) => {
    const like = [name, said['task'] ?? '', said['attempt'] ?? ''].join(' ');
    const count = counts.get(like) ?? 0;
    counts.set(like, count + 1);
    return {
      id: digest(trace, like, String(count)).slice(0, 16),
      kind,
      name,
      startedAt: new Date(from).toISOString(),
      finishedAt: new Date(to).toISOString(),
      attributes: said,
      ...(error !== undefined && { error }),
    };
  });
}
