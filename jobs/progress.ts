/** Which tasks a plan means, which are done, and what comes next: derived from objects alone (DESIGN, idea 2). */
import type { Plan } from '../video/plan.ts';
import { planSchema } from '../video/plan.ts';
import { type Receipt, receiptSchema } from '../video/receipt.ts';
import type { Task } from './messages.ts';
import { jobKeys, type Revision, type TaskName, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

/** The name under which a task's receipt is kept. */
export function taskName(task: Task): TaskName {
  const name = 'index' in task ? `${task.kind}-${String(task.index).padStart(5, '0')}` : task.kind;
  return name as TaskName; // the one place that makes such names
}

/** The tasks that make a plan's media, in the order of their urgency. */
export function mediaTasks(video: VideoId, plan: Pick<Plan, 'chunks' | 'audio'>): Task[] {
  return [
    ...plan.audio.map((_, index): Task => ({ kind: 'audio', video, index })),
    ...plan.chunks.map((_, index): Task => ({ kind: 'chunk', video, index })),
  ];
}

/** A video's plan; undefined while there is none. */
export async function readPlan(uploads: ObjectStore, video: VideoId): Promise<Plan | undefined> {
  return uploads.getJson(jobKeys.plan(video), planSchema);
}

/** The names of the tasks of a revision that are done. */
export async function doneTasks(uploads: ObjectStore, video: VideoId, plan: Plan): Promise<Set<TaskName>> {
  const prefix = jobKeys.receipts(video, plan.revision as Revision); // plans are written with a revision
  const done = new Set<TaskName>();
  for await (const { key } of uploads.list(prefix)) {
    done.add(key.slice(prefix.length, -'.json'.length) as TaskName); // receipts' keys are made of task names
  }
  return done;
}

/** The media tasks of a plan that have no receipt yet. */
export async function missingTasks(uploads: ObjectStore, video: VideoId, plan: Plan): Promise<Task[]> {
  const done = await doneTasks(uploads, video, plan);
  return mediaTasks(video, plan).filter((task) => !done.has(taskName(task)));
}

/** Leaves a task's receipt, unless there is one. */
export async function writeReceipt(
  uploads: ObjectStore,
  video: VideoId,
  revision: string,
  receipt: Receipt,
): Promise<void> {
  const key = jobKeys.receipt(video, revision as Revision, receipt.task as TaskName); // both come from a plan
  await uploads.putOnceJson(key, receipt);
}

/** The receipts of all media tasks; undefined where one is missing. */
export async function readReceipts(
  uploads: ObjectStore,
  video: VideoId,
  plan: Plan,
): Promise<Receipt[] | undefined> {
  const receipts: Receipt[] = [];
  const names = mediaTasks(video, plan).map(taskName);
  // A long video has more than a thousand receipts: a few at a time keep publishing under a second.
  for (let start = 0; start < names.length; start += RECEIPTS_AT_ONCE) {
    const some = names.slice(start, start + RECEIPTS_AT_ONCE).map((name) => {
      return uploads.getJson(jobKeys.receipt(video, plan.revision as Revision, name), receiptSchema);
    });
    for (const receipt of await Promise.all(some)) {
      if (!receipt) return undefined;
      receipts.push(receipt);
    }
  }
  return receipts;
}

const RECEIPTS_AT_ONCE = 50;
