/** What becomes of a message on the uploads queue: claims, capacity, tasks. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { EncodeSettings } from '../video/settings.ts';
import { aboutMessage } from './about.ts';
import { type Announcer, announceEncode } from './announcer.ts';
import type { Work } from './capacity.ts';
import { claimVideo, readClaim } from './claim.ts';
import { mayBeClaimed } from './deletion.ts';
import type { Backlog, Capacity, Delivery } from './ensure-capacity.ts';
import { readFailure } from './failed.ts';
import { log, withLogFields } from './log.ts';
import {
  type CreatedObject,
  type Encode,
  parseS3Event,
  renewSchema,
  requeueSchema,
  type Task,
  uploadedSchema,
} from './messages.ts';
import { encodeOfPlanKey, jobKeys, UPLOADS_PREFIX, videoIdOf } from './names.ts';
import { nextTasks } from './progress.ts';
import { backlog, sendTasks } from './queue.ts';
import { renew } from './renew.ts';
import { requestFirst } from './requests.ts';
import type { ObjectStore } from './store.ts';

export interface Dispatcher {
  readonly uploads: ObjectStore;
  readonly sqs: SQSClient;
  readonly tasksQueueUrl: string;
  readonly capacity: Capacity;
  /** What an upload is encoded with. */
  readonly settings: EncodeSettings;
  readonly announcer: Announcer;
}

export interface UploadsMessage extends Delivery {
  /** An S3 event, `requeue`, `renew` or `uploaded`, as JSON. */
  readonly body: string;
}

/** The part of a plan that says how much work it is. */
const planSizeSchema = z.object({
  chunks: z.array(z.unknown()),
  audio: z.array(z.unknown()),
  text: z.array(z.unknown()).default([]),
  workSeconds: z.number(),
});

/** What a message asks for. */
interface Demand {
  /** To be queued once there is a machine for them. */
  readonly queue: readonly Task[];
  /** What a plan that is there means, whether it is queued already or not. */
  readonly planned: Work;
}

const NO_WORK: Work = { tasks: 0, seconds: 0 };

/** A message that must come back later, and why. */
export interface FailedMessage {
  readonly message: UploadsMessage;
  readonly error: unknown;
}

/**
 * Handles messages, and any repetition of them, to the same effect. Returns those that failed.
 *
 * EC2 is asked once for all that they want: it takes seconds to answer and limits how often it may be asked, and a
 * million uploads a day are fifty messages a second (docs/scale.md). Tasks are queued after there is a machine for
 * them: a message that comes back for hours, because EC2 has none, would otherwise queue them once more each time.
 */
export async function dispatchMessages(
  dispatcher: Dispatcher,
  messages: readonly UploadsMessage[],
): Promise<FailedMessage[]> {
  const failed: FailedMessage[] = [];
  const wanting: UploadsMessage[] = [];
  const demands: Demand[] = [];
  const read = messages.map(async ({ body }) =>
    withLogFields(aboutMessage(body), () => demandsOf(dispatcher, JSON.parse(body))),
  );
  for (const [index, result] of (await Promise.allSettled(read)).entries()) {
    const message = messages[index];
    if (!message) continue; // there is a result a message
    if (result.status === 'rejected') failed.push({ message, error: result.reason });
    else if (result.value.length > 0) {
      wanting.push(message);
      demands.push(...result.value);
    }
  }
  const [first] = wanting;
  if (!first) return failed;

  try {
    const queue = demands.flatMap((demand) => demand.queue);
    await dispatcher.capacity.ensure(await backlogToServe(dispatcher, demands), first);
    await sendTasks(dispatcher.sqs, dispatcher.tasksQueueUrl, queue);
    for (const { kind, video, revision } of queue) {
      if (kind === 'plan') log('info', 'plan-queued', { video, revision });
    }
  } catch (error) {
    failed.push(...wanting.map((message) => ({ message, error })));
  }
  return failed;
}

async function demandsOf(dispatcher: Dispatcher, message: unknown): Promise<Demand[]> {
  const demands = await wantedOf(dispatcher, message);
  return demands.filter((demand) => demand !== undefined);
}

