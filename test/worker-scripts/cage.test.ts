/**
 * A program in ffmpeg's place tries, for real, what whoever takes ffmpeg over would. Each attempt is made outside of
 * the cage first, where it must succeed: else it would be no proof that it fails inside.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { kernelLacks, openCage } from '../../worker-scripts/cage/cage.ts';
import { hasRefused, type Run, run } from '../../worker-scripts/process.ts';
import { calls, takeOverFfmpeg } from '../support/caged.ts';

const PATH = process.env['PATH'];
const { signal } = new AbortController();
/** What the worker would be. */
const worker = process.pid;
const folder = await mkdtemp(join(tmpdir(), 'spotreel-cage-'));
const files = {
  credentials: join(folder, 'home', '.aws', 'credentials'),
  other: join(folder, 'task-other', 'chunk.mp4'),
  own: join(folder, 'task-own', 'chunk.mp4'),
  tiles: join(folder, 'task-own', 'tiles.mp4'),
  program: fileURLToPath(new URL('../../worker-scripts/worker.ts', import.meta.url)),
};
const MiB = 2 ** 20;
const own = { reads: [files.tiles], writes: { files: [files.own], bytes: MiB } };

/** Stands for the metadata endpoint, S3 and whatever else listens on this machine. */
const neighbour = createServer((_, response) => response.end('secret'));
const proxy = createServer((request, response) => response.end(`range of ${request.url}`));
const listen = async (server: Server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port; // it listens on TCP
};
const neighbourPort = await listen(neighbour);
const proxyPort = await listen(proxy);

const taken = await takeOverFfmpeg(folder);
process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
/** Why this machine has no cage. */
const none = await openCage(proxyPort).then(
  (within) => {
    within.on('connection', (socket) => proxy.emit('connection', socket));
    proxy.once('close', () => within.close());
    return undefined;
  },
  (error: unknown) => String(error),
);

/** Why no program of this machine could make a cage: asked without ours. Undefined where one could. */
async function kernelRefuses(): Promise<string | undefined> {
  const owner = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const apart = [...owner, '--net', '--mount', '--pid', '--ipc', '--uts', '--fork'];
  return (
    kernelLacks() ??
    (await promisify(execFile)('unshare', [...apart, 'mount', '-t', 'tmpfs', 'none', '/tmp']).then(
      () => undefined,
      (error: unknown) => String(error),
    ))
  );
}

/** Has the program in ffmpeg's place do something. @returns what it printed */
async function inside(perl: string, more: Partial<Run> = own): Promise<string> {
  let said = '';
  const read = async (output: Readable) => {
    said = await text(output);
  };
  await run({ program: 'ffmpeg', args: [perl], timeoutSeconds: 60, signal, read, ...more });
  return said.trim();
}

const outside = async (perl: string): Promise<string> =>
  (await promisify(execFile)(taken, [perl], { env: { PATH } })).stdout.trim();

interface Attempt {
  readonly name: string;
  readonly perl: string;
  /** Set where it is not tried outside: it depends on the machine, or would do harm. */
  readonly outside?: 'untried';
}
const perl = JSON.stringify;
const GiB = 2 ** 30;
/** One that allows everything; who asks for it promises first to get no privileges. */
const aFilter = `calls(${calls.prctl}, 38, 1, 0, 0, 0); my $allow = pack("SCCL", 6, 0, 0, 0x7fff0000);
  my $filter = pack("Sx6P", 1, $allow);`;

