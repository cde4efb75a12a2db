/**
 * Tasks that a video can do without. Where one of them fails for good, it leaves a receipt that says so instead of what
 * it should have made, and the video is published with a finding.
 */
import type { Finding } from '../video/findings.ts';
import { continueIfComplete, type TaskTarget } from './complete.ts';
import { log } from './log.ts';
import type { Task } from './messages.ts';
import { doneTasks, readPlan, taskName, writeReceipt } from './progress.ts';

/**
 * What an owner is told, by the kind of the task; of any other kind a video can not do without. It is published: the
 * error itself, which may name accounts and addresses, stays in the log and in the attempts.
 */
const WITHOUT: Partial<Record<Task['kind'], Finding>> = {
  text: {
    code: 'broken-subtitles',
    text: 'The subtitle tracks of the file could not be read, so they were left out.',
  },
  download: {
    code: 'no-download',
    text: 'The file for downloading could not be made; the video plays without.',
  },
  stills: {
    code: 'no-pictures',
    text: 'No poster, thumbnails or storyboard could be made; the video plays without.',
  },
};

/**
 * Lets a video go on without a task's result, if it can. Where the result came meanwhile, it counts.
 * @param detail why there is none, for the log
 * @param worker who says so
 * @returns whether the video goes on
 */
export async function goWithout(
  target: TaskTarget,
  task: Task,
  detail: string,
  worker: string,
): Promise<boolean> {
  const finding = WITHOUT[task.kind];
  const plan = finding && (await readPlan(target.uploads, task));
  if (!plan) return false;
  const now = new Date().toISOString();
  await writeReceipt(target.uploads, task, {
    task: taskName(task),
    objects: [],
    files: [],
    findings: [finding],
    cpuSeconds: 0,
    wallSeconds: 0,
    startedAt: now,
    finishedAt: now,
    worker,
  });
  log('error', 'gone-without', { video: task.video, task, detail });
  await continueIfComplete(target, task, plan, await doneTasks(target.uploads, task));
  return true;
}
