/**
 * What becomes of dead letters: messages that came back more often than their queue allows. A task that was only
 * handed back by workers that had to go is sent again, one that is done is dropped, and without some tasks' results a
 * video goes on; every other video ends here, with a reason.
 *
 * A message that is neither a task nor one for dispatch names no video that could end. It is logged whole, as an error,
 * and dropped: left in the queue it would come every few minutes for two weeks and tell nobody anything new.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { FAILURES } from '../video/failures.ts';
import type { EncodeSettings } from '../video/settings.ts';
import { type Announcer, announceEncode } from './announcer.ts';
import { listAttempts, type RecordedAttempt } from './attempts.ts';
import { claimVideo } from './claim.ts';
import { followUp } from './complete.ts';
import { mayBeClaimed } from './deletion.ts';
import { recordFailure } from './failed.ts';
import { goWithout } from './go-without.ts';
import { type LogFields, log } from './log.ts';
import {
  type CreatedObject,
  type Encode,
  parseS3Event,
  renewSchema,
  requeueSchema,
  type Task,
  taskSchema,
  uploadedSchema,
} from './messages.ts';
import { logMetrics } from './metrics.ts';
import { jobKeys, UPLOADS_PREFIX, videoIdOf } from './names.ts';
import { openSince } from './open.ts';
import { publishedRevision, type Stores } from './publish.ts';
import { sendTasks } from './queue.ts';
import { requestFirst } from './requests.ts';
import type { ObjectStore } from './store.ts';

export interface Graveyard extends Stores {
  readonly sqs: SQSClient;
  readonly tasksQueueUrl: string;
  /** What an upload is encoded with. */
  readonly settings: EncodeSettings;
  readonly announcer: Announcer;
}

/** Who leaves the receipt of a task that no worker could do. */
const NO_WORKER = 'bury';

/** Why an encode is given up. Only our own words are published: a worker's error may name accounts and addresses. */
type Reason = { readonly words: string } | { readonly error: string };

/** The last words where no worker left any. */
const LOST = 'every worker that took the task was lost without a word, most likely for want of memory';
const UNDISPATCHED = 'its tasks could not be queued for a day; the log of the dispatch function says why';

/** Tells of a letter that did not just go its way again. */
const dead = (event: string, fields: LogFields): void =>
  logMetrics('error', event, fields, { DeadLetters: 1 });

/** Handles a dead letter of uploads or tasks, and any repetition of it, to the same effect. Throws to have it again. */
export async function buryMessage(graveyard: Graveyard, body: string): Promise<void> {
  const letter = parseLetter(body);
  if ('task' in letter) return buryTask(graveyard, letter.task);
  if ('unreadable' in letter) return dead('dead-letter-unreadable', { body, error: letter.unreadable });
  dead('not-dispatched', { body });
  if ('requeue' in letter) return giveUp(graveyard, letter.requeue, { words: UNDISPATCHED });
  for (const object of letter.objects) await buryObject(graveyard, object);
}

type Letter =
  | { readonly task: Task }
  | { readonly requeue: Encode }
  | { readonly objects: readonly CreatedObject[] }
  | { readonly unreadable: string };

function parseLetter(body: string): Letter {
  try {
    const message: unknown = JSON.parse(body);
    const task = taskSchema.safeParse(message);
    if (task.success) return { task: task.data };
    const requeue = requeueSchema.safeParse(message);
    if (requeue.success) return requeue.data;
    const renew = renewSchema.safeParse(message);
    if (renew.success) return { requeue: renew.data.renew };
    const uploaded = uploadedSchema.safeParse(message).data?.uploaded;
    return { objects: uploaded ? [uploaded] : parseS3Event(message) };
  } catch (error) {
    return { unreadable: String(error) };
  }
}