const ATTEMPTS: readonly Attempt[] = [
  // Credentials.
  { name: 'its environment', perl: 'exists $ENV{AWS_SECRET_ACCESS_KEY}', outside: 'untried' },
  { name: 'the worker’s environment', perl: `reads("/proc/${worker}/environ")` },
  { name: 'its own /proc', perl: 'reads("/proc/self/environ")' },
  { name: 'a profile of the AWS CLI', perl: `reads(${perl(files.credentials)})` },
  { name: 'the worker’s program', perl: `reads(${perl(files.program)})` },
  { name: 'users of the machine', perl: 'reads("/etc/passwd")' },
  { name: 'the metadata endpoint', perl: 'streams(at("169.254.169.254", 80))', outside: 'untried' },
  { name: 'the metadata endpoint of a laptop', perl: `streams(at("127.0.0.1", ${neighbourPort}))` },
  // The network.
  { name: 'another machine', perl: 'streams(at("1.1.1.1", 443))', outside: 'untried' },
  { name: 'a resolver, by a datagram', perl: 'sends(at("9.9.9.9", 53))', outside: 'untried' },
  { name: 'a socket of the file system', perl: 'socket(my $s, PF_UNIX, SOCK_STREAM, 0)' },
  { name: 'netlink', perl: `calls(${calls.socket}, 16, 3, 0)` },
  { name: 'the hypervisor', perl: `calls(${calls.socket}, 40, 1, 0)`, outside: 'untried' },
  { name: 'a datagram’s socket', perl: 'socket(my $s, PF_INET, SOCK_DGRAM, 0)' },
  { name: 'a socket of another protocol', perl: `calls(${calls.socket}, 2, 1, 262)`, outside: 'untried' },
  {
    name: 'an address of its own',
    perl: 'my $s; socket($s, PF_INET, SOCK_STREAM, 0) && bind($s, at("127.0.0.1", 0))',
  },
  { name: 'to be connected to', perl: 'my $s; socket($s, PF_INET, SOCK_STREAM, 0) && listen($s, 1)' },
  {
    name: 'an option of a socket',
    perl: 'my $s; socket($s, PF_INET, SOCK_STREAM, 0) && setsockopt($s, SOL_SOCKET, SO_KEEPALIVE, 1)',
  },
  // Other tasks.
  { name: 'another task’s file', perl: `reads(${perl(files.other)})` },
  { name: 'the list of tasks', perl: `my $d; opendir($d, ${perl(folder)}) && grep { /other/ } readdir($d)` },
  // Processes.
  { name: 'to be root', perl: '$> == 0', outside: 'untried' },
  { name: 'to be traced', perl: `calls(${calls.ptrace}, 0, 0, 0, 0)` },
  {
    name: 'to fork',
    perl: 'my $pid = fork(); exit 0 if defined $pid && $pid == 0; waitpid($pid, 0) if $pid; $pid',
  },
  { name: 'a shell', perl: 'system("true") == 0' },
  { name: 'to signal the worker', perl: `kill(0, ${worker})` },
  {
    name: 'to trace the worker',
    perl: `calls(${calls.ptrace}, 0x4206, ${worker}, 0, 0)`,
    outside: 'untried',
  },
  { name: 'a user namespace', perl: `calls(${calls.unshare}, 0x10000000)`, outside: 'untried' },
  {
    // What is mounted at a path, of which /usr is one in the cage, too.
    name: 'a mount, by a file',
    perl: `my $path = "/usr"; calls(${calls.open_tree_attr}, -100, $path, 0, 0, 0)`,
    outside: 'untried',
  },
  { name: 'to watch files', perl: `calls(${calls.inotify_init1}, 0)` },
  { name: 'to watch files, as it once was done', perl: `calls(${calls.inotify_init}, 0)` },
  { name: 'to move pages', perl: `calls(${calls.move_pages}, 0, 0, 0, 0, 0, 0)`, outside: 'untried' },
  {
    name: 'to move a process’s pages',
    perl: `my $nodes = pack("Q", 1); calls(${calls.migrate_pages}, 0, 2, $nodes, $nodes)`,
    outside: 'untried',
  },
  {
    // To ask for less than one has is allowed: refused is whoever has less already. RLIMIT_NPROC is 6.
    name: 'two thousand threads',
    perl: `my $limit = pack("QQ", 2000, 2000); calls(${calls.prlimit64}, 0, 6, $limit, 0)`,
    outside: 'untried',
  },
  // Memory: 16 GiB, of which nothing is touched.
  { name: 'too much memory', perl: `calls(${calls.mmap}, 0, ${16 * GiB}, 3, 0x4022, -1, 0)` },
  { name: 'too much memory, as a stack', perl: `calls(${calls.mmap}, 0, ${16 * GiB}, 3, 0x4122, -1, 0)` },
  { name: 'a million million addresses', perl: `calls(${calls.mmap}, 0, ${1024 * GiB}, 1, 0x4022, -1, 0)` },
  {
    // What may not be written any more counts as private memory no more, and is there all the same.
    name: 'too much memory, a part at a time',
    perl: `my $got = 0;
      while ($got < 200) {
        my $at = syscall(${calls.mmap}, 0, ${GiB}, 3, 0x4022, -1, 0);
        last if $at == -1 || syscall(${calls.mprotect}, $at, ${GiB}, 1) == -1;
        $got++;
      }
      $got == 200`,
  },
  {
    // RLIMIT_STACK is 3.
    name: 'a larger stack',
    perl: `my $limit = pack("QQ", ${GiB}, ${GiB}); calls(${calls.prlimit64}, 0, 3, $limit, 0)`,
    outside: 'untried',
  },
  { name: 'shared memory', perl: `calls(${calls.mmap}, 0, 4096, 3, 0x21, -1, 0)` },
  { name: 'memory as a file', perl: `my $name = "x"; calls(${calls.memfd_create}, $name, 0)` },
  {
    name: 'a file in /dev/shm',
    perl: `writes("/dev/shm/spotreel-${worker}") && unlink("/dev/shm/spotreel-${worker}")`,
  },
  {
    name: 'a pipe that holds more',
    perl: `pipe(my $out, my $in); fcntl($in, 1031, ${MiB})`,
  },
  {
    name: 'its pages in a pipe',
    perl: `pipe(my $out, my $in); my $page = "x"; my $vector = pack("PQ", $page, 1);
      calls(${calls.vmsplice}, fileno($in), $vector, 1, 0)`,
  },
  {
    name: 'a file’s pages in a pipe',
    perl: `pipe(my $out, my $in); my $f; open($f, "<", ${perl(files.tiles)}) &&
      calls(${calls.splice}, fileno($f), 0, fileno($in), 0, 1, 0)`,
  },
  {
    name: 'a file’s pages in a pipe, as if it were a socket',
    perl: `pipe(my $out, my $in); my $f; open($f, "<", ${perl(files.tiles)}) &&
      calls(${calls.sendfile}, fileno($in), fileno($f), 0, 1)`,
  },
  {
    name: 'a pipe’s pages in another',
    perl: `pipe(my $out, my $in); pipe(my $others, my $other); syswrite($in, "x");
      calls(${calls.tee}, fileno($out), fileno($other), 1, 0)`,
  },
  {
    // F_RDLCK on the first byte: each lock is a record of the kernel's.
    name: 'locks',
    perl: `my $f; my $lock = pack("ssx4qqix4", 0, 0, 0, 1, 0);
      open($f, "<", ${perl(files.tiles)}) && fcntl($f, 6, $lock)`,
  },
  {
    name: 'a ring of the kernel’s',
    perl: `my $ring = pack("Q", 0); calls(${calls.io_setup}, 1, $ring)`,
    outside: 'untried',
  },
  { name: 'a filter in the kernel', perl: `${aFilter} calls(${calls.seccomp}, 1, 0, $filter)` },
  { name: 'a filter, as it once was done', perl: `${aFilter} calls(${calls.prctl}, 22, 2, $filter)` },
  // The disk.
  { name: 'too large a file', perl: `my $f; open($f, "+<", ${perl(files.own)}) && truncate($f, ${2 * GiB})` },
  {
    name: 'disk before anybody sees it',
    perl: `my $f; open($f, "+<", ${perl(files.own)}) && calls(${calls.fallocate}, fileno($f), 0, 0, 4096)`,
  },
  {
    // FS_IOC_RESVSP: struct space_resv says where, how much and from what.
    name: 'disk before anybody sees it, as it once was done',
    perl: `my $f; my $space = pack("ssx4qqiLx16", 0, 0, 0, 4096, 0, 0);
      open($f, "+<", ${perl(files.own)}) && ioctl($f, 0x40305828, $space)`,
  },
  { name: 'a file more', perl: `writes(${perl(join(folder, 'task-own', 'more'))})` },
  { name: 'a file in the root', perl: 'writes("/more")', outside: 'untried' },
  { name: 'a file in /tmp', perl: `writes(${perl(join(folder, 'loose'))})` },
  { name: 'what it is to read', perl: `writes(${perl(files.tiles)})` },
  {
    name: 'a link where the worker reads its output',
    perl: `unlink(${perl(files.own)}) && symlink(${perl(files.credentials)}, ${perl(files.own)})`,
  },
  { name: 'the program it runs as', perl: 'writes($0)', outside: 'untried' },
];

