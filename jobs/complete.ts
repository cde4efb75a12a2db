/** What follows when a task's result is there: asked of the objects, by whoever did the task or buries it. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Plan } from '../video/plan.ts';
import type { Task } from './messages.ts';
import { jobKeys, type TaskName } from './names.ts';
import {
  doneTasks,
  missingTasks,
  nextTasks,
  possibleTasks,
  readPlan,
  taskName,
  tasksAfter,
} from './progress.ts';
import { sendTasks } from './queue.ts';
import type { ObjectStore } from './store.ts';

/** Where tasks leave their results, and where the next ones are queued. */
export interface TaskTarget {
  readonly uploads: ObjectStore;
  readonly sqs: SQSClient;
  readonly tasksQueueUrl: string;
}

/**
 * Queues what a task was the last one to keep waiting: what is made of media once those are there, `publish` once the
 * video can play and once more when its download is made. Two workers may both see that; doing any twice is harmless.
 * @param done tasks whose results are there, this one's among them
 */
export async function continueIfComplete(
  { sqs, tasksQueueUrl }: Pick<TaskTarget, 'sqs' | 'tasksQueueUrl'>,
  task: Task,
  plan: Plan,
  done: ReadonlySet<TaskName>,
): Promise<void> {
  const next = tasksAfter(task, possibleTasks(task, missingTasks(task, plan, done)));
  if (next.length > 0) await sendTasks(sqs, tasksQueueUrl, next);
}

/**
 * Queues what follows a task whose result is there, though its worker may have been lost before it could.
 * @returns whether the result is there; that of `publish` is what plays, and not looked for here
 */
export async function followUp(target: TaskTarget, task: Task): Promise<boolean> {
  const { uploads, sqs, tasksQueueUrl } = target;
  const { video, revision } = task;
  if (task.kind === 'publish') return false;
  if (task.kind !== 'plan' && !(await uploads.exists(jobKeys.receipt(video, revision, taskName(task)))))
    return false;
  const plan = await readPlan(uploads, task);
  if (!plan) return false;
  if (task.kind === 'plan') await sendTasks(sqs, tasksQueueUrl, await nextTasks(uploads, task));
  else await continueIfComplete(target, task, plan, await doneTasks(uploads, task));
  return true;
}
