/** What commands cost: CPU seconds and wall time of a process and of all that it started. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Seconds. `cpu` is user and system of every process. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

/** Of commands that run in turn. */
export const sum = (costs: readonly Cost[]): Cost => ({
  cpu: costs.reduce((total, { cpu }) => total + cpu, 0),
  wall: costs.reduce((total, { wall }) => total + wall, 0),
});

/** The middle value; of an even number the upper one. */
export const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** The middle one of several rounds, CPU and wall each by itself: the machine is noisy. */
export const median = (costs: readonly Cost[]): Cost => ({
  cpu: middle(costs.map(({ cpu }) => cpu)),
  wall: middle(costs.map(({ wall }) => wall)),
});

/** The number of prctl(2), by Node's name of the architecture. */
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };
/**
 * Makes orphans its own children (PR_SET_CHILD_SUBREAPER, 36), which lasts over `exec`. The cage leaves some: bubblewrap
 * ends before the process that waited for ffmpeg, and whom nobody waits for, nobody counts.
 */
const ADOPT = 'syscall(shift, 36, 1, 0, 0, 0) == 0 or die "prctl: $!"; exec @ARGV';
const TIME = 'TIMEFORMAT="timed %R %U %S"; time "$@"';

/** Runs a command under bash's `time`, and counts everything that it started and that ended with it, orphans too. */
export async function timed(
  command: string,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<Cost> {
  const prctl = PRCTL[process.arch];
  if (prctl === undefined) throw new Error(`bench/cost.ts knows no prctl(2) of ${process.arch}`);
  const child = spawn('perl', ['-e', ADOPT, String(prctl), 'bash', '-c', TIME, 'bash', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (onLine) createInterface({ input: child.stdout }).on('line', onLine);
  else child.stdout.resume();
  let errors = '';
  child.stderr.on('data', (bytes) => {
    errors = (errors + bytes).slice(-4000);
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  const [, wall, user, system] = /timed ([\d.]+) ([\d.]+) ([\d.]+)/.exec(errors) ?? [];
  if (code !== 0 || wall === undefined) throw new Error(`${command} ended with code ${code}: ${errors}`);
  return { wall: Number(wall), cpu: Number(user) + Number(system) };
}

/** Runs ffmpeg, which overwrites its outputs. */
export const ffmpeg = (...args: string[]): Promise<Cost> =>
  timed('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