async function wantedOf(dispatcher: Dispatcher, message: unknown): Promise<(Demand | undefined)[]> {
  const requeue = requeueSchema.safeParse(message).data?.requeue;
  if (requeue) return [await demandOfRequeue(dispatcher, requeue)];
  const asked = renewSchema.safeParse(message).data?.renew;
  const renewed = asked && (await renew(dispatcher.uploads, asked));
  if (asked) return renewed ? [await demandOfRequeue(dispatcher, renewed)] : [];
  const uploaded = uploadedSchema.safeParse(message).data?.uploaded;
  const objects = uploaded ? [uploaded] : parseS3Event(message);
  return Promise.all(objects.map((object) => demandOf(dispatcher, object)));
}

/** What is missing of an encode that has not failed, of a video that was not deleted. */
async function demandOfRequeue(
  { uploads, announcer }: Dispatcher,
  encode: Encode,
): Promise<Demand | undefined> {
  if ((await readFailure(uploads, encode)) || !(await readClaim(uploads, encode.video))) return undefined;
  const queue = await nextTasks(uploads, encode);
  log('info', 'requeued', { ...encode, tasks: queue.length });
  announceEncode(announcer, uploads, encode);
  return { queue, planned: NO_WORK };
}

async function demandOf(dispatcher: Dispatcher, object: CreatedObject): Promise<Demand | undefined> {
  const { uploads } = dispatcher;
  const { bucket, key } = object;
  if (bucket === uploads.bucket && !key.endsWith('/')) {
    if (key.startsWith(UPLOADS_PREFIX)) return demandOfSource(dispatcher, object);
    const encode = encodeOfPlanKey(key);
    if (encode) return demandOfPlan(uploads, encode);
  }
  log('info', 'object-ignored', { bucket, key });
  return undefined;
}

/** A source wants its plan, also when its event comes again: a crash may have come between claim and task. */
async function demandOfSource(
  { uploads, settings, announcer }: Dispatcher,
  object: CreatedObject,
): Promise<Demand | undefined> {
  const { key, etag, size } = object;
  if (!(await mayBeClaimed(uploads, videoIdOf(object), object))) {
    log('info', 'deleted-ignored', { key, etag });
    return undefined;
  }
  const { video, claim, result } = await claimVideo(uploads, object);
  log(result === 'taken' ? 'warn' : 'info', `claim-${result}`, { video, key, etag, size });
  if (result === 'taken') return undefined;
  const revision = await requestFirst(uploads, video, claim, settings);
  if (result === 'repeated' && (await isPlanned(uploads, { video, revision }))) return undefined;
  announceEncode(announcer, uploads, { video, revision });
  return { queue: [{ kind: 'plan', video, revision }], planned: NO_WORK };
}

/** Whether an encode needs no plan task any more, because it has a plan or has failed. */
async function isPlanned(uploads: ObjectStore, encode: Encode): Promise<boolean> {
  const { video, revision } = encode;
  return (
    (await uploads.exists(jobKeys.plan(video, revision))) ||
    (await uploads.exists(jobKeys.failed(video, revision)))
  );
}

async function demandOfPlan(uploads: ObjectStore, { video, revision }: Encode): Promise<Demand | undefined> {
  const plan = await uploads.getJson(jobKeys.plan(video, revision), planSizeSchema);
  if (plan) {
    const tasks = plan.chunks.length + plan.audio.length + (plan.text.length > 0 ? 1 : 0);
    return { queue: [], planned: { tasks, seconds: plan.workSeconds } };
  }
  log('warn', 'plan-gone', { video, revision });
  return undefined;
}

/**
 * What wants machines. Plan and publish tasks are short, so one machine does many, and they ask for no more than that.
 * A plan's own tasks are usually queued before its event arrives, so the queue's length counts them already.
 */
async function backlogToServe(dispatcher: Dispatcher, demands: readonly Demand[]): Promise<Backlog> {
  const planned = demands.reduce(
    (sum, demand) => ({
      tasks: sum.tasks + demand.planned.tasks,
      seconds: sum.seconds + demand.planned.seconds,
    }),
    NO_WORK,
  );
  const queued = demands.flatMap(({ queue }) => queue);
  const media = queued.filter(({ kind }) => kind === 'chunk' || kind === 'audio').length;
  if (planned.tasks + media === 0) return { planned: { tasks: 1, seconds: 0 }, messages: 0 };
  const { visible, inFlight, delayed } = await backlog(dispatcher.sqs, dispatcher.tasksQueueUrl);
  return { planned, messages: visible + inFlight + delayed + media };
}
