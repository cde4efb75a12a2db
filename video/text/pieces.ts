/** Long sound in pieces that a recogniser can be given, cut where it is quiet: bounded memory, whatever the length. */
import { SPEECH_RATE } from './speech.ts';

const SAMPLE_BYTES = 2;

/** Samples of the stretches that are compared: 20 ms, shorter than any pause between words. */
const STRETCH = SPEECH_RATE / 50;
/** Stretches around a cut that are quiet together: 100 ms. */
const AROUND = 5;

/** A piece of mono 16-bit PCM, and the milliseconds at which it begins. */
export interface Piece {
  readonly start: number;
  readonly pcm: Buffer;
}

/** How loud a stretch is: its samples' absolute values added up. */
function loudness(pcm: Buffer, stretch: number): number {
  let sum = 0;
  for (let sample = 0; sample < STRETCH; sample++)
    sum += Math.abs(pcm.readInt16LE((stretch * STRETCH + sample) * SAMPLE_BYTES));
  return sum;
}

/** The bytes before the quietest moment of a piece's last third. */
function quietCut(pcm: Buffer): number {
  const stretches = Math.floor(pcm.length / SAMPLE_BYTES / STRETCH);
  const from = Math.floor((stretches * 2) / 3);
  const loud = Array.from({ length: stretches - from }, (_, index) => loudness(pcm, from + index));
  const sums = loud.slice(AROUND - 1).map((_, index) => {
    return loud.slice(index, index + AROUND).reduce((sum, one) => sum + one, 0);
  });
  const quietest = sums.indexOf(Math.min(...sums));
  return (from + quietest + Math.floor(AROUND / 2)) * STRETCH * SAMPLE_BYTES;
}

/** Collects PCM as it comes, and gives it out in pieces. */
export class PieceCutter {
  readonly #longest: number;
  #start = 0;
  #held: Buffer[] = [];
  #bytes = 0;

  /** @param seconds that no piece exceeds, at least 1 */
  constructor(seconds: number) {
    this.#longest = seconds * SPEECH_RATE * SAMPLE_BYTES;
  }

  /** Takes some bytes. @returns the pieces that are whole now */
  push(bytes: Buffer): Piece[] {
    this.#held.push(bytes);
    this.#bytes += bytes.length;
    const whole: Piece[] = [];
    while (this.#bytes >= this.#longest) {
      const all = Buffer.concat(this.#held);
      whole.push(this.#cut(all, quietCut(all.subarray(0, this.#longest))));
    }
    return whole;
  }

  /** What is left when all bytes have come. */
  end(): Piece[] {
    const all = Buffer.concat(this.#held);
    return all.length === 0 ? [] : [this.#cut(all, all.length)];
  }

  #cut(all: Buffer, bytes: number): Piece {
    const piece = {
      start: Math.round((this.#start * 1000) / (SPEECH_RATE * SAMPLE_BYTES)),
      pcm: all.subarray(0, bytes),
    };
    this.#start += bytes;
    this.#held = [all.subarray(bytes)];
    this.#bytes = all.length - bytes;
    return piece;
  }
}

/** A piece as a WAV file (RIFF, format 1). */
export function wavOf(pcm: Buffer): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + pcm.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // channels
  header.writeUInt32LE(SPEECH_RATE, 24);
  header.writeUInt32LE(SPEECH_RATE * SAMPLE_BYTES, 28);
  header.writeUInt16LE(SAMPLE_BYTES, 32);
  header.writeUInt16LE(8 * SAMPLE_BYTES, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([header, pcm]);
}