async function buryTask(graveyard: Graveyard, task: Task): Promise<void> {
  const { uploads, sqs, tasksQueueUrl } = graveyard;
  if (await isOver(graveyard, task)) return log('info', 'dead-task-dropped', { task });
  // Its workers were lost after it was done, before they could delete its message.
  if (await followUp(graveyard, task)) return log('warn', 'dead-task-was-done', { task });
  const attempts = await presentAttempts(uploads, task);
  const interrupted = attempts.filter(({ outcome }) => outcome === 'interrupted');
  if (interrupted.length === 0) {
    const error = lastError(attempts);
    dead('task-lost', { task, error: error ?? LOST });
    if (await goWithout(graveyard, task, error ?? LOST, NO_WORKER)) return;
    await giveUp(graveyard, task, error === undefined ? { words: LOST } : { error });
    return;
  }
  // In this order: a crash in between sends the task twice, which is harmless, where the other could lose it.
  await sendTasks(sqs, tasksQueueUrl, [task]);
  for (const { key } of interrupted) await uploads.delete(key);
  log('info', 'dead-task-sent-again', { task, interruptions: interrupted.length });
}

/** The attempts since the encode was asked for last: what came to nothing before a `retry` excuses and explains nothing. */
async function presentAttempts(uploads: ObjectStore, task: Task): Promise<RecordedAttempt[]> {
  const since = await openSince(uploads, task);
  const attempts = await listAttempts(uploads, task);
  return since ? attempts.filter(({ at }) => new Date(at) >= since) : attempts;
}

function lastError(attempts: readonly RecordedAttempt[]): string | undefined {
  return attempts.findLast(({ outcome }) => outcome === 'failed')?.error;
}

/** A source that was never dispatched fails. Of any other object, a plan say, the tasks speak for themselves. */
async function buryObject(graveyard: Graveyard, object: CreatedObject): Promise<void> {
  const { uploads, settings } = graveyard;
  const { bucket, key } = object;
  if (bucket !== uploads.bucket || !key.startsWith(UPLOADS_PREFIX) || key.endsWith('/')) return;
  if (!(await mayBeClaimed(uploads, videoIdOf(object), object))) return;
  const { video, claim, result } = await claimVideo(uploads, object);
  if (result === 'taken') return;
  const revision = await requestFirst(uploads, video, claim, settings);
  // The event came twice, and the other copy got through.
  if (await uploads.exists(jobKeys.plan(video, revision))) return;
  await giveUp(graveyard, { video, revision }, { words: UNDISPATCHED });
}

/** Whether a task's result matters to nobody any more; a download is made while the video plays already. */
const isOver = (graveyard: Graveyard, task: Task): Promise<boolean> =>
  task.kind === 'download' ? cameToNothing(graveyard, task) : hasEnded(graveyard, task);

/** Whether an encode failed, or is of a video that was deleted. */
async function cameToNothing({ uploads }: Graveyard, { video, revision }: Encode): Promise<boolean> {
  if (!(await uploads.exists(jobKeys.claim(video)))) return true;
  return uploads.exists(jobKeys.failed(video, revision));
}

/** Whether an encode came to nothing or plays. */
async function hasEnded(graveyard: Graveyard, encode: Encode): Promise<boolean> {
  if (await cameToNothing(graveyard, encode)) return true;
  return (await publishedRevision(graveyard.production, encode.video)) === encode.revision;
}

/** Ends an encode that has not ended otherwise. */
async function giveUp(graveyard: Graveyard, encode: Encode, reason: Reason): Promise<void> {
  const { video, revision } = encode;
  const fields = { video, revision, ...reason };
  if (await hasEnded(graveyard, encode)) return log('info', 'dead-letter-too-late', fields);
  const message = FAILURES['gave-up'] + ('words' in reason ? ` (${reason.words})` : '');
  await recordFailure(graveyard.uploads, encode, { code: 'gave-up', message });
  announceEncode(graveyard.announcer, graveyard.uploads, encode);
  log('error', 'gave-up', fields);
}
