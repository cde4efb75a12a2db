/**
 * The tasks queue. It is fair as SQS is with a message group a video: videos take turns, so that a long one does not
 * keep a short one waiting. SQS's own rule is not published in detail; taking turns is what it comes to.
 */
import { Fifo } from './fifo.ts';
import type { Planned } from './sources.ts';

/** A task by number: 0 and up is the plan's, the others are these. */
export const PLAN = -1;
export const PUBLISH = -2;

export interface Video {
  readonly planned: Planned;
  /** Seconds since the beginning. */
  readonly uploadedAt: number;
  /** Numbers of the tasks that wait; the last is next. */
  readonly waiting: number[];
  /** Media tasks that are not done. */
  left: number;
  /** Seconds that its media tasks took. */
  spent: number;
  ended: boolean;
}

export const workOf = ({ planned }: Video, task: number): number => planned.tasks[task]?.work ?? 0;

export class TaskQueue {
  /** Videos with waiting tasks in the order of their turns. */
  readonly #turns = new Fifo<Video>();
  #count = 0;

  /** Messages that wait. */
  get count(): number {
    return this.#count;
  }

  send(video: Video, task: number): void {
    if (video.waiting.push(task) === 1) this.#turns.push(video);
    this.#count++;
  }

  /** The next task, whose video then waits for its turn; undefined where none waits. */
  take(): { video: Video; task: number } | undefined {
    const video = this.#turns.shift();
    const task = video?.waiting.pop();
    if (!video || task === undefined) return undefined;
    if (video.waiting.length > 0) this.#turns.push(video);
    this.#count--;
    return { video, task };
  }
}
