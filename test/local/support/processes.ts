/** Waiting for what other processes do. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Asks again every few milliseconds until there is a value; the test's own timeout is the limit. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const value = await ask();
    if (value !== undefined) return value;
    await sleep(20);
  }
}

/** A line of JSON that a process writes to a file. @param index which line, from 0 */
export async function loggedLine(file: string, index = 0): Promise<unknown> {
  return eventually(async () => {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    // The last piece is a line that is still being written.
    return index < lines.length - 1 ? JSON.parse(lines[index] ?? '') : undefined;
  });
}

/** Whether a process runs; one that is dead but not yet collected by its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

/** Resolves when none of the processes runs any more. */
export async function allGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await eventually(async () => ((await isRunning(pid)) ? undefined : true));
}