beforeEach(async () => {
  await rm(dirname(files.own), { recursive: true, force: true });
  for (const file of [files.credentials, files.other, files.own, files.tiles]) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, 'as it was');
  }
});
afterAll(async () => {
  process.env['PATH'] = PATH;
  neighbour.close();
  proxy.close();
  await rm(folder, { recursive: true });
});

test.each(ATTEMPTS.filter((one) => one.outside !== 'untried'))('outside, it gets $name', async ({ perl }) => {
  expect(await outside(perl)).toBe('done');
});

if (none === undefined) {
  describe('inside, it does not get', () => {
    test.each(ATTEMPTS)('$name', async ({ perl }) => {
      expect(await inside(perl)).toMatch(/^refused:/);
      expect(await readFile(files.other, 'utf8')).toBe('as it was');
      const left = await readdir(join(folder, 'task-own'), { withFileTypes: true });
      expect(left.map((one) => [one.name, one.isFile()])).toEqual([['tiles.mp4', true]]);
    });
  });

  describe('inside, it gets', () => {
    test('what it is to read', async () => {
      expect(await inside(`reads(${perl(files.tiles)})`)).toBe('done');
    });

    test('what it is to write', async () => {
      expect(await inside(`writes(${perl(files.own)})`)).toBe('done');
      expect(await readFile(files.own, 'utf8')).toBe('taken over');
    });

    test('the source, through the worker', async () => {
      const ask = `my $s = streams(at('127.0.0.1', ${proxyPort})) or die $!;
        syswrite($s, "GET /source HTTP/1.0\\r\\n\\r\\n");
        print while <$s>;`;
      expect(await inside(ask)).toContain('range of /source');
    });
  });

  describe('all the disk that it may have', () => {
    const outputs = ['a', 'b', 'c', 'd'].map((name) => join(folder, 'task-own', name));
    /** Writes into each of them until it is refused, or has written so much, and says how often it was refused. */
    const fill = (each: number) => `my $refused = 0;
      for my $file (${outputs.map((file) => perl(file)).join(', ')}) {
        open(my $f, '>', $file) or die $!;
        for (1 .. ${each}) { defined(syswrite($f, 'x' x ${MiB})) or ($refused++, last) }
      }
      print "$refused\n";`;
    // Longer than a test may take: its time must not be what ends it.
    const may = (bytes: number): Partial<Run> => ({
      ...own,
      timeoutSeconds: 3600,
      writes: { files: outputs, bytes },
    });

    test('it gets once, for all its files together', async () => {
      expect(await inside(fill(2), may(8 * MiB))).toContain('0');
    });

    test.each([
      ['is ended when it has more', 'sleep 600'],
      ['can not say that it ended well with more', '1'],
    ])('it %s', async (_, then) => {
      await expect(inside(`${fill(1000)}; ${then}`, may(8 * MiB))).rejects.toThrow(
        'wrote more than 8388608 bytes',
      );
      // The kernel lets no file have more, however quickly it is written.
      for (const file of outputs) expect((await lstat(file)).size).toBeLessThanOrEqual(8 * MiB);
    });

    test('ended by the kernel’s limit, it has judged what it read', async () => {
      const error = await inside(`$SIG{XFSZ} = 'DEFAULT'; ${fill(1000)}`, may(8 * MiB)).catch(
        (thrown: unknown) => thrown,
      );
      expect(hasRefused(error)).toBe(true);
    });
  });

  test('an output that it does not write is not there', async () => {
    await inside('1');
    await expect(lstat(files.own)).rejects.toThrow('ENOENT');
  });

  describe('how it ends is told as it would be outside', () => {
    const ended = (perl: string, more?: Partial<Run>) =>
      inside(perl, { ...own, ...more }).catch((error: unknown) => error);

    test('by itself: it has judged what it read', async () => {
      const error = await ended('exit 183');
      expect(String(error)).toContain('ended with code 183');
      expect(hasRefused(error)).toBe(true);
    });

    test('by a signal: it is tried again', async () => {
      const error = await ended("kill 'SEGV', $$; sleep 60");
      expect(String(error)).toContain('was ended by SIGSEGV');
      expect(hasRefused(error)).toBe(false);
    });

    test('by its time limit, with whatever it holds open', async () => {
      expect(String(await ended('sleep 600', { timeoutSeconds: 1 }))).toContain('did not end within 1 s');
    });
  });
} else {
  const refused = await kernelRefuses();
  // The worker of such a machine says so in its log, and `spotreel doctor` does.
  if (refused)
    console.warn(`Nothing is tried inside of the cage, for this machine can have none: ${refused}`);
  else
    test('the cage opens, where the kernel lets namespaces be made', () => {
      throw new Error(`It does not: ${none}. What it takes: docs/security.md, "Where there is none"`);
    });
}
