/** Runs ffmpeg, ffprobe and recognisers of speech: caged, with a time limit, and what they said kept short. */
import type { Readable, Writable } from 'node:stream';
import { withoutAddresses } from '../video/refusals.ts';
import { findProgram, start } from './cage/cage.ts';
import { hearLines } from './output.ts';
import { hasWrittenTooMuch, type Writes, watchWritten } from './written.ts';

/** Lines of standard error that are kept for an error message. */
const KEPT_LINES = 20;

/**
 * glibc gives each large block back to the kernel and gets it anew, a frame at a time. Told to keep them, ffmpeg
 * spends 0.2 to 0.3 s of system time on a run that otherwise takes 0.8 to 1.1 s of it (8 s of 1080p, five rungs).
 */
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: '1000000000', MALLOC_TRIM_THRESHOLD_: '2000000000' };

export interface Run {
  readonly program: 'ffmpeg' | 'ffprobe' | 'pocketsphinx_continuous' | 'whisper-cli';
  readonly args: readonly string[];
  readonly timeoutSeconds: number;
  /** Paths of the files of ours that it reads, and those that it writes: caged, it finds no others. */
  readonly reads?: readonly string[];
  readonly writes?: Writes;
  /** Bytes of memory that it is thought to take, where that can be told. */
  readonly memoryBytes?: number;
  /** Stops it: the worker must go. */
  readonly signal: AbortSignal;
  /** Called when the program runs. */
  readonly onRunning?: () => void;
  /** Hears each line of standard error. */
  readonly onLine?: (line: string) => void;
  /** Reads standard output while it runs. */
  readonly read?: (output: Readable) => Promise<void>;
  /** Writes standard input while it runs. The program may hang up before the end. */
  readonly feed?: (input: Writable) => Promise<void>;
}

export interface Finished {
  /** User and system, where the program says so (ffmpeg's -benchmark). */
  readonly cpuSeconds: number;
}

/** A program that ended badly; `message` has the last thing it complained of. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly lines: readonly string[];
  /** Whether it ended by itself, or by what it wrote; otherwise it was killed, or took too long. */
  readonly exited: boolean;

  constructor(program: string, how: string, lines: readonly string[], exited: boolean) {
    const complaint = lines.filter((line) => /\[(error|fatal)\]/.test(line)).at(-1) ?? lines.at(-1);
    super(`${program} ${how}${complaint === undefined ? '' : `: ${withoutAddresses(complaint)}`}`);
    this.lines = lines;
    this.exited = exited;
  }
}

/** Whether a program has judged what it read. One that was killed or did not end says nothing: it is tried again. */
export const hasRefused = (error: unknown): error is ProcessError =>
  error instanceof ProcessError && error.exited;

/** A program that is not on this machine, or can not be run. */
export class MissingProgramError extends Error {
  override readonly name = 'MissingProgramError';
}

const BENCHMARK = /^\[info\] bench: utime=([\d.]+)s stime=([\d.]+)s/;

/** Runs to the end. Throws `ProcessError` on a non-zero exit or a time-out, the signal's reason when stopped. */
export async function run({
  program,
  args,
  timeoutSeconds,
  reads = [],
  writes = { files: [], bytes: 0 },
  memoryBytes = 0,
  signal,
  onRunning,
  onLine,
  read,
  feed,
}: Run): Promise<Finished> {
  signal.throwIfAborted();
  const file = await findProgram(program);
  if (file === undefined) throw new MissingProgramError(`${program} is not installed`);
  const inmate = { file, args, timeoutSeconds, reads, writes, memoryBytes };
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', ...KEEP_MEMORY };
  const { child, killedBy, leave } = await start(inmate, env);
  if (onRunning) child.once('spawn', onRunning);
  const stop = () => child.kill('SIGKILL');
  if (signal.aborted) stop(); // meanwhile
  signal.addEventListener('abort', stop, { once: true });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutSeconds * 1000);
  const unwatch = watchWritten(writes, stop);

  const lines: string[] = [];
  let cpuSeconds = 0;
  hearLines(child.stderr, (line) => {
    onLine?.(line);
    const [, user, system] = BENCHMARK.exec(line) ?? [];
    if (user !== undefined) cpuSeconds = Number(user) + Number(system);
    else if (!/\[(info|verbose)\]/.test(line)) lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
  });

  try {
    const ended = new Promise<{ code: number | null; killer: string | undefined }>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new MissingProgramError(`${program} could not be started`, { cause })),
      );
      child.on('close', (code, signal) => resolve({ code, killer: killedBy(code, signal) }));
    });
    const reading = read ? read(child.stdout) : void child.stdout.resume();
    child.stdin.on('error', () => {}); // it hung up: whether that was right is for its exit code to tell
    const feeding = feed ? feed(child.stdin) : void child.stdin.end();
    // A reader that fails (an upload, say) must not leave the program running.
    const [{ code, killer }] = await Promise.all([
      ended,
      Promise.all([reading, feeding]).catch((error: unknown) => {
        stop();
        throw error;
      }),
    ]);
    signal.throwIfAborted();
    // Whoever runs it again will find the same.
    if (killer === 'SIGXFSZ' || (await hasWrittenTooMuch(writes)))
      throw new ProcessError(program, `wrote more than ${writes.bytes} bytes`, lines, true);
    if (timedOut)
      throw new ProcessError(program, `did not end within ${Math.round(timeoutSeconds)} s`, lines, false);
    if (killer !== undefined) throw new ProcessError(program, `was ended by ${killer}`, lines, false);
    if (code !== 0) throw new ProcessError(program, `ended with code ${code}`, lines, true);
    await leave();
    return { cpuSeconds };
  } finally {
    clearTimeout(timer);
    unwatch();
    signal.removeEventListener('abort', stop);
    stop();
  }
}
