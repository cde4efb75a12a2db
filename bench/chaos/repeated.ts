/** How much work was done more than once: every try of every media task, as the workers' logs tell. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Task, taskSchema } from '../../jobs/messages.ts';
import type { TaskName } from '../../jobs/names.ts';
import { taskName } from '../../jobs/progress.ts';

/** How a try ended. A machine that was killed says nothing any more. */
export type TryEnd = 'done' | 'failed' | 'returned' | 'killed';

export interface Try {
  /** `<video>/<task>` */
  readonly task: string;
  readonly end: TryEnd;
  /** From its start to its end; infinite where nobody knows the end. */
  readonly seconds: number;
}

const lineSchema = z.object({
  time: z.iso.datetime(),
  event: z.string(),
  task: taskSchema,
  attempt: z.number(),
});

const ENDS: Readonly<Record<string, TryEnd>> = {
  'task-done': 'done',
  'task-failed': 'failed',
  'task-returned': 'returned',
};

export const taskPath = (video: string, name: TaskName): string => `${video}/${name}`;

const pathOf = (task: Task): string => taskPath(task.video, taskName(task));

/** The tries of tasks in the logs of a run's machines. */
export async function readTries(logFolder: string): Promise<Try[]> {
  const tries: Try[] = [];
  for (const name of await readdir(logFolder))
    if (name.startsWith('i-')) tries.push(...triesOf(await readFile(join(logFolder, name), 'utf8')));
  return tries;
}

/** The tries in one machine's log. */
export function triesOf(log: string): Try[] {
  const running = new Map<string, { readonly path: string; readonly time: number }>();
  const tries: Try[] = [];
  for (const text of log.split('\n')) {
    const line = lineSchema.safeParse(parseLine(text)).data;
    if (!line) continue;
    const path = pathOf(line.task);
    const key = `${path} ${line.attempt}`;
    const started = running.get(key);
    const end = ENDS[line.event];
    if (line.event === 'task-started') running.set(key, { path, time: Date.parse(line.time) });
    else if (end && started) {
      tries.push({ task: path, end, seconds: (Date.parse(line.time) - started.time) / 1000 });
      running.delete(key);
    }
  }
  for (const { path } of running.values()) tries.push({ task: path, end: 'killed', seconds: Infinity });
  return tries;
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not of our log, or cut off by a kill
  }
}

export interface Repeated {
  /** Seconds of CPU that the tasks need, once. */
  readonly neededSeconds: number;
  /** Tries beyond the one that each task needs, and the work in them, by how they ended. */
  readonly extra: Readonly<Record<TryEnd, { readonly tries: number; readonly seconds: number }>>;
}

/**
 * The work in tries that were not needed. A try counts with the time that it took, at most with the whole work of its
 * task: an upper bound, for a core may have had other things to do. The longest try of a task is the one needed.
 * @param needed CPU seconds of each task, by its path, where nothing disturbs it
 */
export function repeatedWork(tries: readonly Try[], needed: ReadonlyMap<string, number>): Repeated {
  const extra = {
    done: { tries: 0, seconds: 0 },
    failed: { tries: 0, seconds: 0 },
    returned: { tries: 0, seconds: 0 },
    killed: { tries: 0, seconds: 0 },
  };
  for (const [task, seconds] of needed) {
    const own = tries
      .filter((one) => one.task === task)
      .map((one) => ({ ...one, seconds: Math.min(one.seconds, seconds) }));
    const useful =
      own.filter(({ end }) => end === 'done').toSorted((a, b) => b.seconds - a.seconds)[0] ?? own[0];
    for (const one of own) {
      if (one === useful) continue;
      extra[one.end].tries++;
      extra[one.end].seconds += one.seconds;
    }
  }
  return { neededSeconds: [...needed.values()].reduce((sum, seconds) => sum + seconds, 0), extra };
}
