/** One platform a folder: a file with the process id of the one that has it. */
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Takes a folder. Throws where a process that lives has it; one that was killed has it no more. */
export async function lockFolder(folder: string): Promise<{ close(): Promise<void> }> {
  const file = join(folder, 'pid');
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return { close: () => rm(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const pid = Number(await readFile(file, 'utf8').catch(() => ''));
    if (pid > 0 && isAlive(pid)) {
      throw new Error(
        `Process ${pid} already runs a platform in ${folder}; end it, or give another folder with --data`,
      );
    }
    await rm(file, { force: true });
  }
}
