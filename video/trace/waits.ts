/** Spans of the time in which nothing was done, each with its reason. */
import type { Draft } from './draft.ts';

/** Milliseconds without work that are not worth a span: a worker receives its next task. */
export const UNNAMED_MS = 100;

/** Why nothing was done, in characters that X-Ray allows in a name. */
export const WAITS = {
  dispatch: 'waiting for dispatch',
  machine: 'waiting for a machine',
  boot: 'a machine boots',
  worker: 'waiting for a worker',
  again: 'waiting for another try',
  lost: 'lost with its worker until the queue gave it out again',
  tries: 'waiting or trying: nothing is recorded of it',
  planning: 'waiting or planning: nothing is recorded of it',
  ready: 'waiting or publishing: nothing is recorded of it',
  failed: 'until it was given up',
  open: 'waiting or running: not done yet',
} as const;
export type Wait = keyof typeof WAITS;

/** The wait between two moments, unless it is too short to be told. */
export const wait = (why: Wait, from: number, to: number): Draft[] =>
  to - from < UNNAMED_MS ? [] : [{ kind: 'wait', name: WAITS[why], from, to, attributes: {} }];

const between = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most);

/** When a wait ended that began then: at once, if it is too short to be told, so that the next one counts its time. */
const told = (from: number, to: number): number => (to - from < UNNAMED_MS ? from : to);

/** What a task waited for from a moment on: its machine, that one's boot, and then whatever is left. */
function waitsBefore({ from: until, since }: Draft, from: number): Draft[] {
  const launched = told(from, between(since?.launched ?? from, from, until));
  const ready = told(launched, between(since?.ready ?? launched, launched, until));
  return [
    ...wait('machine', from, launched),
    ...wait('boot', launched, ready),
    ...wait(since?.before ?? 'worker', ready, until),
  ];
}

/**
 * What was waited for from one moment to another, while none of these was done.
 * @param dispatched when dispatch had seen to it
 * @param last why nothing was done after them
 */
export function waitsAmong(
  works: readonly Draft[],
  span: { readonly from: number; readonly dispatched: number; readonly to: number; readonly last: Wait },
): Draft[] {
  const { to, last } = span;
  const from = told(span.from, span.dispatched);
  const waits = wait('dispatch', span.from, from);
  let reached = from;
  // Of planning earlier releases recorded nothing, and what is recorded may be deleted some day.
  let begun = works.some(({ name }) => name === 'plan');
  for (const work of works.filter(({ beside }) => !beside).toSorted((a, b) => a.from - b.from)) {
    if (work.to <= from) continue;
    waits.push(...(begun ? waitsBefore(work, reached) : wait('planning', reached, work.from)));
    begun = true;
    reached = Math.max(reached, work.to);
  }
  return [...waits, ...wait(last, reached, to)];
}
