/** `plan`: looks at a source, decides everything, and queues the work. */
import type { Encode } from '../jobs/messages.ts';
import { jobKeys } from '../jobs/names.ts';
import { nextTasks } from '../jobs/progress.ts';
import { sendTasks } from '../jobs/queue.ts';
import { readSettings } from '../jobs/requests.ts';
import { type Plan, planSchema, planVideo } from '../video/plan.ts';
import { worthPruning } from '../video/prune.ts';
import { type TaskContext, withScratch, withSource } from './context.ts';
import { inspect } from './inspect.ts';
import { findPruned } from './prune.ts';

async function makePlan(context: TaskContext, { video, revision }: Encode): Promise<Plan> {
  const { settings } = await readSettings(context.uploads, video, revision);
  return withSource(context, video, async (url, claim) => {
    const { source, packets } = await inspect({ url, bytes: claim.size, settings, signal: context.signal });
    const whole = planVideo(source, packets, settings, revision);
    const pruned =
      settings.prune && worthPruning(whole)
        ? await withScratch(context, (folder) => findPruned(whole, url, folder, context.signal))
        : [];
    // What does not fit must fail here: a plan that was written can not be read otherwise, however often.
    return planSchema.parse(planVideo(source, packets, settings, revision, pruned));
  });
}

/** Plans an encode unless it has a plan, and queues what it still misses. */
export async function planTask(context: TaskContext, { video, revision }: Encode): Promise<void> {
  const { uploads, sqs, tasksQueueUrl } = context;
  if (!(await uploads.exists(jobKeys.plan(video, revision)))) {
    const plan = await makePlan(context, { video, revision });
    await uploads.putOnceJson(jobKeys.plan(video, revision), plan);
  }
  // Of two plans the first that was written counts; what is missing is asked of the objects.
  await sendTasks(sqs, tasksQueueUrl, await nextTasks(uploads, { video, revision }));
}
