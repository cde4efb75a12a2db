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

/** MB of every process below one, but not below another. */
export function memoryBelow(root: number, except: number): number {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)));
  const below = (pid: number): number =>
    all
      .filter((one) => one.parent === pid && one.pid !== except)
      .reduce((sum, one) => sum + one.megabytes + below(one.pid), 0);
  return below(root);
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
