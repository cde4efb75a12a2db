/** When the sound of a file begins and ends, by its packets. */
import { SourceError } from './failures.ts';
import { ENCRYPTED } from './packets.ts';

/** Seconds on the source's clock. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * What a line of ffprobe says of a packet, if it is heard: those that an edit list discards (flag D) never are.
 * @param line such as `0.046440,0.046440,0.023220,K_`
 */
function heard(line: string): Span | undefined {
  const [pts, dts, duration, flags = ''] = line.split(',');
  const from = Number.isNaN(Number(pts)) ? Number(dts) : Number(pts);
  if (flags.includes('D') || pts === undefined || pts === '' || Number.isNaN(from)) return undefined;
  return { from, to: from + (Number(duration) || 0) };
}

/**
 * Reads, line by line, what ffprobe prints for `soundPacketArguments`: all tracks at once. Keeps no packets: raw sound
 * has a thousand a second.
 */
export class SpanReader {
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;

  /** Throws `SourceError('encrypted')`. */
  read(line: string): void {
    if (line.split(',').includes(ENCRYPTED)) throw new SourceError('encrypted');
    const packet = heard(line);
    if (!packet) return;
    this.#from = Math.min(this.#from, packet.from);
    this.#to = Math.max(this.#to, packet.to);
  }

  /** Throws `SourceError('undecodable-sound')` where there is nothing. */
  span(): Span {
    if (this.#to <= this.#from) throw new SourceError('undecodable-sound', 'its tracks are empty');
    return { from: this.#from, to: this.#to };
  }
}

/** Seconds of silence behind which a packet's time is rather wrong than meant. */
const LONGEST_PAUSE = 10;

/** Reads the same lines where there is a picture, too: how far the sound goes on from its end. */
export class SoundEndReader {
  #end: number;

  /** @param pictureEnd seconds on the source's clock */
  constructor(pictureEnd: number) {
    this.#end = pictureEnd;
  }

  read(line: string): void {
    const packet = heard(line);
    if (packet && packet.from <= this.#end + LONGEST_PAUSE) this.#end = Math.max(this.#end, packet.to);
  }

  /** Seconds on the source's clock; the picture's end where no sound goes on. */
  get end(): number {
    return this.#end;
  }
}
