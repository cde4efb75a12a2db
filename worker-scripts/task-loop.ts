/** Takes tasks from the queue, keeps them while they run, and gives back what it can not finish. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { aboutMessage } from '../jobs/about.ts';
import { announceEncode, deletedLive } from '../jobs/announcer.ts';
import { type Attempt, recordAttempt } from '../jobs/attempts.ts';
import { recordFailure } from '../jobs/failed.ts';
import { goWithout } from '../jobs/go-without.ts';
import { log, withLogFields } from '../jobs/log.ts';
import { type Task, taskSchema } from '../jobs/messages.ts';
import { jobKeys } from '../jobs/names.ts';
import { QUEUES } from '../jobs/platform.ts';
import { taskName } from '../jobs/progress.ts';
import { sendRenew } from '../jobs/queue.ts';
import { readRecipe } from '../jobs/requests.ts';
import { SourceError } from '../video/failures.ts';
import { audioTask } from './audio-task.ts';
import { chunkTask } from './chunk-task.ts';
import { ranSince, type TaskContext, type WorkerContext } from './context.ts';
import { downloadTask } from './download-task.ts';
import { planTask } from './plan-task.ts';
import { publishTask } from './publish-task.ts';
import { assertRecipe, OtherRecipeError } from './recipe.ts';
import { stillsTask } from './stills-task.ts';
import { textTask } from './text-task.ts';

const { receiveWaitSeconds, visibilityTimeoutSeconds } = QUEUES.tasks;

/** A heartbeat may be lost twice before the message returns to the queue. */
const HEARTBEAT_MS = (visibilityTimeoutSeconds * 1000) / 3;

/**
 * Seconds after which a task that failed comes back, by its number of tries so far. After the last try it becomes a
 * dead letter with the next receive, at once.
 */
const RETRY_SECONDS = [2, 15] as const;

/** Seconds for which a task waits that is another version's, within which dispatch says what becomes of its encode. */
const RENEW_SECONDS = 15;

/** What recording may take of the seconds in which a worker that was told to go must be gone. */
const RECORD_LIMIT_MS = 2000;

/** SQS's limit of messages a receive. */
const RECEIVE_LIMIT = 10;

function perform(context: TaskContext, task: Task): Promise<void> {
  switch (task.kind) {
    case 'plan':
      return planTask(context, task);
    case 'chunk':
      return chunkTask(context, task);
    case 'audio':
      return audioTask(context, task);
    case 'text':
      return textTask(context, task);
    case 'stills':
      return stillsTask(context, task);
    case 'download':
      return downloadTask(context, task);
    case 'publish':
      return publishTask(context, task);
  }
}

/** A message as the loop handles it. */
interface Received {
  readonly receipt: string;
  readonly attempt: number;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly body: string;
}

function received(message: Message): Received {
  return {
    receipt: message.ReceiptHandle ?? '',
    attempt: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
    receivedAt: new Date().toISOString(),
    body: message.Body ?? '',
  };
}

export class TaskLoop {
  readonly #context: WorkerContext;
  /** Tasks at once. */
  readonly #slots: number;
  readonly #idleSeconds: number;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #lastWork = Date.now();

  constructor(context: WorkerContext, options: { slots: number; idleSeconds: number }) {
    this.#context = context;
    this.#slots = options.slots;
    this.#idleSeconds = options.idleSeconds;
  }

  get tasksInHand(): number {
    return this.#running.size;
  }

  /** Takes nothing new, ends what runs and hands it back at once. `run` returns when that is done. */
  stop(reason: string): void {
    this.#stop.abort(new Error(reason));
  }

