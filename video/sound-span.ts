/** Where the sound of a file without a picture begins and ends, by its packets. */
import { SourceError } from './failures.ts';
import { ENCRYPTED } from './packets.ts';

/** Seconds on the source's clock. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads, line by line, what ffprobe prints for `soundPacketArguments`: all tracks at once. Keeps no packets: raw sound
 * has a thousand a second. Those that an edit list discards (flag D) are never heard.
 */
export class SpanReader {
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;

  /** @param line such as `0.046440,0.046440,0.023220,K_`. Throws `SourceError('encrypted')`. */
  read(line: string): void {
    const [pts, dts, duration, flags = '', ...sideData] = line.split(',');
    if (sideData.includes(ENCRYPTED)) throw new SourceError('encrypted');
    if (flags.includes('D')) return;
    const heard = Number.isNaN(Number(pts)) ? Number(dts) : Number(pts);
    if (pts === undefined || pts === '' || Number.isNaN(heard)) return;
    this.#from = Math.min(this.#from, heard);
    this.#to = Math.max(this.#to, heard + (Number(duration) || 0));
  }

  /** Throws `SourceError('undecodable-sound')` where there is nothing. */
  span(): Span {
    if (this.#to <= this.#from) throw new SourceError('undecodable-sound', 'its tracks are empty');
    return { from: this.#from, to: this.#to };
  }
}
