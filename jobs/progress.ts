/** Which tasks a plan means, which are done, and what comes next: derived from objects alone (DESIGN, idea 2). */
import type { Plan } from '../video/plan.ts';
import { planSchema } from '../video/plan.ts';
import { type Receipt, receiptSchema } from '../video/receipt.ts';
import { inBatches } from './batches.ts';
import type { Encode, Task } from './messages.ts';
import { jobKeys, type TaskName } from './names.ts';
import type { ObjectStore } from './store.ts';

/** Receipts read at once: a long video has more than a thousand, and publishing should take under a second. */
const RECEIPTS_AT_ONCE = 50;

/** The name under which a task's receipt is kept. */
export function taskName(task: Task): TaskName {
  const name = 'index' in task ? `${task.kind}-${String(task.index).padStart(5, '0')}` : task.kind;
  return name as TaskName; // the one place that makes such names
}

/** The tasks that make a plan's media, in the order of their urgency. */
export function mediaTasks(
  { video, revision }: Encode,
  plan: Pick<Plan, 'chunks' | 'audio' | 'text'>,
): Task[] {
  const [first, ...chunks] = plan.chunks.map((_, index): Task => ({ kind: 'chunk', video, revision, index }));
  return [
    // Somebody waits for the first picture, and for the first sound.
    ...(first ? [first] : []),
    ...plan.audio.map((_, index): Task => ({ kind: 'audio', video, revision, index })),
    ...(plan.text.length > 0 ? [{ kind: 'text', video, revision } as const] : []),
    ...chunks,
  ];
}

/** The task that makes a plan's pictures of its media, once those are there; none where no pictures are wanted. */
function picturesTasks(
  { video, revision }: Encode,
  plan: Pick<Plan, 'picture' | 'cover' | 'thumbnailWidths'>,
): Task[] {
  return (plan.picture ?? plan.cover) && plan.thumbnailWidths.length > 0
    ? [{ kind: 'stills', video, revision }]
    : [];
}

/** The task that makes a file to keep of a plan's media; none where none is wanted. Playing does not wait for it. */
const downloadTasks = ({ video, revision }: Encode, { download }: Pick<Plan, 'download'>): Task[] =>
  download === undefined ? [] : [{ kind: 'download', video, revision }];

/** The tasks that leave a receipt and must be done before a video plays. */
const playingTasks = (encode: Encode, plan: Plan): Task[] => [
  ...mediaTasks(encode, plan),
  ...picturesTasks(encode, plan),
];

/** An encode's plan; undefined while there is none. */
export async function readPlan(uploads: ObjectStore, { video, revision }: Encode): Promise<Plan | undefined> {
  return uploads.getJson(jobKeys.plan(video, revision), planSchema);
}

/**
 * Frames of a plan's video that are made: those of its chunks; of sound alone its share of renditions.
 * @param made which part of a task is, 0 to 1
 */
export function encodedFrames(encode: Encode, plan: Plan, made: (task: Task) => number): number {
  const frames = mediaTasks(encode, plan).map((task) => {
    if (!plan.picture) return task.kind === 'audio' ? (plan.frames * made(task)) / plan.audio.length : 0;
    const chunk = task.kind === 'chunk' ? plan.chunks[task.index] : undefined;
    return chunk ? (chunk.to - chunk.from) * made(task) : 0;
  });
  return Math.floor(frames.reduce((sum, count) => sum + count, 0));
}

/** The names of the tasks of an encode that are done. */
export async function doneTasks(uploads: ObjectStore, { video, revision }: Encode): Promise<Set<TaskName>> {
  const prefix = jobKeys.receipts(video, revision);
  const done = new Set<TaskName>();
  for await (const { key } of uploads.list(prefix)) {
    done.add(key.slice(prefix.length, -'.json'.length) as TaskName); // receipts' keys are made of task names
  }
  return done;
}

/** The tasks of a plan that have no receipt yet. */
export function missingTasks(encode: Encode, plan: Plan, done: ReadonlySet<TaskName>): Task[] {
  const tasks = [...playingTasks(encode, plan), ...downloadTasks(encode, plan)];
  return tasks.filter((task) => !done.has(taskName(task)));
}

/** What is made of media: it has to wait for them. */
const isOfMedia = ({ kind }: Task): boolean => kind === 'stills' || kind === 'download';

/** Whether all that a video needs to play is made, going by what it misses. */
export const canPlay = (missing: readonly Task[]): boolean =>
  missing.every(({ kind }) => kind === 'download');

/** Whether all is made that an encode needs to play. */
export async function isComplete(uploads: ObjectStore, encode: Encode): Promise<boolean> {
  const plan = await readPlan(uploads, encode);
  return plan !== undefined && canPlay(missingTasks(encode, plan, await doneTasks(uploads, encode)));
}

/**
 * What can be done of the tasks that an encode misses: its media, then what is made of them; publishing as soon as the
 * video can play.
 */
export function possibleTasks({ video, revision }: Encode, missing: readonly Task[]): readonly Task[] {
  const media = missing.filter((task) => !isOfMedia(task));
  if (media.length > 0) return media;
  return canPlay(missing) ? [{ kind: 'publish', video, revision }, ...missing] : missing;
}

/** What of the possible tasks is due when one is done. Whatever the others wait for, somebody queued them already. */
export function tasksAfter(done: Task, possible: readonly Task[]): readonly Task[] {
  return possible.filter(
    ({ kind }) => kind === 'publish' || (!isOfMedia(done) && (kind === 'stills' || kind === 'download')),
  );
}

/** What an encode needs next: its plan, else what can be done of it. */
export async function nextTasks(uploads: ObjectStore, encode: Encode): Promise<readonly Task[]> {
  const plan = await readPlan(uploads, encode);
  if (!plan) return [{ kind: 'plan', video: encode.video, revision: encode.revision }];
  return possibleTasks(encode, missingTasks(encode, plan, await doneTasks(uploads, encode)));
}

/** Leaves a task's receipt, unless there is one. */
export async function writeReceipt(
  uploads: ObjectStore,
  { video, revision }: Encode,
  receipt: Receipt,
): Promise<void> {
  const key = jobKeys.receipt(video, revision, receipt.task as TaskName); // receipts are made for tasks
  await uploads.putOnceJson(key, receipt);
}

/** The receipts of all tasks that a video needs to play; undefined where one is missing. */
export const readReceipts = (uploads: ObjectStore, encode: Encode, plan: Plan) =>
  receiptsOf(uploads, encode, playingTasks(encode, plan));

/** The receipt of the file to keep, if one is wanted; undefined while it is missing. */
export const readDownloadReceipts = (uploads: ObjectStore, encode: Encode, plan: Plan) =>
  receiptsOf(uploads, encode, downloadTasks(encode, plan));

/** The receipts of the tasks that make a plan's media; undefined where one is missing. */
export const readMediaReceipts = (uploads: ObjectStore, encode: Encode, plan: Plan) =>
  receiptsOf(uploads, encode, mediaTasks(encode, plan));

/** The receipts of these tasks, in their order; undefined where one is missing. */
export async function receiptsOf(
  uploads: ObjectStore,
  { video, revision }: Encode,
  tasks: readonly Task[],
): Promise<Receipt[] | undefined> {
  const receipts: Receipt[] = [];
  const reading = inBatches(tasks, RECEIPTS_AT_ONCE, (task) =>
    uploads.getJson(jobKeys.receipt(video, revision, taskName(task)), receiptSchema),
  );
  for await (const receipt of reading) {
    if (!receipt) return undefined;
    receipts.push(receipt);
  }
  return receipts;
}
