/** Files that are whole or not there, even after `kill -9`: written beside, synced, renamed. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

/** Writes a small file as JSON, atomically and durably. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomUUID()}`);
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(JSON.stringify(value));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(folder);
}

/** Every JSON file below a folder, as [path, value]; leftovers of interrupted writes are removed. */
export async function* readJsonFiles(folder: string): AsyncGenerator<[string, unknown]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if (entry.name.startsWith('.')) await rm(file, { force: true });
    else yield [file, JSON.parse(await readFile(file, 'utf8'))];
  }
}

/** The bodies of objects and parts: files named by chance, referred to by records. */
export class Blobs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(blob: string): string {
    return join(this.#folder, blob.slice(0, 2), blob);
  }

  /** Streams a body to disk; nothing is left where `fill` throws. */
  async write<T>(
    fill: (write: (bytes: Buffer) => Promise<void>) => Promise<T>,
  ): Promise<{ blob: string; result: T }> {
    const blob = randomUUID();
    const file = this.path(blob);
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(file, 'w');
    try {
      const result = await fill(async (bytes) => void (await handle.writeFile(bytes)));
      await handle.sync();
      await handle.close();
      await syncFolder(dirname(file));
      return { blob, result };
    } catch (error) {
      await handle.close().catch(() => undefined);
      await rm(file, { force: true });
      throw error;
    }
  }

  async remove(blobs: Iterable<string>): Promise<void> {
    for (const blob of blobs) await rm(this.path(blob), { force: true });
  }

  /** Removes every body that no record refers to: what a crash left behind. */
  async sweep(used: ReadonlySet<string>): Promise<void> {
    const entries = await readdir(this.#folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isFile() && !used.has(entry.name)) await rm(join(entry.parentPath, entry.name));
    }
  }
}
