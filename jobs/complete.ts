/** What follows when a task's result is there: asked of the objects, by whoever did the task or buries it. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Plan } from '../video/plan.ts';
import type { Encode, Task } from './messages.ts';
import { jobKeys } from './names.ts';
import { missingTasks, nextTasks, possibleTasks, readPlan, taskName } from './progress.ts';
import { sendTasks } from './queue.ts';
import type { ObjectStore } from './store.ts';

/** Where tasks leave their results, and where the next ones are queued. */
export interface TaskTarget {
  readonly uploads: ObjectStore;
  readonly sqs: SQSClient;
  readonly tasksQueueUrl: string;
}

/**
 * Queues what needs all media, once they are there: the pictures of them, then `publish`. Two workers may both see that;
 * doing either twice is harmless.
 */
export async function continueIfComplete(
  { uploads, sqs, tasksQueueUrl }: TaskTarget,
  { video, revision }: Encode,
  plan: Plan,
): Promise<void> {
  const encode = { video, revision };
  const next = possibleTasks(encode, await missingTasks(uploads, encode, plan));
  // Media are queued when the plan is made.
  if (next.every(({ kind }) => kind === 'stills' || kind === 'publish'))
    await sendTasks(sqs, tasksQueueUrl, next);
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
  else await continueIfComplete(target, task, plan);
  return true;
}