  /** Works until the queue was empty for the idle time, or until stopped. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted && !this.#idle()) {
      if (this.#running.size >= this.#slots) {
        await Promise.race(this.#running);
        continue;
      }
      for (const message of await this.#receive(this.#slots - this.#running.size))
        this.#start(received(message));
    }
    await Promise.all(this.#running);
  }

  #idle(): boolean {
    return this.#running.size === 0 && Date.now() - this.#lastWork > this.#idleSeconds * 1000;
  }

  async #receive(free: number): Promise<readonly Message[]> {
    const wait = Math.max(1, Math.min(receiveWaitSeconds, Math.ceil(this.#idleSeconds)));
    try {
      const { Messages = [] } = await this.#context.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#context.tasksQueueUrl,
          MaxNumberOfMessages: Math.min(free, RECEIVE_LIMIT),
          WaitTimeSeconds: wait,
          MessageSystemAttributeNames: ['ApproximateReceiveCount'],
        }),
        { abortSignal: this.#stop.signal },
      );
      return Messages;
    } catch (error) {
      if (this.#stop.signal.aborted) return [];
      throw error; // the SDK has retried; a worker without its queue is no use and ends
    }
  }

  #start(message: Received): void {
    const work = this.#handle(message).finally(() => {
      this.#running.delete(work);
      this.#lastWork = Date.now();
    });
    this.#running.add(work);
  }

  #handle(message: Received): Promise<void> {
    return withLogFields(aboutMessage(message.body), () => this.#keepAndAttempt(message));
  }

  async #keepAndAttempt(message: Received): Promise<void> {
    const { signal } = this.#stop;
    const heartbeat = setInterval(() => {
      if (signal.aborted) return; // it would take back what is being handed back
      this.#setVisibility(message, visibilityTimeoutSeconds).catch((error: unknown) => {
        log('warn', 'heartbeat-failed', { error: String(error) });
      });
    }, HEARTBEAT_MS);
    try {
      const task = taskSchema.parse(JSON.parse(message.body));
      await this.#attempt(task, message);
    } catch (error) {
      // Not a task of ours, or S3 or SQS is out of reach: the message comes back by itself, at last as a dead letter.
      log('error', 'task-not-handled', { body: message.body, error: String(error) });
    } finally {
      clearInterval(heartbeat);
    }
  }

  async #attempt(task: Task, message: Received): Promise<void> {
    const { signal } = this.#stop;
    const about = { video: task.video, task, attempt: message.attempt, receivedAt: message.receivedAt };
    const deleted = new AbortController();
    const watch = setInterval(() => this.#watch(task, deleted), HEARTBEAT_MS);
    const either = AbortSignal.any([signal, deleted.signal]);
    const work = this.#work(task, message, either);
    try {
      await orAborted(work, either);
    } catch (error) {
      if (error instanceof OtherRecipeError) await this.#leave(task, error);
      if (signal.aborted || error instanceof OtherRecipeError) {
        await this.#handBack(task, message, signal.aborted ? 0 : RENEW_SECONDS);
        log('info', 'task-returned', { ...about, reason: String(signal.aborted ? signal.reason : error) });
        await Promise.allSettled([work]); // ffmpeg is dead by now; its scratch files go
        return;
      }
      if (!(await this.#isEnded(task, message, error))) return;
      await Promise.allSettled([work]); // as above, where the video was deleted
    } finally {
      clearInterval(watch);
    }
    await this.#context.sqs.send(
      new DeleteMessageCommand({ QueueUrl: this.#context.tasksQueueUrl, ReceiptHandle: message.receipt }),
    );
  }

  /** Whether a video was deleted: every task comes after its claim. */
  async #isDeleted({ video }: Task): Promise<boolean> {
    return !(await this.#context.uploads.exists(jobKeys.claim(video)));
  }

