/** A small file of JSON that one process keeps, replaced whole. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export class JsonFile {
  readonly #path: string;
  #written: Promise<void> = Promise.resolve();

  /** @param path in a folder that is made where it is missing */
  constructor(path: string) {
    this.#path = path;
  }

  /** What it holds; undefined where there is none yet. */
  async read(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // other errors have no such code
      throw error;
    }
  }

  /** Writes one after the other, each to the end or not at all. @param content as it is when its turn comes */
  write(content: () => unknown): Promise<void> {
    const write = async () => {
      const draft = `${this.#path}.new`;
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(draft, JSON.stringify(content()), { flush: true, mode: 0o600 });
      await rename(draft, this.#path);
    };
    this.#written = this.#written.then(write, write);
    return this.#written;
  }
}
