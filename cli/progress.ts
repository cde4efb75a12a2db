/** Progress as people read it: one line a video, rewritten in place on a terminal, appended elsewhere. */
import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { Meter, type Pace } from './meter.ts';
import { byteCount, clock, plain } from './text.ts';

/** What is told of a video. */
export interface Shown {
  readonly title: string;
  readonly state: 'uploading' | 'queued' | 'encoding' | 'ready' | 'failed' | 'deleted';
  readonly percent: number;
  readonly durationSeconds?: number | undefined;
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
  /** What the platform foresees, which knows of its machines; without it, what was seen so far is drawn on. */
  readonly speed?: number | undefined;
  readonly secondsLeft?: number | undefined;
}

const leftText = (seconds: number | undefined): string =>
  seconds === undefined ? '' : `  ${clock(seconds)} left`;

const percentText = (percent: number): string => `${String(Math.floor(percent)).padStart(3)} %`;

/** One video's line while it is made, by what is seen of it. */
export class EncodeProgress {
  readonly #meter = new Meter();

  /** @param at seconds of any clock */
  textOf(video: Shown, at: number, urls: { watchUrl: string; playbackUrl: string }): string {
    const { title, state, percent, failure } = video;
    switch (state) {
      case 'uploading':
      case 'deleted':
        return `${title}: ${state}`;
      case 'queued':
        return `${title}: waiting for a worker${leftText(video.secondsLeft)}`;
      case 'encoding': {
        const seen = this.#paceOf(video, at);
        const { speed = seen.speed, secondsLeft = seen.secondsLeft } = video;
        const speedText = speed === undefined ? '  encoding' : `  ${speed.toFixed(1)}x real time`;
        return `${title}: ${percentText(percent)}${speedText}${leftText(secondsLeft)}`;
      }
      case 'ready':
        return `${title}: ready\n    watch  ${urls.watchUrl}\n    HLS    ${urls.playbackUrl}`;
      case 'failed':
        return `${title}: failed (${failure?.code}). ${failure?.message}`;
    }
  }

  /** What was seen so far tells. */
  #paceOf({ percent, durationSeconds = 0 }: Shown, at: number): { speed?: number; secondsLeft?: number } {
    const pace = this.#meter.read(at, percent, 100);
    return pace ? { speed: (pace.perSecond / 100) * durationSeconds, secondsLeft: pace.secondsLeft } : {};
  }
}

/** One file's line while it is uploaded. */
export function transferText(file: string, sentBytes: number, totalBytes: number, pace?: Pace): string {
  const sizes = `${byteCount(sentBytes)} of ${byteCount(totalBytes)}`;
  const text = `${file}: ${percentText((100 * sentBytes) / totalBytes)}  ${sizes}`;
  return pace ? `${text}  ${byteCount(pace.perSecond)}/s  ${clock(pace.secondsLeft)} left` : text;
}

/** Lines that are still changing, below those that are final. */
export class ProgressLines {
  readonly #lines = new Map<string, { readonly text: string; readonly stage: string }>();
  readonly #out: WriteStream;
  /** Rows of the terminal that are drawn anew. */
  #drawn = 0;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  /**
   * Shows a line; the same text twice is shown once.
   * @param stage what must change before a log, which keeps every line, gets another one
   */
  set(name: string, shown: string, stage = shown): void {
    const text = plain(shown);
    const before = this.#lines.get(name);
    this.#lines.set(name, { text, stage });
    if (before?.text === text) return;
    if (this.#out.isTTY) this.#redraw();
    else if (before?.stage !== stage) this.#out.write(`${text}\n`);
  }

  /** Shows what a line says in the end; it does not change any more. */
  finish(name: string, shown: string): void {
    const text = plain(shown);
    const before = this.#lines.get(name);
    this.#lines.delete(name);
    if (this.#out.isTTY) this.#redraw(`${text}\n`);
    else if (before?.text !== text) this.#out.write(`${text}\n`);
  }

  /** Goes on with a line under another name. */
  rename(from: string, to: string): void {
    const line = this.#lines.get(from);
    this.#lines.delete(from);
    if (line) this.#lines.set(to, line);
  }

  /** @param final what comes above the changing lines, for good */
  #redraw(final = ''): void {
    moveCursor(this.#out, 0, -this.#drawn);
    clearScreenDown(this.#out);
    const text = this.#fitting().map((line) => `${line}\n`);
    this.#out.write(final + text.join(''));
    this.#drawn = text.reduce((rows, line) => rows + this.#rowsOf(line.trimEnd()), 0);
  }

  /** As many lines as the terminal has room for: the cursor can not go back above its first row. */
  #fitting(): string[] {
    const lines = [...this.#lines.values()].map(({ text }) => text);
    let room = this.#out.rows - 2; // the row of the cursor, and that of what is left out
    const fitting = lines.findIndex((line) => {
      room -= this.#rowsOf(line);
      return room < 0;
    });
    return fitting === -1 ? lines : [...lines.slice(0, fitting), `… and ${lines.length - fitting} more`];
  }

  #rowsOf(text: string): number {
    const columns = Math.max(1, this.#out.columns);
    const rows = text.split('\n').map((line) => Math.max(1, Math.ceil(line.length / columns)));
    return rows.reduce((sum, count) => sum + count, 0);
  }
}
