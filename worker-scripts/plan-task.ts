/** `plan`: looks at a source, decides everything, and queues the work. */
import { randomBytes } from 'node:crypto';
import type { Encode } from '../jobs/messages.ts';
import { jobKeys, videoKeys } from '../jobs/names.ts';
import { CACHE_CONTROL, contentTypeOf } from '../jobs/platform.ts';
import { nextTasks } from '../jobs/progress.ts';
import { sendTasks } from '../jobs/queue.ts';
import { readSettings } from '../jobs/requests.ts';
import { KEY_BYTES, KEY_PATH } from '../video/encryption.ts';
import { type Plan, planSchema, planVideo } from '../video/plan.ts';
import { worthPruning } from '../video/prune.ts';
import { needsCopy } from '../video/timestamps.ts';
import { ranSince, type TaskContext, withCopy, withScratch, withSource } from './context.ts';
import { makeCopy } from './copy.ts';
import { type Inspection, inspect } from './inspect.ts';
import { findPruned } from './prune.ts';

async function makePlan(context: TaskContext, { video, revision }: Encode): Promise<Plan> {
  const { settings } = await readSettings(context.uploads, video, revision);
  const { signal } = context;
  const planFrom = async (url: string, { source, packets }: Inspection): Promise<Plan> => {
    const whole = planVideo(source, packets, settings, revision);
    const pruned =
      settings.prune && worthPruning(whole)
        ? await withScratch(context, (folder) => findPruned(whole, url, folder, context))
        : [];
    // What does not fit must fail here: a plan that was written can not be read otherwise, however often.
    return planSchema.parse(planVideo(source, packets, settings, revision, pruned));
  };
  const made = await withSource(context, video, async (url, { size: bytes }, lookFor) => {
    const found = await inspect({ url, bytes, settings, signal, lookFor });
    const { source, packets } = found;
    if (!('pts' in packets && needsCopy(source, packets))) return { plan: await planFrom(url, found) };
    const copied = await makeCopy(context, { video, revision }, source, { url, bytes });
    return { source, copy: { bytes: copied, jumps: packets.jumps ?? 0 } };
  });
  if ('plan' in made) return made.plan;
  return withCopy(context, { video, revision }, async (url) =>
    planFrom(url, await inspect({ url, bytes: made.copy.bytes, settings, signal }, made)),
  );
}

/** Makes the key of an encode's segments, once. */
async function makeKey({ production }: TaskContext, { video, revision }: Encode): Promise<void> {
  const key = videoKeys.media(video, revision, KEY_PATH);
  const headers = { contentType: contentTypeOf(key), cacheControl: CACHE_CONTROL.secret };
  await production.putOnce(key, randomBytes(KEY_BYTES), headers);
}

/** Plans an encode unless it has a plan, and queues what it still misses. */
export async function planTask(context: TaskContext, { video, revision }: Encode): Promise<void> {
  const { uploads, sqs, tasksQueueUrl } = context;
  const started = new Date();
  if (!(await uploads.exists(jobKeys.plan(video, revision)))) {
    const plan = await makePlan(context, { video, revision });
    // Before the plan: whoever has that finds the key.
    if (plan.encryption) await makeKey(context, { video, revision });
    await Promise.all([
      uploads.putOnceJson(jobKeys.plan(video, revision), plan),
      uploads.putOnceJson(jobKeys.planned(video, revision), ranSince(context, started)),
    ]);
    context.live.planned({ video, revision }, plan);
  }
  // Of two plans the first that was written counts; what is missing is asked of the objects.
  await sendTasks(sqs, tasksQueueUrl, await nextTasks(uploads, { video, revision }));
}
