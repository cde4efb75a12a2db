/** Memory of processes, as Linux tells it in /proc. What processes share counts once for each. */
import { readdirSync, readFileSync } from 'node:fs';

/** Bytes of a page of memory, on the machines that this runs on. */
const PAGE_BYTES = 4096;
/** Milliseconds between two looks. */
const LOOK_MS = 200;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Resident. */
  readonly megabytes: number;
}

/** A process by /proc/[pid]/stat, proc_pid_stat(5): its fields after the name, which may hold anything. */
function readProcess(pid: number): Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid, parent: Number(fields[1]), megabytes: (Number(fields[21]) * PAGE_BYTES) / 1e6 }];
  } catch {
    return []; // it ended while we looked
  }
}

const allProcesses = (): Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)));

const below = (root: number, all: readonly Process[]): Process[] =>
  all.filter(({ parent }) => parent === root).flatMap((one) => [one, ...below(one.pid, all)]);

const sum = (processes: readonly Process[]): number =>
  processes.reduce((total, { megabytes }) => total + megabytes, 0);

/** MB of every process below one, but neither another nor what is below that. */
export function memoryBelow(root: number, except: number): number {
  const others = allProcesses().filter(({ pid }) => pid !== except);
  return sum(below(root, others));
}

/** MB of the processes below one in which Node runs the one script and the other. @param scripts ends of their paths */
export function memoryOfScripts(root: number, scripts: readonly [string, string]): readonly [number, number] {
  const processes = below(root, allProcesses()).map((one) => ({ ...one, script: scriptOf(one) }));
  const [first, second] = scripts;
  const of = (end: string) => sum(processes.filter(({ script }) => script.endsWith(end)));
  return [of(first), of(second)];
}

/** What a program was given first, by /proc/[pid]/cmdline, in which a NUL ends each argument. */
function scriptOf({ pid }: Process): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] ?? '';
  } catch {
    return ''; // it ended while we looked
  }
}

/** MB that a process has by itself. */
export const memoryOf = (pid: number): number => readProcess(pid)[0]?.megabytes ?? 0;

/** The most of each of two things that was seen while work was done. */
export async function peaksWhile(
  look: () => readonly [number, number],
  work: () => Promise<void>,
): Promise<readonly [number, number]> {
  let peaks = look();
  const timer = setInterval(() => {
    const [first, second] = look();
    peaks = [Math.max(peaks[0], first), Math.max(peaks[1], second)];
  }, LOOK_MS);
  try {
    await work();
    return peaks;
  } finally {
    clearInterval(timer);
  }
}
