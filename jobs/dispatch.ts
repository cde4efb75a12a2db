/** What becomes of a message on the uploads queue: claims, capacity, tasks. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { claimVideo } from './claim.ts';
import type { Capacity, Delivery } from './ensure-capacity.ts';
import { log } from './log.ts';
import { type CreatedObject, parseS3Event } from './messages.ts';
import { isVideoId, JOBS_PREFIX, jobKeys, UPLOADS_PREFIX, type VideoId } from './names.ts';
import { backlog, sendTasks } from './queue.ts';
import type { ObjectStore } from './store.ts';

export interface Dispatcher {
  readonly uploads: ObjectStore;
  readonly sqs: SQSClient;
  readonly tasksQueueUrl: string;
  readonly capacity: Capacity;
}

export interface UploadsMessage extends Delivery {
  /** An S3 event, as JSON. */
  readonly body: string;
}

/** The part of a plan that says how much work it is. */
const planSizeSchema = z.object({ chunks: z.array(z.unknown()), audio: z.array(z.unknown()) });

/** What an object asks for: a video to be planned, or work for so many tasks. */
type Demand = { readonly plan: VideoId } | { readonly tasks: number };

/**
 * Handles a message, and any repetition of it, to the same effect. Throws where it must come back later.
 *
 * A plan task is queued after there is a machine for it: a message that comes back for hours, because EC2 has
 * none, would otherwise queue one more each time.
 */
export async function dispatchMessage(dispatcher: Dispatcher, message: UploadsMessage): Promise<void> {
  const demands: Demand[] = [];
  for (const object of parseS3Event(message.body)) {
    const demand = await demandOf(dispatcher.uploads, object);
    if (demand) demands.push(demand);
  }
  if (demands.length === 0) return;

  const videos = demands.flatMap((demand) => ('plan' in demand ? [demand.plan] : []));
  await dispatcher.capacity.ensure(await tasksToServe(dispatcher, demands), message);
  await sendTasks(
    dispatcher.sqs,
    dispatcher.tasksQueueUrl,
    videos.map((video) => ({ kind: 'plan', video })),
  );
  for (const video of videos) log('info', 'plan-queued', { video });
}

async function demandOf(uploads: ObjectStore, object: CreatedObject): Promise<Demand | undefined> {
  const { bucket, key } = object;
  if (bucket === uploads.bucket && !key.endsWith('/')) {
    if (key.startsWith(UPLOADS_PREFIX)) return demandOfSource(uploads, object);
    const video = videoOfPlan(key);
    if (video) return demandOfPlan(uploads, video);
  }
  log('info', 'object-ignored', { bucket, key });
  return undefined;
}

/** A source wants its plan, also when its event comes again: a crash may have come between claim and task. */
async function demandOfSource(uploads: ObjectStore, object: CreatedObject): Promise<Demand | undefined> {
  const { video, result } = await claimVideo(uploads, object);
  const { key, etag, size } = object;
  log(result === 'taken' ? 'warn' : 'info', `claim-${result}`, { video, key, etag, size });
  if (result === 'taken') return undefined;
  if (result === 'repeated' && (await isPlanned(uploads, video))) return undefined;
  return { plan: video };
}

/** Whether a video needs no plan task any more, because it has a plan or has failed. */
async function isPlanned(uploads: ObjectStore, video: VideoId): Promise<boolean> {
  return (await uploads.exists(jobKeys.plan(video))) || (await uploads.exists(jobKeys.failed(video)));
}

async function demandOfPlan(uploads: ObjectStore, video: VideoId): Promise<Demand | undefined> {
  const plan = await uploads.getJson(jobKeys.plan(video), planSizeSchema);
  if (plan) return { tasks: plan.chunks.length + plan.audio.length };
  log('warn', 'plan-gone', { video });
  return undefined;
}

/** The video whose plan has this key. A plan's receipt ends in `/plan.json` too, but lies deeper. */
function videoOfPlan(key: string): VideoId | undefined {
  const video = key.slice(JOBS_PREFIX.length).split('/')[0] ?? '';
  return isVideoId(video) && key === jobKeys.plan(video) ? video : undefined;
}

/**
 * Tasks that want a machine. Plans are short, so one machine does many, and sources ask for no more than that. A
 * plan's own tasks are usually queued before its event arrives, so the backlog counts them already: the larger of
 * the two numbers is right where their sum would pay for every machine twice.
 */
async function tasksToServe(dispatcher: Dispatcher, demands: readonly Demand[]): Promise<number> {
  const planned = demands.reduce((sum, demand) => sum + ('tasks' in demand ? demand.tasks : 0), 0);
  if (planned === 0) return 1;
  const { visible, inFlight, delayed } = await backlog(dispatcher.sqs, dispatcher.tasksQueueUrl);
  return Math.max(planned, visible + inFlight + delayed);
}
