/**
 * Playing what is made while the rest is encoded (docs/decisions/0011): whoever leaves a receipt or a part lets more of
 * the video play, if there is more. Publishing replaces all that is written here.
 */
import { z } from 'zod';
import {
  EARLY_PATH,
  EARLY_SOUND,
  earlyPlaylists,
  earlySegments,
  isWorthwhile,
  type Progress,
} from '../video/early.ts';
import { renditionsOf } from '../video/multivariant.ts';
import { segmentsOfParts } from '../video/parts.ts';
import type { Plan } from '../video/plan.ts';
import { eventSegments } from '../video/playlists.ts';
import { audioRendition, type MediaObject, mediaObjectSchema } from '../video/receipt.ts';
import { inBatches } from './batches.ts';
import type { Encode, Task } from './messages.ts';
import { jobKeys, type TaskName, videoKeys } from './names.ts';
import { CACHE_CONTROL, contentTypeOf } from './platform.ts';
import { receiptsOf, taskName } from './progress.ts';
import { publishedRevision, type Stores } from './publish.ts';
import type { ObjectStore } from './store.ts';

/** Descriptions of parts that are read at once. */
const PARTS_AT_ONCE = 20;

type AudioTask = Task & { readonly kind: 'audio' };

/** Describes a part of a sound that is stored. @param index in the order of their time */
export async function recordPart(
  uploads: ObjectStore,
  task: AudioTask,
  index: number,
  part: MediaObject,
): Promise<void> {
  await uploads.putOnceJson(jobKeys.part(task.video, task.revision, taskName(task), index), part);
}

/** Whether a sound can be heard before all of it is made. */
export const isHeardEarly = ({ index }: AudioTask): boolean => index === EARLY_SOUND;

const headersOf = (key: string) => ({
  contentType: contentTypeOf(key),
  cacheControl: CACHE_CONTROL.replaceable,
});

const earlyKey = ({ video, revision }: Encode): string => videoKeys.media(video, revision, EARLY_PATH);

/** The path at which an encode can be watched before its end; undefined while there is nothing to see. */
export async function earlyPath(production: ObjectStore, encode: Encode): Promise<string | undefined> {
  return (await production.exists(earlyKey(encode))) ? `/${earlyKey(encode)}` : undefined;
}

/** Tasks and parts that make a prefix. */
interface Made extends Progress {
  readonly tasks: readonly Task[];
  /** Keys of what describes the sound that is heard, where that is unfinished. */
  readonly parts: readonly string[];
}

/** What is made from the beginning on, going by names alone. */
async function findMade(
  uploads: ObjectStore,
  { video, revision }: Encode,
  plan: Plan,
  done: ReadonlySet<TaskName>,
): Promise<Made> {
  const isDone = (task: Task) => done.has(taskName(task));
  const chunkTasks = plan.chunks.map((_, index): Task => ({ kind: 'chunk', video, revision, index }));
  const missing = chunkTasks.findIndex((task) => !isDone(task));
  const pictures = missing < 0 ? chunkTasks : chunkTasks.slice(0, missing);
  const sound: Task = { kind: 'audio', video, revision, index: EARLY_SOUND };
  if (plan.audio.length === 0 || isDone(sound)) {
    const tasks = [...pictures, ...plan.audio.slice(0, 1).map(() => sound)];
    return { chunks: pictures.length, heard: Number.POSITIVE_INFINITY, tasks, parts: [] };
  }
  const parts: string[] = [];
  for await (const { key } of uploads.list(jobKeys.parts(video, revision))) parts.push(key);
  return { chunks: pictures.length, heard: segmentsOfParts(parts.length), tasks: pictures, parts };
}

/** Segments that can be watched already. */
async function published(production: ObjectStore, encode: Encode, plan: Plan): Promise<number> {
  if (!(await production.exists(earlyKey(encode)))) return 0;
  const rendition = plan.rungs[0]?.name ?? audioRendition(0);
  const key = videoKeys.media(encode.video, encode.revision, `${rendition}/index.m3u8`);
  return eventSegments((await production.getText(key)) ?? '');
}

/**
 * Lets as much of a video play as there is from its beginning on, unless another revision of it plays.
 * @param done tasks whose results are there
 */
export async function extendEarly(
  { uploads, production }: Stores,
  encode: Encode,
  plan: Plan,
  done: ReadonlySet<TaskName>,
): Promise<void> {
  const made = await findMade(uploads, encode, plan, done);
  const segments = earlySegments(plan, made);
  if (!isWorthwhile(plan, await published(production, encode, plan), segments)) return;
  if ((await publishedRevision(production, encode.video)) !== undefined) return;

  const receipts = await receiptsOf(uploads, encode, made.tasks);
  if (!receipts) return; // the video was deleted meanwhile
  const readPart = (key: string) => uploads.getJson(key, mediaObjectSchema);
  const parts = await Array.fromAsync(inBatches(made.parts, PARTS_AT_ONCE, readPart));
  const objects = parts.filter((part) => part !== undefined);
  const early = earlyPlaylists(plan, renditionsOf(plan, [...receipts, { objects }]), segments);
  if (!early) return;
  const { media, multivariant } = early;
  const keyOf = (path: string) => videoKeys.media(encode.video, encode.revision, path);
  await Promise.all(media.map(({ path, text }) => lengthen(production, keyOf(path), text)));
  // It names what is there now. It stays as it is until publishing: it does not grow.
  const key = keyOf(multivariant.path);
  if ((await production.putOnce(key, multivariant.text, headersOf(key))) === 'written')
    await recordWatchable(uploads, encode);
}

const watchableSchema = z.object({
  /** ISO 8601. */
  at: z.string(),
});

/** Keeps when an encode could first be watched. Nobody but its trace asks: where it is lost, that is no harm. */
async function recordWatchable(uploads: ObjectStore, { video, revision }: Encode): Promise<void> {
  await uploads.putOnceJson(jobKeys.watchable(video, revision), { at: new Date().toISOString() });
}

/** When an encode could first be watched, ISO 8601; undefined where that was not before its end. */
export async function readWatchable(
  uploads: ObjectStore,
  { video, revision }: Encode,
): Promise<string | undefined> {
  return (await uploads.getJson(jobKeys.watchable(video, revision), watchableSchema))?.at;
}

/** Replaces a media playlist by a longer one. One that has ended, or has as much, stays. */
async function lengthen(production: ObjectStore, key: string, text: string): Promise<void> {
  await production.update(key, headersOf(key), (present) =>
    present === undefined || eventSegments(present) < eventSegments(text) ? text : undefined,
  );
}
