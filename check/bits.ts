/** Reads a parameter set bit by bit (ISO/IEC 14496-10, 7.2 and 9.1). */

/** A NAL unit without the bytes that keep start codes out of it (7.4.1.1). */
function withoutEmulationPrevention(nal: Buffer): Buffer {
  const kept: number[] = [];
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    kept.push(byte);
  }
  return Buffer.from(kept);
}

export class BitReader {
  readonly #data: Buffer;
  #at: number;

  /** @param skip bytes of the NAL unit's header */
  constructor(nal: Buffer, skip: number) {
    this.#data = withoutEmulationPrevention(nal);
    this.#at = skip * 8;
  }

  /** u(n). Throws beyond the end. */
  bits(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) {
      const byte = this.#data[this.#at >> 3];
      if (byte === undefined) throw new Error('a parameter set ends too early');
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
      this.#at++;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** ue(v) */
  unsigned(): number {
    let zeros = 0;
    while (!this.flag()) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v) */
  signed(): number {
    const code = this.unsigned();
    return code % 2 ? (code + 1) / 2 : -code / 2;
  }
}
