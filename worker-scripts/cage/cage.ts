/**
 * The cage that ffmpeg and its like run in, for they read strangers' bytes (docs/security.md): namespaces made by
 * bubblewrap, a filter of system calls, and limits. A process has one cage or none; `process.ts` alone puts programs
 * into it.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, constants, rm, stat, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { availableParallelism, cpus, release, constants as system } from 'node:os';
import { delimiter, dirname, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Writes } from '../written.ts';
import { asOwner, type CageNetwork, openNetwork } from './network.ts';
import { hasFilter, syscallFilter } from './syscall-filter.ts';

/** What is seen of the machine's files, read-only: programs, their libraries, and where those are found. */
const VISIBLE = ['/usr', '/lib', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'];
const DEVICES = ['/dev/null', '/dev/urandom'];

/** Limits of a run, besides its time (setrlimit(2)). */
const LIMITS = {
  /** Bytes of private memory: of what an encode takes, twice, and its threads' stacks, mostly unused. */
  data: (memoryBytes: number) => 6 * 2 ** 30 + 2 * memoryBytes,
  /**
   * Bytes of addresses besides: memory counts as private only while it may be written, and as no stack. glibc reserves 64
   * MiB for each of up to eight arenas a core, and libraries take a quarter of a GiB, a model that is mapped more.
   */
  unwritten: () => 2 ** 30 + cpus().length * 8 * 64 * 2 ** 20,
  /** Bytes of the stack, and what glibc takes for each thread's. */
  stack: 8 * 2 ** 20,
  /** Threads; processes can not be made. With five rungs in three codecs ffmpeg has 115 on two cores. */
  nproc: 1024,
  /** Open files. */
  nofile: 256,
  core: 0,
} as const;

/** Since it, the kernel counts the threads of each user namespace for itself. */
const OLDEST_KERNEL = [5, 14] as const;

/** Users that nobody is, for a worker that is root: one a run, in turn (systemd keeps these for such users, too). */
const THROW_AWAY_USERS = { from: 61_184, to: 65_519 } as const;

/** What is to run. */
export interface Inmate {
  /** Path of the program. */
  readonly file: string;
  readonly args: readonly string[];
  readonly timeoutSeconds: number;
  /** Files that it may read, and write; it sees no others of ours. */
  readonly reads: readonly string[];
  readonly writes: Writes;
  /** Bytes that it is thought to take. */
  readonly memoryBytes: number;
}

/** A program that was started. */
export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  /** The signal that ended it, by what `close` was given. */
  readonly killedBy: (code: number | null, signal: NodeJS.Signals | null) => string | undefined;
  /** To be called at its end. */
  readonly leave: () => Promise<void>;
}

interface Cage {
  readonly network: CageNetwork;
  readonly filter: Buffer;
}

let cage: Cage | undefined;
/** Runs so far, and where to begin: other workers of this machine do elsewhere. */
let runs = process.pid;

/**
 * Opens this process's cage. From now on every program runs inside.
 * @param port of 127.0.0.1 that is reached from inside; nothing else is
 * @returns what gets the connections from inside
 * @throws `Error` that says why this machine has none
 */
export async function openCage(port: number): Promise<Server> {
  const { arch } = process;
  const lacks = kernelLacks();
  if (lacks !== undefined) throw new Error(lacks);
  if (!hasFilter(arch)) throw new Error(`there is no filter of system calls for ${arch}`);
  if (!(await findProgram('bwrap'))) throw new Error('bubblewrap is not installed');
  const opened = { network: await openNetwork(port), filter: syscallFilter(arch) };
  await tryOut(opened);
  cage = opened;
  return opened.network.server;
}

/** What a machine's kernel has not that every cage takes; undefined where it has all. */
export function kernelLacks(): string | undefined {
  if (process.platform !== 'linux') return `${process.platform} has no namespaces`;
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const [oldest, point] = OLDEST_KERNEL;
  const isOld = major < oldest || (major === oldest && minor < point);
  return isOld ? `Linux ${release()} is older than ${oldest}.${point}` : undefined;
}

/** Where the PATH has a program. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = resolve(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

/** Starts a program in this process's cage, or as it is where there is none. */
export async function start(inmate: Inmate, env: NodeJS.ProcessEnv): Promise<Started> {
  if (cage) return startIn(cage, inmate, env);
  const child = spawn(inmate.file, inmate.args, { env });
  return { child, killedBy: (_, signal) => signal ?? undefined, leave: async () => {} };
}

