/** What every task gets to work with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { S3ServiceException } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Announcer } from '../jobs/announcer.ts';
import { type Claim, readClaim } from '../jobs/claim.ts';
import type { Encode } from '../jobs/messages.ts';
import { jobKeys, type VideoId } from '../jobs/names.ts';
import { readPlan } from '../jobs/progress.ts';
import type { ObjectStore } from '../jobs/store.ts';
import { SourceError } from '../video/failures.ts';
import type { Plan } from '../video/plan.ts';
import type { MachinePrice, Ran } from '../video/receipt.ts';
import type { LiveProgress } from './live-progress.ts';
import type { Memory } from './memory.ts';
import type { LookFor, OpenSource, SourceObject, SourceProxy } from './source-proxy.ts';

export interface WorkerContext {
  readonly uploads: ObjectStore;
  readonly production: ObjectStore;
  readonly sqs: SQSClient;
  readonly uploadsQueueUrl: string;
  readonly tasksQueueUrl: string;
  readonly proxy: SourceProxy;
  readonly scratchDir: string;
  readonly memory: Memory;
  /** Names this worker in receipts: an instance id, or host and process. */
  readonly worker: string;
  /** What its machine costs. */
  readonly price: MachinePrice;
  /** When worker and machine began. */
  readonly born: Pick<Ran, 'workerStartedAt' | 'launchedAt'>;
  readonly announcer: Announcer;
  readonly live: Pick<LiveProgress, 'planned' | 'begin' | 'saw' | 'forget'>;
}

/** A task's view: the worker's, when to stop, and how often the task was received. */
export interface TaskContext extends WorkerContext {
  readonly signal: AbortSignal;
  readonly attempt: number;
}

/** What is kept of who did a task that ends now. */
export const ranSince = (
  { worker, attempt, born }: Pick<TaskContext, 'worker' | 'attempt' | 'born'>,
  started: Date,
): Ran => ({
  startedAt: started.toISOString(),
  finishedAt: new Date().toISOString(),
  worker,
  attempt,
  ...born,
});

/** The claim of a video. Throws where there is none, for then the task should not exist. */
export async function requireClaim(context: WorkerContext, video: VideoId): Promise<Claim> {
  const claim = await readClaim(context.uploads, video);
  if (!claim) throw new Error(`Video ${video} has no claim; its task should not exist`);
  return claim;
}

/** The plan of an encode. Throws where there is none, for then the task should not exist. */
export async function requirePlan(context: WorkerContext, encode: Encode): Promise<Plan> {
  const plan = await readPlan(context.uploads, encode);
  if (!plan)
    throw new Error(`Revision ${encode.revision} of ${encode.video} has no plan; its task should not exist`);
  return plan;
}

/** S3's word for "that object is another one now, or gone". */
const CHANGED_STATUS: readonly (number | undefined)[] = [404, 412];

/**
 * Opens an object for ffmpeg while `use` runs. Where a read of S3 was refused or broke, that is the error that is
 * thrown, whatever ffmpeg made of it.
 * @param told what is thrown for the broken read
 */
async function withServed<T>(
  { proxy }: WorkerContext,
  object: SourceObject,
  use: (opened: OpenSource) => Promise<T>,
  told = (broken: Error): Error => broken,
): Promise<T> {
  const opened = proxy.open(object);
  // ffmpeg takes a read that broke for the end of the file: what it made of it must not count.
  const throwIfBroken = () => {
    const broken = opened.error();
    if (broken) throw told(broken);
  };
  try {
    return await use(opened).finally(throwIfBroken);
  } finally {
    opened.close();
  }
}

/** Opens a video's source as `withServed` does. Throws `SourceError('source-changed')` where it is another one now. */
export async function withSource<T>(
  context: WorkerContext,
  video: VideoId,
  use: (url: string, claim: Claim, lookFor: LookFor) => Promise<T>,
): Promise<T> {
  const claim = await requireClaim(context, video);
  return withServed(
    context,
    claim,
    ({ url, lookFor }) => use(url, claim, lookFor),
    (broken) =>
      broken instanceof S3ServiceException && CHANGED_STATUS.includes(broken.$metadata.httpStatusCode)
        ? new SourceError('source-changed')
        : broken,
  );
}

/**
 * Opens what a plan's tasks read: the source, or the copy that was made of it. A copy that is gone fails the task and
 * not the video: it is deleted when the revision is published, and only a duplicate of a task can still ask for it.
 */
export async function withPlanned<T>(
  context: WorkerContext,
  encode: Encode,
  plan: Plan,
  use: (url: string, bytes: number) => Promise<T>,
): Promise<T> {
  const { copy } = plan.source;
  return copy
    ? withCopy(context, encode, (url) => use(url, copy.bytes))
    : withSource(context, encode.video, (url, { size }) => use(url, size));
}

/** Opens the copy of a source as `withServed` does. */
export const withCopy = <T>(
  context: WorkerContext,
  { video, revision }: Encode,
  use: (url: string) => Promise<T>,
): Promise<T> =>
  // Without an ETag: whoever makes a copy makes the same bytes.
  withServed(context, { bucket: context.uploads.bucket, key: jobKeys.copy(video, revision) }, ({ url }) =>
    use(url),
  );

/** A folder that is gone, with all in it, when `use` ends. */
export async function withScratch<T>(
  context: WorkerContext,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(context.scratchDir, 'task-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
