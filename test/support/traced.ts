/** Runs ffmpeg and ffprobe under strace, and tells which files and addresses they reached for. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the programs reached for, found or not: paths, and addresses as `127.0.0.1:80`. */
export type Reached = ReadonlySet<string>;

export interface Tracer {
  /** What was reached for while `use` ran, whatever became of it. */
  watch(use: () => Promise<unknown>): Promise<Reached>;
  remove(): Promise<void>;
}

/** Calls that name files, and those that reach for an address. */
const CALLS = '%file,connect,bind,sendto';

/** Puts a traced ffmpeg and ffprobe before the real ones on the PATH of what this process starts. */
export async function startTracer(): Promise<Tracer> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-traced-'));
  const [bin, logs] = [join(folder, 'bin'), join(folder, 'logs')];
  await mkdir(bin);
  await mkdir(logs);
  for (const program of ['ffmpeg', 'ffprobe']) {
    const real = execFileSync('which', [program], { encoding: 'utf8' }).trim();
    // strace appends the process's id to the file's name.
    const script = `#!/bin/sh\nexec strace -ff -qq -s 4096 -e trace=${CALLS} -o ${logs}/log ${real} "$@"\n`;
    await writeFile(join(bin, program), script);
    await chmod(join(bin, program), 0o755);
  }
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${bin}:${path}`;
  return {
    async watch(use) {
      await use();
      const reached = new Set<string>();
      for (const name of await readdir(logs)) {
        for (const line of (await readFile(join(logs, name), 'utf8')).split('\n')) {
          const what = reachedBy(line);
          if (what !== undefined) reached.add(what);
        }
        await rm(join(logs, name));
      }
      return reached;
    },
    async remove() {
      process.env['PATH'] = path;
      await rm(folder, { recursive: true });
    },
  };
}

/** What a line of strace's output reaches for. */
function reachedBy(line: string): string | undefined {
  const [, port, address] = /sin6?_port=htons\((\d+)\).*?"([^"]+)"/.exec(line) ?? [];
  if (port !== undefined) return `${address}:${port}`;
  const unix = /sun_path=@?"([^"]+)"/.exec(line)?.[1];
  if (unix !== undefined) return unix;
  if (/^(connect|bind|sendto)\(/.test(line)) return undefined; // netlink, or what is sent over a connection
  return /^\w+\([^"]*"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
}
