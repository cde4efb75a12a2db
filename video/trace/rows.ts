/** A trace as people look at it: a row for each part of the whole, with its place in it. */
import { type Span, secondsOf, startOf, type Trace } from './span.ts';

export interface Row {
  readonly kind: Span['kind'];
  /** Seconds after the whole began. */
  readonly begin: number;
  readonly seconds: number;
  /** Which task, or what was waited for. */
  readonly what: string;
  /** Where it begins and how long it is, as shares of the whole. */
  readonly from: number;
  readonly share: number;
  /** Who did it, how fast, and what was wrong. */
  readonly notes: readonly string[];
}

function notesOf({ attributes, error }: Span): string[] {
  const { worker, attempt = 1, speed, lostTries, clockOffSeconds } = attributes;
  const notes = [
    worker,
    attempt === 1 ? undefined : `try ${attempt}`,
    lostTries === undefined ? undefined : `${lostTries} lost`,
    speed === undefined ? undefined : `${speed}x`,
    clockOffSeconds === undefined ? undefined : `its clock is ${clockOffSeconds} s off`,
    error,
  ];
  return notes.flatMap((note) => (note === undefined ? [] : [String(note)]));
}

/** The parts of a trace. */
export function rowsOf({ spans }: Pick<Trace, 'spans'>): Row[] {
  const [whole, ...parts] = spans;
  if (!whole) return [];
  const all = Math.max(secondsOf(whole), 0.001);
  return parts.map((span) => {
    const begin = startOf(span) - startOf(whole);
    const seconds = secondsOf(span);
    return {
      ...{ kind: span.kind, begin, seconds, from: begin / all, share: seconds / all },
      what: String(span.attributes['task'] ?? span.name),
      notes: notesOf(span),
    };
  });
}

/** Seconds of waiting by their reasons, in the order of their first. */
export function waitedFor({ spans }: Pick<Trace, 'spans'>): [reason: string, seconds: number][] {
  const waits = spans.filter(({ kind }) => kind === 'wait');
  return [...Map.groupBy(waits, ({ name }) => name)].map(([name, group]) => [
    name,
    group.reduce((sum, span) => sum + secondsOf(span), 0),
  ]);
}

const ENDS: Readonly<Record<Trace['state'], string>> = {
  ready: 'ready after',
  failed: 'failed after',
  open: 'not done after',
};

/** A trace in a sentence. */
export function summaryOf({ state, spans }: Pick<Trace, 'state' | 'spans'>): string {
  const [whole] = spans;
  if (!whole) return '';
  const { workers, cpuSeconds, watchableAfterSeconds: watchable } = whole.attributes;
  return [
    `${ENDS[state]} ${secondsOf(whole).toFixed(1)} s`,
    ...(watchable === undefined ? [] : [`watchable after ${Number(watchable).toFixed(1)} s`]),
    `workers: ${workers}`,
    `${Number(cpuSeconds).toFixed(1)} s of CPU`,
  ].join(', ');
}
