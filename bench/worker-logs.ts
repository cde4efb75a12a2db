/** What the workers' own logs tell of where the time of one video went. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Seconds. */
export interface Timeline {
  /** From the first worker's start to its first task. */
  readonly firstTask: number;
  /** From the start of `plan` to the first chunk or audio track. */
  readonly planning: number;
  /** From a chunk's arrival at a warm worker to its running ffmpeg; the longest. */
  readonly arrivalToFfmpeg: number;
  /** From the end of the last chunk or audio track to the published master playlist. */
  readonly publishing: number;
}

interface Line {
  readonly time: string;
  readonly event: string;
  /** When the worker got the task. */
  readonly receivedAt?: string;
  readonly task?: { readonly kind: string; readonly index?: number };
}

const EVENTS = /"event":"(worker-started|task-started|ffmpeg-running|task-done)"/;

/** What matters of the logs of a data folder. */
async function readLines(dataDir: string): Promise<Line[]> {
  const logs = join(dataDir, 'logs');
  const texts = await Promise.all((await readdir(logs)).map((name) => readFile(join(logs, name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => EVENTS.test(line))
    .map((line) => JSON.parse(line) as Line); // our own log
}

/** When the first things happened to a video, in seconds since 1970. */
export interface FirstTimes {
  readonly planStarted: number;
  readonly chunkStarted: number;
  readonly chunkDone: number;
}

/** Reads the logs of a data folder in which one video was begun. */
export async function readFirstTimes(dataDir: string): Promise<FirstTimes> {
  const lines = await readLines(dataDir);
  const timeOf = (event: string, kind: string, index?: number) => {
    const found = lines.find(
      ({ event: own, task }) => own === event && task?.kind === kind && task.index === index,
    );
    if (!found) throw new Error(`No worker's log in ${dataDir} has '${event}' of ${kind} ${index ?? ''}`);
    return Date.parse(found.time) / 1000;
  };
  return {
    planStarted: timeOf('task-started', 'plan'),
    chunkStarted: timeOf('task-started', 'chunk', 0),
    chunkDone: timeOf('task-done', 'chunk', 0),
  };
}

/** Reads the logs of a data folder in which one video was made without a disturbance. */
export async function readTimeline(dataDir: string): Promise<Timeline> {
  const lines = await readLines(dataDir);
  const of = (event: string, ...kinds: string[]) =>
    lines.filter((line) => line.event === event && kinds.includes(line.task?.kind ?? ''));
  const times = (found: readonly Line[]) => found.map(({ time }) => Date.parse(time) / 1000);
  const arrival = (running: Line) =>
    of('task-started', 'chunk').find(({ task }) => task?.index === running.task?.index)?.receivedAt ?? '';
  const planned = Math.min(...times(of('task-started', 'plan')));
  return {
    firstTask: planned - Math.min(...times(of('worker-started', ''))),
    planning: Math.min(...times(of('task-started', 'chunk', 'audio'))) - planned,
    arrivalToFfmpeg: Math.max(
      ...of('ffmpeg-running', 'chunk').map(
        (line) => (Date.parse(line.time) - Date.parse(arrival(line))) / 1000,
      ),
    ),
    publishing:
      Math.max(...times(of('task-done', 'publish'))) - Math.max(...times(of('task-done', 'chunk', 'audio'))),
  };
}
