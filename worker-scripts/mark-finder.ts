/** Finds a mark in a stream of bytes, wherever that is cut into pieces. */
export class MarkFinder {
  readonly #mark: Buffer;
  /** The last bytes, where the mark may have begun. */
  #end: Buffer = Buffer.alloc(0);
  #found = false;

  constructor(mark: Buffer) {
    this.#mark = mark;
  }

  get found(): boolean {
    return this.#found;
  }

  /** @returns whether it was found so far */
  read(piece: Buffer): boolean {
    if (this.#found) return true;
    const most = this.#mark.length - 1;
    const seam = Buffer.concat([this.#end, piece.subarray(0, most)]);
    this.#found = seam.includes(this.#mark) || piece.includes(this.#mark);
    this.#end = (piece.length < most ? seam : piece).subarray(-most);
    return this.#found;
  }
}
