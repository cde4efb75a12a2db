/** Reads what programs say, and holds no more of it than an honest one has to say. */
import type { Readable } from 'node:stream';

/** Characters of a line beyond which it is cut. */
const LONGEST_LINE = 10_000;

/**
 * Cuts text into lines as it comes. Only a line feed ends one: readline takes U+2028 for an end, too, and so a title in
 * a source could begin a line of its own and pass for ffmpeg's word.
 */
class LineCutter {
  #open = '';

  /** @returns the lines that are whole now */
  push(text: string): string[] {
    const lines = (this.#open + text).split('\n');
    this.#open = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    return lines.map((line) => line.slice(0, LONGEST_LINE));
  }

  /** @returns the last line, where no line feed ended it */
  end(): string[] {
    return this.#open === '' ? [] : [this.#open];
  }
}

/** Hears each line of what a program says. */
export function hearLines(output: Readable, hear: (line: string) => void): void {
  const cutter = new LineCutter();
  output.setEncoding('utf8');
  output.on('data', (text: string) => cutter.push(text).forEach(hear));
  output.on('end', () => cutter.end().forEach(hear));
}

/** Has a reader take standard output line by line, as `Run.read`. What it throws stops the program. */
export const linesTo =
  (reader: { read(line: string): void }) =>
  async (output: Readable): Promise<void> => {
    const cutter = new LineCutter();
    output.setEncoding('utf8');
    for await (const text of output) for (const line of cutter.push(String(text))) reader.read(line);
    for (const line of cutter.end()) reader.read(line);
  };

/** Reads all that a program writes to standard output. @param tooMuch what is thrown beyond `limit` bytes */
export async function readOutput(
  output: Readable,
  limit: number,
  tooMuch: () => Error = () => new Error(`A program said more than ${limit} bytes`),
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of output) {
    const bytes = chunk as Buffer; // a stream without an encoding gives buffers
    length += bytes.length;
    if (length > limit) throw tooMuch();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
