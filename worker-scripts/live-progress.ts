/**
 * What a worker tells of the encodes that it works on: what S3 says is done, and how far its own tasks are. Of several
 * workers each knows its own parts only, so none tells more than is true, and followers keep the most that they heard.
 */
import { type Announcer, liveOf } from '../jobs/announcer.ts';
import { earlyPath } from '../jobs/early.ts';
import { isPrivate } from '../jobs/edits.ts';
import type { Encode, Task } from '../jobs/messages.ts';
import type { TaskName } from '../jobs/names.ts';
import { canPlay, doneTasks, encodedFrames, mediaTasks, missingTasks, taskName } from '../jobs/progress.ts';
import type { Stores } from '../jobs/publish.ts';
import { encodingStatus } from '../jobs/status.ts';
import { makespan, Pace, tailSeconds } from '../jobs/time-left.ts';
import { countWorkers } from '../jobs/workers.ts';
import { durationOf, type Plan } from '../video/plan.ts';
import { audioWork } from '../video/work.ts';

/** Milliseconds between two messages about a video, of all its workers together ... */
const TELL_MS = 1000;
/** ... but each worker tells at least so often. */
const LONGEST_TELL_MS = 10_000;
/** Milliseconds for which the number of machines is taken as known. */
const COUNT_MS = 30_000;
/** Encodes without a task in hand that are kept: the next one is most likely this worker's, and how fast they go is known. */
const MOST_IDLE = 20;

/** A task in hand. */
export interface Part {
  /** @param fraction 0 to 1, never more than is done */
  reached(fraction: number): void;
  /** The task ended. @param isDone whether its receipt is there */
  ended(isDone: boolean): void;
}

interface InHand {
  /** Of the whole task, in the plan's seconds. */
  readonly work: number;
  /** Milliseconds since 1970. */
  readonly begun: number;
  /** It does not tell how far it is. */
  readonly isSilent: boolean;
  /** 0 to 1. */
  fraction: number;
  /** When that was reached; undefined while nothing came out. */
  reachedAt?: number;
}

/** An encode that this worker has, or had, tasks of. */
interface Followed {
  readonly encode: Encode;
  readonly plan: Plan;
  readonly done: Set<TaskName>;
  readonly inHand: Map<TaskName, InHand>;
  readonly pace: Pace;
  /** S3 was asked what others did: before, far too little would be told, and far too long a time left. */
  isKnown: boolean;
  /** When S3 was asked, in milliseconds since 1970. */
  askedAt: number;
  lastTold: number;
  /** Path at which it can be watched before its end, once there is one. */
  early?: string | undefined;
  timer?: NodeJS.Timeout | undefined;
}

export class LiveProgress {
  readonly #announcer: Announcer;
  readonly #stores: Stores;
  readonly #slots: number;
  readonly #followed = new Map<string, Followed>();
  #machines = 1;
  #countedAt = 0;

  /** @param slots tasks that this worker, and each of its kind, does at once */
  constructor(announcer: Announcer, stores: Stores, slots: number) {
    this.#announcer = announcer;
    this.#stores = stores;
    this.#slots = slots;
  }

