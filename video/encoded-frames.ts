/** How many frames of each rung ffmpeg has encoded, as it says itself while it runs. */

/** Makes ffmpeg say it on standard output, twice a second: `name=value`, one a line. */
export const SAY_PROGRESS = ['-progress', 'pipe:1', '-stats_period', '0.5'];

/** Reads what ffmpeg says. The rungs of a chunk are encoded from the same frames, so that one stands for all. */
export class EncodedFrames {
  readonly #hear: (frames: number) => void;

  constructor(hear: (frames: number) => void) {
    this.#hear = hear;
  }

  /** @param line of ffmpeg's standard output */
  read(line: string): void {
    const frames = /^frame=\s*(\d+)$/.exec(line)?.[1];
    if (frames !== undefined) this.#hear(Number(frames));
  }
}
