/** What ffprobe lists of a track's packets, read into the times of its pictures. */
import { SourceError } from './failures.ts';
import { readPacket } from './packet-line.ts';

/** The packets of a track, in ticks of its time base. */
export interface Packets {
  /** When each is shown, ascending. */
  readonly pts: readonly number[];
  /** The longest way from one key frame to the next, in ticks. */
  readonly longestKeyGap: number;
  /** How long the last one is shown by its own word. */
  readonly lastDuration?: number;
  /** How often the decode time jumps; see `JUMP`. */
  readonly jumps?: number;
}

/** Seconds that ffprobe may take for the headers. */
export const PROBE_TIMEOUT = 120;
/**
 * Seconds that reading every packet of so many bytes may take: ffprobe reads them all, and one GET of S3 gives about
 * 85 MB/s (docs/scale.md). Beyond a third of that something is stuck.
 */
export const packetsTimeout = (bytes: number): number => PROBE_TIMEOUT + bytes / 25e6;

/** Seconds by which a decode time goes back, or forward, that ffmpeg's joining takes for a clock that was set anew. */
const JUMP = { back: 1, forward: 10 };

/**
 * Seconds within which two packets are one picture: a hidden frame of VP8 or VP9, which is a packet of its own, has
 * the time of a shown one, or a millisecond more or less.
 */
const HIDDEN_SECONDS = 0.0015;

/** The pictures that a track's packets should give. @param pts ascending */
export function countPictures(pts: readonly number[], secondsPerTick: number): number {
  const first = (time: number, index: number) =>
    (time - (pts[index - 1] ?? -Infinity)) * secondsPerTick > HIDDEN_SECONDS;
  return pts.filter(first).length;
}

/**
 * Reads, line by line, what ffprobe prints for `packetArguments`. Packets that an edit list discards are
 * never shown, so they do not count.
 */
export class PacketReader {
  readonly #pts: number[] = [];
  readonly #keys: number[] = [];
  #last = { pts: Number.NEGATIVE_INFINITY, duration: 0 };
  #lastDts = Number.NaN;
  #jumps = 0;
  readonly #maxFrames: number;
  readonly #secondsPerTick: number;

  /** @param maxFrames more are a `SourceError('too-many-frames')` */
  constructor(maxFrames: number, secondsPerTick: number) {
    this.#maxFrames = maxFrames;
    this.#secondsPerTick = secondsPerTick;
  }

  /** Throws `SourceError('encrypted')`. */
  read(line: string): void {
    const { time, dts, duration, isKey, isDiscarded, isEncrypted } = readPacket(line);
    if (isEncrypted) throw new SourceError('encrypted');
    if (isDiscarded) return;
    this.#follow(dts);
    if (time === undefined) return;
    if (this.#pts.length === this.#maxFrames)
      throw new SourceError('too-many-frames', `the limit is ${this.#maxFrames}`);
    this.#pts.push(time);
    if (time >= this.#last.pts) this.#last = { pts: time, duration };
    if (isKey) this.#keys.push(time);
  }

  #follow(dts: number): void {
    if (Number.isNaN(dts)) return;
    const step = (dts - this.#lastDts) * this.#secondsPerTick;
    if (step < -JUMP.back || step > JUMP.forward) this.#jumps++;
    this.#lastDts = dts;
  }

  /** Everything read so far. */
  packets(): Packets {
    const pts = sorted(this.#pts);
    const keys = sorted(this.#keys);
    const end = pts.at(-1) ?? 0;
    let longestKeyGap = 0;
    for (let i = 1; i <= keys.length; i++) {
      longestKeyGap = Math.max(longestKeyGap, (keys[i] ?? end) - (keys[i - 1] ?? 0));
    }
    return { pts, longestKeyGap, lastDuration: this.#last.duration, jumps: this.#jumps };
  }
}

/** 12 hours are millions of numbers: a typed array sorts them in place, by value, ten times as fast. */
const sorted = (numbers: readonly number[]): number[] => Array.from(Float64Array.from(numbers).sort());