  /** Ends a task whose video was deleted meanwhile. Where S3 does not say, the next look will. */
  #watch(task: Task, deleted: AbortController): void {
    this.#isDeleted(task).then(
      (gone) => {
        if (!gone) return;
        deleted.abort(new Error('The video was deleted'));
        // What this worker told since then must not be the last word.
        this.#context.live.forget(task);
        this.#context.announcer.announce(deletedLive(task.video));
      },
      (error: unknown) => log('warn', 'watch-failed', { video: task.video, error: String(error) }),
    );
  }

  /** What becomes of a task that failed. Says whether its message is done with. */
  async #isEnded(task: Task, message: Received, error: unknown): Promise<boolean> {
    const about = { video: task.video, task, attempt: message.attempt };
    const detail = error instanceof Error ? error.message || error.name : String(error);
    // Where S3 does not say, the task failed as any other.
    if (await this.#isDeleted(task).catch(() => false)) {
      log('info', 'task-dropped', { ...about, error: detail });
      return true;
    }
    log('error', 'task-failed', { ...about, receivedAt: message.receivedAt, error: detail });
    if (!(error instanceof SourceError)) {
      await this.#record(task, message, { outcome: 'failed', error: detail });
      await this.#setVisibility(message, RETRY_SECONDS[message.attempt - 1] ?? 0);
      return false;
    }
    // However often it is tried, it fails: unless it can do without, the video ends, and its other tasks are dropped.
    if (!(await goWithout(this.#context, task, detail, this.#context.worker)))
      await this.#fail(task, message, error);
    return true;
  }

  async #fail(task: Task, { attempt, receivedAt }: Received, error: SourceError): Promise<void> {
    const { uploads, announcer, live } = this.#context;
    const { code, message } = error;
    const ran = { task: taskName(task), ...ranSince({ ...this.#context, attempt }, new Date(receivedAt)) };
    await recordFailure(uploads, task, { code, message, ran });
    live.forget(task);
    announceEncode(announcer, uploads, task);
  }

  async #work(task: Task, { attempt, receivedAt }: Received, signal: AbortSignal): Promise<void> {
    const about = { video: task.video, task, attempt, receivedAt };
    signal.throwIfAborted(); // it came with the last receive
    const { uploads } = this.#context;
    // The siblings of a task that ended its video are dropped cheaply, and those of a deleted one: what a revision is made
    // by is written before its first task is sent, and goes with it or with its video.
    const hasFailed = await uploads.exists(jobKeys.failed(task.video, task.revision));
    const recipe = hasFailed ? undefined : await readRecipe(uploads, task);
    if (recipe === undefined) return log('info', 'task-dropped', about);
    await assertRecipe(uploads, task, recipe);
    const started = Date.now();
    log('info', 'task-started', about);
    await perform({ ...this.#context, signal, attempt }, task);
    log('info', 'task-done', { ...about, seconds: (Date.now() - started) / 1000 });
  }

  /** Has dispatch decide on an encode of another version of the code. Where that is newer, there will be newer workers. */
  async #leave(task: Task, error: OtherRecipeError): Promise<void> {
    const { sqs, uploadsQueueUrl } = this.#context;
    await sendRenew(sqs, uploadsQueueUrl, task);
    if (error.isNewer) this.stop(error.message);
  }

  /** Makes a task somebody else's, after so many seconds. That it was no fault of the task is recorded first, so that it counts. */
  async #handBack(task: Task, message: Received, seconds: number): Promise<void> {
    const recorded = this.#record(task, message, { outcome: 'interrupted' });
    await Promise.race([recorded, sleep(RECORD_LIMIT_MS, undefined, { ref: false })]);
    await this.#setVisibility(message, seconds);
  }

  /** Keeps how a try ended. Where S3 does not take it, the try counts as one whose worker was lost. */
  async #record(task: Task, message: Received, end: Pick<Attempt, 'outcome' | 'error'>): Promise<void> {
    const { uploads, worker } = this.#context;
    const at = new Date().toISOString();
    const { attempt: receiveCount, receivedAt: startedAt } = message;
    const attempt = { at, startedAt, instance: worker, receiveCount, ...end };
    await recordAttempt(uploads, task, attempt).catch((error: unknown) => {
      log('warn', 'attempt-not-recorded', { video: task.video, task, error: String(error) });
    });
  }

  async #setVisibility(message: Received, seconds: number): Promise<void> {
    await this.#context.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#context.tasksQueueUrl,
        ReceiptHandle: message.receipt,
        VisibilityTimeout: seconds,
      }),
    );
  }
}

/** The work's end, or the signal's reason as soon as it aborts: work that hangs on the network is not waited for. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  return promise;
}
