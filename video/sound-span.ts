/** When the sound of a file begins and ends, by its packets. */
import { SourceError } from './failures.ts';
import { type ListedPacket, readPacket } from './packet-line.ts';

/** Seconds on the source's clock. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** When a packet is heard: those that an edit list discards never are. */
const heard = ({ time, duration, isDiscarded }: ListedPacket): Span | undefined =>
  isDiscarded || time === undefined ? undefined : { from: time, to: time + duration };

/**
 * Reads, line by line, what ffprobe prints for `soundPacketArguments`: all tracks at once. Keeps no packets: raw sound
 * has a thousand a second.
 */
export class SpanReader {
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;

  /** Throws `SourceError('encrypted')`. */
  read(line: string): void {
    const packet = readPacket(line);
    if (packet.isEncrypted) throw new SourceError('encrypted');
    const span = heard(packet);
    if (!span) return;
    this.#from = Math.min(this.#from, span.from);
    this.#to = Math.max(this.#to, span.to);
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
    const span = heard(readPacket(line));
    if (span && span.from <= this.#end + LONGEST_PAUSE) this.#end = Math.max(this.#end, span.to);
  }

  /** Seconds on the source's clock; the picture's end where no sound goes on. */
  get end(): number {
    return this.#end;
  }
}
