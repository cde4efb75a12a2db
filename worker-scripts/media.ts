/** What the tasks that write media share: reading what ffmpeg made, storing it, and saying that it is done. */
import { createHash } from 'node:crypto';
import { continueIfComplete } from '../jobs/complete.ts';
import { extendEarly, isHeardEarly, recordPart } from '../jobs/early.ts';
import type { Encode, Task } from '../jobs/messages.ts';
import { jobKeys, type TaskName, videoKeys } from '../jobs/names.ts';
import { CACHE_CONTROL, contentTypeOf } from '../jobs/platform.ts';
import { doneTasks, taskName, writeReceipt } from '../jobs/progress.ts';
import { encrypted } from '../video/encryption.ts';
import { readFragments } from '../video/fmp4.ts';
import type { Plan } from '../video/plan.ts';
import { ANY_FRAMES, segmentRuns } from '../video/playlists.ts';
import { type MediaObject, type Receipt, receiptFragment, type StoredFile } from '../video/receipt.ts';
import { ranSince, type TaskContext } from './context.ts';
import type { Part } from './live-progress.ts';
import { readKey } from './media-reader.ts';

/** Reads a media file's boxes into the form that receipts and playlists use. */
export function describeMedia(
  rendition: string,
  file: string,
  data: Buffer,
  codecOf: (init: Buffer) => string,
): MediaObject {
  const { initLength, fragments } = readFragments(data);
  const [first] = fragments;
  if (!first) throw new Error(`ffmpeg wrote no frame into ${rendition}/${file}`);
  const init = data.subarray(0, initLength);
  return {
    rendition,
    file,
    bytes: data.length,
    initLength,
    initSha256: createHash('sha256').update(init).digest('hex'),
    codec: codecOf(init),
    decodeTime: first.decodeTime,
    fragments: fragments.map(receiptFragment),
  };
}

/**
 * Stores a media object, once, encrypted where that is planned.
 * @param segmentFrames frames of its segments
 * @returns the object as it is stored
 */
export async function storeMedia(
  context: TaskContext,
  encode: Encode,
  { encryption }: Plan,
  { object, data, segmentFrames }: { object: MediaObject; data: Buffer; segmentFrames: number },
): Promise<MediaObject> {
  const runs = segmentRuns(object.fragments, segmentFrames);
  const stored = encryption
    ? encrypted(object, runs, data, await readKey(context, encode))
    : { object, data };
  await storeFile(context, encode, `${object.rendition}/${object.file}`, stored.data);
  return stored.object;
}

/** Stores an object of a revision, once. @param path below the revision */
export async function storeFile(
  { production }: TaskContext,
  { video, revision }: Encode,
  path: string,
  bytes: Buffer,
): Promise<StoredFile> {
  const key = videoKeys.media(video, revision, path);
  await production.putOnce(key, bytes, {
    contentType: contentTypeOf(key),
    cacheControl: CACHE_CONTROL.immutable,
  });
  return { path, bytes: bytes.length };
}

/**
 * Stores a part of a sound, once, and lets it be heard where that can be. @param index in the order of their time
 * @returns the object as it is stored
 */
export async function storePart(
  context: TaskContext,
  task: Task & { kind: 'audio' },
  plan: Plan,
  part: { readonly index: number; readonly object: MediaObject; readonly data: Buffer },
): Promise<MediaObject> {
  const object = await storeMedia(context, task, plan, { ...part, segmentFrames: ANY_FRAMES });
  if (!isHeardEarly(task)) return object;
  await recordPart(context.uploads, task, part.index, object);
  await letPlay(context, task, plan, await doneTasks(context.uploads, task));
  return object;
}

/** Lets what is made of a video play, and tells it. */
async function letPlay(
  context: TaskContext,
  task: Task,
  plan: Plan,
  done: ReadonlySet<TaskName>,
): Promise<void> {
  await extendEarly(context, task, plan, done);
  context.live.saw(task, done);
}

/** What comes out of a task, for its receipt. */
type Made = Pick<Receipt, 'cpuSeconds'> &
  Partial<Pick<Receipt, 'objects' | 'files' | 'findings' | 'seen' | 'unmade'>>;

/**
 * Does a media task and leaves its receipt, unless it has one; then sees whether the video is complete, and lets what
 * is made of it play.
 */
export async function once(
  context: TaskContext,
  task: Task,
  plan: Plan,
  work: (part: Part | undefined) => Promise<Made>,
): Promise<void> {
  // Looking for one receipt costs a twelfth of listing them all, and there are as many tasks as receipts.
  if (!(await context.uploads.exists(jobKeys.receipt(task.video, task.revision, taskName(task))))) {
    const part = context.live.begin(task, plan);
    let isDone = false;
    try {
      await writeReceipt(context.uploads, task, await receiptOf(context, task, () => work(part)));
      isDone = true;
    } finally {
      part?.ended(isDone);
    }
  }
  const done = await doneTasks(context.uploads, task);
  await continueIfComplete(context, task, plan, done);
  await letPlay(context, task, plan, done);
}

/** What a task leaves that did this work. */
async function receiptOf(context: TaskContext, task: Task, work: () => Promise<Made>): Promise<Receipt> {
  const started = new Date();
  const { objects = [], files = [], findings = [], seen, unmade, cpuSeconds } = await work();
  const ran = ranSince(context, started);
  return {
    task: taskName(task),
    objects,
    files,
    findings,
    ...(seen && { seen }),
    ...(unmade && { unmade }),
    cpuSeconds,
    wallSeconds: (Date.parse(ran.finishedAt) - started.getTime()) / 1000,
    ...ran,
    price: context.price,
  };
}
