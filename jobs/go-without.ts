/**
 * Tasks that a video can do without. Where one of them fails for good, it leaves a receipt that says so instead of what
 * it should have made, and the video is published with a finding.
 */
import type { Finding } from '../video/findings.ts';
import { continueIfComplete, type TaskTarget } from './complete.ts';
import { log } from './log.ts';
import type { Task } from './messages.ts';
import { readPlan, taskName, writeReceipt } from './progress.ts';

/** What an owner is told, by the kind of the task; of any other kind a video can not do without. */
const WITHOUT: Partial<Record<Task['kind'], (detail: string) => Finding>> = {
  text: (detail) => ({
    code: 'broken-subtitles',
    text: `The file's subtitle tracks could not be read (${detail}), so they were left out.`,
  }),
  download: (detail) => ({
    code: 'no-download',
    text: `The file for downloading could not be made (${detail}); the video plays without.`,
  }),
  stills: (detail) => ({
    code: 'no-pictures',
    text: `No poster, thumbnails or storyboard could be made (${detail}); the video plays without.`,
  }),
};

/** What an owner is told of a task that failed for good; undefined where its video can not do without it. */
export const findingWithout = (task: Task, detail: string): Finding | undefined =>
  WITHOUT[task.kind]?.(detail);

/**
 * Lets a video go on without a task's result, if it can. Where the result came meanwhile, it counts.
 * @param detail why there is none
 * @param worker who says so
 * @returns whether the video goes on
 */
export async function goWithout(
  target: TaskTarget,
  task: Task,
  detail: string,
  worker: string,
): Promise<boolean> {
  const finding = findingWithout(task, detail);
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
  await continueIfComplete(target, task, plan);
  return true;
}
