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

/** Milliseconds between two messages about a video, of all its workers together ... */
const TELL_MS = 1000;
/** ... but each worker tells at least so often. */
const LONGEST_TELL_MS = 10_000;
/** Milliseconds for which the number of machines is taken as known. */
const COUNT_MS = 30_000;
/** Encodes of which a worker remembers how fast they go, while others have their tasks. */
const MOST_PACES = 100;

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
  /** Outlives what is followed: a worker of one slot has no task in hand whenever one ends. */
  readonly #paces = new Map<string, Pace>();
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
    if (!this.#followed.has(keyOf(encode))) this.#tell(this.#newly(encode, plan));
  }

  /** Follows a task until its part ends. A file for downloading is none: the video plays already. */
  begin(task: Task, plan: Plan): Part | undefined {
    if (task.kind === 'download') return undefined;
    const followed = this.#follow(task, plan);
    const name = taskName(task);
    const part: InHand = { work: workOf(task, plan), begun: Date.now(), fraction: 0 };
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
    if (followed.inHand.size === 0) this.forget(encode);
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
    if (known) return known;
    const followed = this.#newly(encode, plan);
    this.#followed.set(keyOf(encode), followed);
    doneTasks(this.#stores.uploads, followed.encode)
      .then((done) => {
        for (const name of done) followed.done.add(name);
      })
      .catch(() => {}) // the next task that ends will tell
      .then(() => {
        followed.isKnown = true;
        this.#due(followed);
      });
    return followed;
  }

  /** An encode of which no more is known than how fast it goes. @param encode it, or one of its tasks */
  #newly({ video, revision }: Encode, plan: Plan): Followed {
    const pace = this.#paceOf({ video, revision });
    return {
      encode: { video, revision },
      plan,
      done: new Set(),
      inHand: new Map(),
      pace,
      isKnown: false,
      lastTold: 0,
    };
  }

  #paceOf(encode: Encode): Pace {
    const pace = this.#paces.get(keyOf(encode)) ?? new Pace();
    this.#paces.delete(keyOf(encode));
    this.#paces.set(keyOf(encode), pace); // last, so that the first is the one that was needed longest ago
    for (const key of [...this.#paces.keys()].slice(0, -MOST_PACES)) this.#paces.delete(key);
    return pace;
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
  #pace({ encode, plan, done, inHand, pace }: Followed) {
    const durationSeconds = durationOf(plan);
    const left = mediaTasks(encode, plan)
      .filter((task) => !done.has(taskName(task)) && workOf(task, plan) > 0)
      .toSorted((a, b) => Number(inHand.has(taskName(b))) - Number(inHand.has(taskName(a))))
      .map((task) => secondsOf(pace, workOf(task, plan), inHand.get(taskName(task))));
    const lanes = Math.min(this.#lanes(inHand.size), left.length);
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

/** Seconds that a lane still needs for a task, which may be in hand. */
function secondsOf(pace: Pace, work: number, part: InHand | undefined): number {
  if (!part) return pace.secondsOf(work, 0);
  const begun = part.reachedAt === undefined ? (Date.now() - part.begun) / 1000 : undefined;
  return pace.secondsOf(work * (1 - part.fraction), begun);
}

const keyOf = ({ video, revision }: Encode): string => `${video}/${revision}`;
const round = (value: number): number => Math.round(value * 10) / 10;

/** The plan's work falls to its chunks by their frames; of sound alone to its renditions. */
function workOf(task: Task, { chunks, frames, audio, picture, workSeconds }: Plan): number {
  if (!picture) return task.kind === 'audio' ? workSeconds / audio.length : 0;
  const chunk = task.kind === 'chunk' ? chunks[task.index] : undefined;
  return chunk ? (workSeconds * (chunk.to - chunk.from)) / frames : 0;
}