async function startIn({ network, filter }: Cage, inmate: Inmate, env: NodeJS.ProcessEnv): Promise<Started> {
  const { file, args, reads } = inmate;
  const writes = inmate.writes.files;
  // Each is made here and shown alone: a program that could make files could leave links where we read its own, and
  // as many as fill the disk.
  for (const path of writes) await writeFile(path, '');
  for (const path of [...reads, ...writes]) await chmod(path, 0o666);
  const [command = '', ...entering] = network.enter;
  const walls = ['bwrap', ...asOwner(), ...APART, ...shown(file, reads, writes), '--seccomp', '3'];
  const all = [...entering, ...walls, ...asSomebody(), ...limited(inmate), file, ...args];
  const child = spawn(command, all, { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const [, , , forFilter] = child.stdio;
  if (!(forFilter instanceof Writable)) throw new Error('a pipe that nobody can write into');
  forFilter.on('error', () => {}); // it ended before: why, its exit code tells
  forFilter.end(filter);
  return {
    child,
    killedBy: (code, signal) => signal ?? signalOf(code),
    leave: async () => {
      // What was not written is not there, as it would be outside.
      for (const path of writes) if ((await stat(path)).size === 0) await rm(path);
    },
  };
}

/** Its own processes, System V memory, name of the machine and control groups; and it ends when we do. */
const APART = [
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--die-with-parent',
];

/** Its files: /proc is not among them. */
function shown(file: string, reads: readonly string[], writes: readonly string[]): string[] {
  const own = [file, ...reads, ...writes];
  const folders = new Set([...VISIBLE, ...DEVICES, ...own].flatMap(foldersOf));
  return [
    // Those that bubblewrap makes itself are open to nobody but root.
    ...[...folders].sort().flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...VISIBLE.flatMap((path) => ['--ro-bind-try', path, path]),
    ...DEVICES.flatMap((path) => ['--dev-bind', path, path]),
    ...[file, ...reads].flatMap((path) => ['--ro-bind', path, path]),
    ...writes.flatMap((path) => ['--bind', path, path]),
    ...['--remount-ro', '/', '--chdir', '/'],
  ];
}

/** The folders that a path lies in, the root excepted. */
function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === '/' ? [] : [...foldersOf(folder), folder];
}

/** Root becomes somebody who is nobody else; anybody else has no power over the cage's outside already. */
function asSomebody(): string[] {
  if (asOwner().length > 0) return ['--'];
  const { from, to } = THROW_AWAY_USERS;
  const id = `${from + (runs++ % (to - from + 1))}`;
  const mayChange = ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--'];
  return [...mayChange, 'setpriv', '--reuid', id, '--regid', id, '--clear-groups', '--'];
}

function limited({ timeoutSeconds, memoryBytes, writes }: Inmate): string[] {
  const { data, unwritten, ...others } = LIMITS;
  const all = {
    ...others,
    data: data(memoryBytes),
    as: data(memoryBytes) + unwritten(),
    // Of each file; their sum is watched (written.ts).
    fsize: writes.bytes,
    cpu: Math.ceil(timeoutSeconds * availableParallelism()),
  };
  return ['prlimit', ...Object.entries(all).map(([name, limit]) => `--${name}=${limit}`), '--'];
}

/** Bubblewrap tells of a signal as shells do. ffmpeg's own codes lie below, or above (256 - errno). */
const signalOf = (code: number | null): string | undefined =>
  Object.entries(system.signals).find(([, number]) => 128 + number === code)?.[0];

/** Throws what bubblewrap and the others say where nothing can be run. */
async function tryOut(opened: Cage): Promise<void> {
  const file = '/usr/bin/true';
  const inmate = {
    file,
    args: [],
    timeoutSeconds: 10,
    reads: [],
    writes: { files: [], bytes: 0 },
    memoryBytes: 0,
  };
  const { child } = await startIn(opened, inmate, { PATH: process.env['PATH'] });
  const [[code], complaint] = await Promise.all([once(child, 'close'), text(child.stderr)]);
  if (code !== 0) throw new Error(complaint.trim() || `nothing can be run in it: code ${code}`);
}
