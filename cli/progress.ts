/** Progress as people read it: one line a video, rewritten in place on a terminal, appended elsewhere. */
import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import type { VideoStatus } from '../jobs/status.ts';

/** `1:05`, `2:03:09`. */
function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = String(rest).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${padded}` : `${minutes}:${padded}`;
}

/**
 * One video's line.
 * @param seconds since encoding was first seen
 */
export function progressText(
  status: VideoStatus,
  seconds: number,
  urls: { watchUrl: string; playbackUrl: string },
): string {
  const { title, state, percent, encodedSeconds = 0, failure } = status;
  switch (state) {
    case 'uploading':
      return `${title}: uploading`;
    case 'queued':
      return `${title}: waiting for a worker`;
    case 'encoding': {
      if (percent === 0) return `${title}:   0 %  encoding`;
      const speed = (encodedSeconds / seconds).toFixed(1);
      const left = clock((seconds * (100 - percent)) / percent);
      return `${title}: ${String(percent).padStart(3)} %  ${speed}x real time  ${left} left`;
    }
    case 'ready':
      return `${title}: ready\n    watch  ${urls.watchUrl}\n    HLS    ${urls.playbackUrl}`;
    case 'failed':
      return `${title}: failed (${failure?.code}). ${failure?.message}`;
  }
}

export class ProgressLines {
  readonly #lines = new Map<string, { readonly text: string; readonly stage: string }>();
  readonly #out: WriteStream;
  #drawn = 0;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  /**
   * Shows a line; the same text twice is shown once.
   * @param stage what must change before a log, which keeps every line, gets another one
   */
  set(name: string, text: string, stage = text): void {
    const before = this.#lines.get(name);
    this.#lines.set(name, { text, stage });
    if (before?.text === text) return;
    if (this.#out.isTTY) this.#redraw();
    else if (before?.stage !== stage) this.#out.write(`${text}\n`);
  }

  /** Goes on with a line under another name. */
  rename(from: string, to: string): void {
    const line = this.#lines.get(from);
    this.#lines.delete(from);
    if (line) this.#lines.set(to, line);
  }

  #redraw(): void {
    moveCursor(this.#out, 0, -this.#drawn);
    clearScreenDown(this.#out);
    const text = [...this.#lines.values()].map((line) => line.text).join('\n');
    this.#out.write(`${text}\n`);
    const columns = Math.max(1, this.#out.columns);
    this.#drawn = text
      .split('\n')
      .reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0);
  }
}
