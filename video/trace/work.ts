/** Spans of what was done. */
import { durationOf, type Plan } from '../plan.ts';
import type { Ran } from '../receipt.ts';
import { type Draft, rounded, time } from './draft.ts';
import type { DoneTask, FailedTry, TraceFacts } from './facts.ts';
import type { Attributes } from './span.ts';

/** `chunk` of `chunk-00012`. */
const kindOf = (task: string): string => task.replace(/-\d+$/, '');

/** What is known of the tries of a task before this one: how many were lost with their workers, and what it so waited for. */
function triesBefore(task: string, attempt: number, { plan, planned, tries }: TraceFacts) {
  // The record of planning goes with those of tries (jobs/history.ts).
  if (plan && !planned) return { lost: 0, waited: attempt > 1 ? 'tries' : undefined } as const;
  const before = tries.filter((one) => one.task === task && one.attempt < attempt);
  // Of a try that was lost with its worker nobody could tell.
  const lost = attempt - 1 - new Set(before.map((one) => one.attempt)).size;
  return { lost, waited: lost > 0 ? 'lost' : before.length > 0 ? 'again' : undefined } as const;
}

/** A task that was done, or found that the encode fails. */
function taskSpan(task: string, ran: Ran, facts: TraceFacts, made: Attributes): Draft {
  const { worker, attempt = 1, launchedAt, workerStartedAt } = ran;
  const { lost, waited } = triesBefore(task, attempt, facts);
  return {
    kind: 'work',
    name: kindOf(task),
    from: time(ran.startedAt),
    to: time(ran.finishedAt),
    attributes: { task, worker, attempt, ...(lost > 0 && { lostTries: lost }), ...made },
    beside: kindOf(task) === 'download',
    since: {
      launched: launchedAt === undefined ? undefined : time(launchedAt),
      ready: workerStartedAt === undefined ? undefined : time(workerStartedAt),
      before: waited,
    },
  };
}

/** What a task made, and how fast. */
function madeBy({ task, renditions, cpuSeconds, wallSeconds }: DoneTask, plan: Plan | undefined): Attributes {
  const chunk = kindOf(task) === 'chunk' ? plan?.chunks[Number(task.slice('chunk-'.length))] : undefined;
  const videoSeconds = chunk && plan && durationOf({ frames: chunk.to - chunk.from, rate: plan.rate });
  return {
    cpuSeconds: rounded(cpuSeconds),
    ...(renditions.length > 0 && { renditions: renditions.join(' ') }),
    ...(videoSeconds !== undefined && { videoSeconds: rounded(videoSeconds) }),
    ...(videoSeconds !== undefined && wallSeconds > 0 && { speed: rounded(videoSeconds / wallSeconds) }),
  };
}

const failed = ({ task, outcome, startedAt, at, worker, attempt }: FailedTry): Draft => ({
  kind: 'work',
  name: kindOf(task),
  from: time(startedAt ?? at),
  to: time(at),
  attributes: { task, worker, attempt },
  error: outcome,
});

/** Everything that was done. */
export function workOf(facts: TraceFacts): Draft[] {
  const { upload, planned, plan, done, tries, failure, publishingAt, readyAt } = facts;
  const plain = (name: string, from: string | undefined, to: string | undefined): Draft[] =>
    from === undefined || to === undefined
      ? []
      : [{ kind: 'work', name, from: time(from), to: time(to), attributes: {} }];
  return [
    ...plain('upload', upload?.announcedAt, upload?.receivedAt),
    ...(planned ? [taskSpan('plan', planned, facts, {})] : []),
    ...done.map((one) => taskSpan(one.task, one, facts, madeBy(one, plan))),
    ...tries.map(failed),
    ...(failure?.ran ? [{ ...taskSpan(failure.ran.task, failure.ran, facts, {}), error: failure.code }] : []),
    ...plain('publish', publishingAt, readyAt),
  ];
}
