/** How much of an audio track could be decoded: counted while it is, told in one sentence. */
import type { Finding } from './findings.ts';
import type { Sound } from './sound.ts';
import type { Span } from './sound-span.ts';

/** The filter that names the time of what was decoded, in samples of the track's own rate. */
export const HEAR_FILTER = 'ashowinfo@source';

const HEARD = /^\[ashowinfo@source .*\] \[info\] n:\d+ pts:(-?\d+) .* rate:(\d+) nb_samples:(\d+) /;
// Both begin with the line: ffmpeg prints the source's own titles, too, but never there.
/** ffmpeg says so of each packet that gave no sound. */
const FAILED = /^\[error\] Error while decoding stream #0:(\d+)/;
/** ffmpeg's account at its end. */
const ACCOUNT = /^\[verbose\] +Input stream #0:(\d+) \(audio\): (\d+) packets read .*; (\d+) frames decoded/;

/** Above this share of packets that fail, what is left is noise and silence: such a track is left out. */
const BROKEN_SHARE = 0.5;
/** Seconds that may be lost unsaid: recordings begin and end within what needs its neighbours. */
const UNSAID_SECONDS = 0.1;

/** Reads what ffmpeg says while it decodes a track. */
export class SoundWatch {
  readonly #stream: string;
  readonly #stretch: Span;
  #failed = 0;
  #packets = 0;
  #frames = 0;
  /** Seconds on the source's clock at which the last sound ended, and whether anything failed since. */
  #end: number;
  #fails = false;
  #silent = 0;

  /** @param stretch of the source's clock that the stream covers */
  constructor({ stream }: Pick<Sound, 'stream'>, stretch: Span) {
    this.#stream = `${stream}`;
    this.#stretch = stretch;
    this.#end = stretch.from;
  }

  /** @param line of ffmpeg's standard error */
  read(line: string): void {
    const [, pts, rate, samples] = HEARD.exec(line) ?? [];
    if (pts !== undefined) this.#hear(Number(pts) / Number(rate), Number(samples) / Number(rate));
    if (FAILED.exec(line)?.[1] === this.#stream) {
      this.#failed++;
      this.#fails = true;
    }
    const [, stream, packets, frames] = ACCOUNT.exec(line) ?? [];
    if (stream === this.#stream) [this.#packets, this.#frames] = [Number(packets), Number(frames)];
  }

  #hear(from: number, lasts: number): void {
    if (this.#fails) this.#silent += this.#untilSound(from);
    this.#end = from + lasts;
    this.#fails = false;
  }

  /** Seconds of the stretch from the end of the last sound. */
  #untilSound(from: number): number {
    return Math.max(0, Math.min(from, this.#stretch.to) - this.#end);
  }

  /** Seconds of silence where something could not be decoded: packets may be lost whole, or taken for one. */
  get silentSeconds(): number {
    return this.#silent + (this.#fails ? this.#untilSound(this.#stretch.to) : 0);
  }

  /** The share of the track that could not be decoded, 0 to 1; 1 where nothing could. */
  get lostShare(): number {
    if (this.#frames === 0) return 1;
    return Math.min(1, this.#failed / Math.max(1, this.#packets));
  }

  /** Whether the stream is better without the track. */
  get isBroken(): boolean {
    return this.lostShare > BROKEN_SHARE;
  }
}

/** What an owner is told of a track that was left out. @param why what ffmpeg said at last, or how much was lost */
export const brokenSound = ({ name, stream }: Sound, why: string): Finding => ({
  code: 'broken-audio',
  text: `Audio track ${stream} ("${name}") could not be decoded (${why}) and was left out. Export the file again with that sound, and upload it.`,
});

/**
 * What an owner is told of a track that has holes; nothing where it has none to speak of.
 * @param silent seconds that could not be decoded, of the stream's `seconds`
 */
export function damagedSound({ name, stream }: Sound, silent: number, seconds: number): Finding[] {
  if (silent < UNSAID_SECONDS) return [];
  const text = `Audio track ${stream} ("${name}") is damaged, or changes its kind in the middle: about ${silent.toFixed(1)} s of its ${seconds.toFixed(1)} s could not be decoded and are silent. If you have a better copy, upload that.`;
  return [{ code: 'damaged-audio', text }];
}
