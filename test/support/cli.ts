/** Runs `spotreel` as a person does: a process of its own, whose output is no terminal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export const CLI = join(import.meta.dirname, '../../cli/spotreel.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts it. @param env beside this process's own */
export function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const closed = new Promise<number | null>((done) => child.on('close', done));
  const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(
    ([code, stdout, stderr]) => ({ code, stdout, stderr }),
  );
  return { child, ended };
}

export const runCli = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> =>
  startCli(args, env).ended;

/** Runs it with `--json`. @returns what each line says; tests check what they use. Throws where it fails */
export async function jsonOfCli(args: readonly string[]): Promise<ReturnType<typeof JSON.parse>[]> {
  const { code, stdout, stderr } = await runCli([...args, '--json']);
  if (code !== 0) throw new Error(`spotreel ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}