  /** Tells that an encode has a plan, and of all that it says. */
  planned(encode: Encode, plan: Plan): void {
    if (!this.#followed.has(keyOf(encode))) this.#tell(newly(encode, plan));
  }

  /** Follows a task until its part ends. A file for downloading is none: the video plays already. */
  begin(task: Task, plan: Plan): Part | undefined {
    if (task.kind === 'download') return undefined;
    const followed = this.#follow(task, plan);
    const name = taskName(task);
    const part: InHand = {
      work: workOf(task, plan),
      begun: Date.now(),
      isSilent: task.kind !== 'chunk',
      fraction: 0,
    };
    followed.inHand.set(name, part);
    this.#count();
    this.#due(followed);
    return {
      reached: (fraction) => {
        measure(followed.pace, part, Math.min(1, fraction));
        this.#due(followed);
      },
      ended: (isDone) => {
        followed.inHand.delete(name);
        if (isDone) {
          followed.done.add(name);
          if (part.work > 0 && part.reachedAt !== undefined)
            followed.pace.ended((Date.now() - part.reachedAt) / 1000);
        } else if (followed.inHand.size === 0) this.forget(task);
      },
    };
  }

  /** Takes over which tasks S3 says are done, and tells it, and where the video can be watched by now. */
  saw(encode: Encode, done: ReadonlySet<TaskName>): void {
    const followed = this.#followed.get(keyOf(encode));
    if (!followed) return;
    for (const name of done) followed.done.add(name);
    followed.askedAt = Date.now();
    this.#findEarly(followed)
      .catch(() => {}) // the next message has it
      .then(() => this.#tell(followed));
  }

  async #findEarly(followed: Followed): Promise<void> {
    if (await isPrivate(this.#stores.uploads, followed.encode.video)) followed.early = undefined;
    else followed.early ??= await earlyPath(this.#stores.production, followed.encode);
  }

  /** Tells no more of an encode: it has ended, or its next tasks are others'. */
  forget(encode: Encode): void {
    clearTimeout(this.#followed.get(keyOf(encode))?.timer);
    this.#followed.delete(keyOf(encode));
  }

  #follow(encode: Encode, plan: Plan): Followed {
    const known = this.#followed.get(keyOf(encode));
    if (known && known.inHand.size > 0) return known;
    const followed = known ?? newly(encode, plan);
    this.#followed.delete(keyOf(encode));
    this.#followed.set(keyOf(encode), followed); // last, so that the first idle one was needed longest ago
    const idle = [...this.#followed.values()].filter(({ inHand }) => inHand.size === 0);
    for (const { encode: other } of idle.slice(0, -MOST_IDLE)) this.forget(other);
    followed.isKnown = false;
    doneTasks(this.#stores.uploads, followed.encode)
      .then((done) => {
        for (const name of done) followed.done.add(name);
      })
      .catch(() => {}) // the next task that ends will tell
      .then(() => {
        followed.isKnown = true;
        followed.askedAt = Date.now();
        this.#due(followed);
      });
    return followed;
  }

  #count(): void {
    if (Date.now() - this.#countedAt < COUNT_MS) return;
    this.#countedAt = Date.now();
    countWorkers(this.#stores.uploads).then(
      (count) => {
        this.#machines = Math.max(1, count);
      },
      () => {}, // the number before is as good as none
    );
  }

  /** Tells it now, or as soon as enough time has gone by since the last message. */
  #due(followed: Followed): void {
    const isFollowed = this.#followed.get(keyOf(followed.encode)) === followed;
    if (followed.timer || !followed.isKnown || !isFollowed) return;
    const interval = Math.min(TELL_MS * this.#machines, LONGEST_TELL_MS);
    const wait = followed.lastTold + interval - Date.now();
    followed.timer = setTimeout(() => this.#tell(followed), Math.max(0, wait)).unref();
  }

  #tell(followed: Followed): void {
    clearTimeout(followed.timer);
    followed.timer = undefined;
    const { encode, plan, done, inHand } = followed;
    // Somebody publishes it now, and says when it is ready: what is told here could come after that, and be kept.
    if (canPlay(missingTasks(encode, plan, done))) return;
    followed.lastTold = Date.now();
    const made = (task: Task): number => {
      const name = taskName(task);
      return done.has(name) ? 1 : (inHand.get(name)?.fraction ?? 0);
    };
    const frames = encodedFrames(encode, plan, made);
    this.#announcer.announce({
      ...liveOf(encode, encodingStatus(plan, frames)),
      percent: Math.floor((990 * frames) / plan.frames) / 10,
      ...(followed.early !== undefined && { playbackUrl: followed.early, early: true as const }),
      machines: this.#machines,
      ...this.#pace(followed),
    });
  }

  /** How fast it goes, and how long it still takes. */
  #pace(followed: Followed) {
    const { plan, inHand, pace } = followed;
    const durationSeconds = durationOf(plan);
    const all = this.#lanes(inHand.size);
    const left = tasksLeft(followed, all * (1 - 1 / this.#machines)).map((task) => secondsOf(pace, task));
    const lanes = Math.min(all, left.length);
    return {
      speed: round((lanes * pace.workPerSecond * durationSeconds) / plan.workSeconds),
      secondsLeft: round(makespan(left, lanes) + tailSeconds(durationSeconds)),
    };
  }

  /** Tasks of an encode that are done at once by all machines, if each gives it as large a share as this one. */
  #lanes(own: number): number {
    const all = [...this.#followed.values()].reduce((sum, { inHand }) => sum + inHand.size, 0);
    const share = all === 0 ? 1 : own / all;
    return Math.max(1, Math.round(this.#machines * this.#slots * share));
  }
}

/** Takes over how far a task is. Tasks that are not measured by work tell nothing of the pace. */
function measure(pace: Pace, part: InHand, fraction: number): void {
  const { work, begun, reachedAt } = part;
  if (fraction <= part.fraction) return;
  const now = Date.now();
  const came = work * (fraction - part.fraction);
  if (work > 0 && reachedAt === undefined) pace.started(came, (now - begun) / 1000);
  else if (work > 0 && reachedAt !== undefined) pace.worked(came, (now - reachedAt) / 1000);
  part.fraction = fraction;
  part.reachedAt = now;
}

/** An encode of which nothing is known yet. @param encode it, or one of its tasks */
const newly = ({ video, revision }: Encode, plan: Plan): Followed => ({
  encode: { video, revision },
  plan,
  done: new Set(),
  inHand: new Map(),
  pace: new Pace(),
  isKnown: false,
  askedAt: Date.now(),
  lastTold: 0,
});

/** A task that is not done, and the work that is left of it. */
interface Left {
  readonly work: number;
  readonly part: InHand | undefined;
}

/**
 * Tasks of an encode that are not done, those in hand first. Of what others do S3 knows no parts: when it was asked they
 * had just begun, or were in the middle of the next tasks, and since then they went on as fast as this worker.
 * @param otherLanes tasks that other machines do at once
 */
function tasksLeft({ encode, plan, done, inHand, pace, askedAt }: Followed, otherLanes: number): Left[] {
  const left = mediaTasks(encode, plan)
    .map((task) => ({ work: workOf(task, plan), part: inHand.get(taskName(task)), name: taskName(task) }))
    .filter(({ name, work }) => !done.has(name) && work > 0);
  const own = left.flatMap(({ work, part }) => (part ? [{ work: work * (1 - part.fraction), part }] : []));
  const begunByOthers = done.size === 0 ? 0 : 0.5;
  let doneByOthers = (otherLanes * pace.workPerSecond * (Date.now() - askedAt)) / 1000;
  const others = left
    .filter(({ part }) => !part)
    .map(({ work: whole, part }, index) => {
      const before = index < Math.round(otherLanes) ? whole * (1 - begunByOthers) : whole;
      const work = Math.max(0, before - doneByOthers);
      doneByOthers -= before - work;
      return { work, part };
    });
  return [...own, ...others];
}

/** Seconds that a lane still needs for a task, which may be in hand. */
function secondsOf(pace: Pace, { work, part }: Left): number {
  if (!part) return pace.secondsOf(work, 0);
  const begun = (Date.now() - part.begun) / 1000;
  if (part.isSilent) return Math.max(0, pace.secondsOf(work, 0) - begun);
  return pace.secondsOf(work, part.reachedAt === undefined ? begun : undefined);
}

const keyOf = ({ video, revision }: Encode): string => `${video}/${revision}`;
const round = (value: number): number => Math.round(value * 10) / 10;

/** Work of a task. Beside that of sound the plan's falls to its chunks, by their frames. */
function workOf(task: Task, plan: Plan): number {
  const { chunks, frames, audio, loudness, workSeconds } = plan;
  const works = audio.map(({ channels }) => audioWork(durationOf(plan), channels, loudness));
  if (task.kind === 'audio') return works[task.index] ?? 0;
  const chunk = task.kind === 'chunk' ? chunks[task.index] : undefined;
  const ofChunks = workSeconds - works.reduce((sum, work) => sum + work, 0);
  return chunk ? (ofChunks * (chunk.to - chunk.from)) / frames : 0;
}
