/**
 * The system calls that ffmpeg is refused in its cage, as a program of seccomp's: those that make processes, look into
 * others, leave or rebuild a namespace, hold memory that no limit counts, or reach parts of the kernel that decoding
 * needs nothing of. https://docs.kernel.org/userspace-api/seccomp_filter.html
 */

/** Architectures that Node names, as the kernel does (linux/audit.h). */
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
type Architecture = keyof typeof AUDIT_ARCH;
type Numbers = Readonly<Record<Architecture, number | undefined>>;

/** Of asm/unistd_64.h and asm-generic/unistd.h; arm64 never had those without a number. */
const call = (x64: number, arm64: number | undefined = x64): Numbers => ({ x64, arm64 });

/** Refused with EPERM, whatever their arguments. */
export const REFUSED: Readonly<Record<string, Numbers>> = {
  // Other processes. Threads are made by clone, see below.
  fork: call(57, undefined),
  vfork: call(58, undefined),
  ptrace: call(101, 117),
  process_vm_readv: call(310, 270),
  process_vm_writev: call(311, 271),
  kcmp: call(312, 272),
  pidfd_open: call(434),
  pidfd_getfd: call(438),
  pidfd_send_signal: call(424),
  // Namespaces and mounts.
  unshare: call(272, 97),
  setns: call(308, 268),
  mount: call(165, 40),
  umount2: call(166, 39),
  pivot_root: call(155, 41),
  chroot: call(161, 51),
  open_tree: call(428),
  open_tree_attr: call(467),
  move_mount: call(429),
  fsopen: call(430),
  fsconfig: call(431),
  fsmount: call(432),
  fspick: call(433),
  mount_setattr: call(442),
  name_to_handle_at: call(303, 264),
  open_by_handle_at: call(304, 265),
  // Memory that belongs to no process, or to several: files, messages, pages in pipes and sockets, rings, filters.
  memfd_create: call(319, 279),
  memfd_secret: call(447),
  shmget: call(29, 194),
  semget: call(64, 190),
  msgget: call(68, 186),
  mq_open: call(240, 180),
  socketpair: call(53, 199),
  vmsplice: call(278, 75),
  splice: call(275, 76),
  tee: call(276, 77),
  sendfile: call(40, 71),
  io_setup: call(206, 0),
  seccomp: call(317, 277),
  // Sockets do nothing but connect: two that are connected hold megabytes, and options reach protocols and filters.
  bind: call(49, 200),
  listen: call(50, 201),
  setsockopt: call(54, 208),
  // Disk taken at once, before anybody sees it.
  fallocate: call(285, 47),
  // Parts of the kernel with a history of holes.
  bpf: call(321, 280),
  perf_event_open: call(298, 241),
  userfaultfd: call(323, 282),
  io_uring_setup: call(425),
  io_uring_enter: call(426),
  io_uring_register: call(427),
  keyctl: call(250, 219),
  add_key: call(248, 217),
  request_key: call(249, 218),
  fanotify_init: call(300, 262),
  inotify_init: call(253, undefined),
  inotify_init1: call(294, 26),
  move_pages: call(279, 239),
  migrate_pages: call(256, 238),
  personality: call(135, 92),
  modify_ldt: call(154, undefined),
};

/** Refused as if the kernel did not have it: glibc then takes `clone`, whose flags can be looked at. */
const CLONE3 = call(435);

/**
 * Refused as for a file that is no device, for none in the cage is. Some act on any file: FS_IOC_RESVSP takes disk as
 * fallocate does.
 */
const IOCTL = call(16, 29);

/** Refused unless an argument is right. */
const CLONE = { numbers: call(56, 220), flags: 0, thread: 0x10000 } as const;
/** Of sockets those of IPv4 alone: not netlink, and not AF_VSOCK, which knows no network namespaces. Of those TCP's. */
const SOCKET = {
  numbers: call(41, 198),
  family: 0,
  inet: 2,
  type: 1,
  stream: 1,
  protocol: 2,
  tcp: 6,
} as const;
/** Without the flags that a socket's type comes with (linux/net.h, SOCK_TYPE_MASK). */
const SOCKET_TYPES = 0xf;
/** Memory that is shared, or that grows like a stack, counts for no RLIMIT_DATA (mm/mmap.c, `is_data_mapping`). */
const MMAP = { numbers: call(9, 222), flags: 3, sharedAnonymous: 0x21, growsDown: 0x100 } as const;
/**
 * Descriptors and their flags alone: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. Locks and notices
 * are memory without a limit, F_SETPIPE_SZ makes a pipe hold sixteen times what it does.
 */
const FCNTL = { numbers: call(72, 25), command: 1, allowed: [0, 1, 2, 3, 4, 1030] } as const;
/** PR_SET_SECCOMP is the older way to `seccomp`. */
const PRCTL = { numbers: call(157, 167), option: 0, setSeccomp: 22 } as const;

/** x86's calls with 32-bit pointers begin here. */
const X32 = 0x40000000;

/** Of linux/seccomp.h, with the numbers of asm-generic/errno.h. */
const KILL = 0x80000000;
const ALLOW = 0x7fff0000;
const REFUSE = 0x00050000;
const NOT_PERMITTED = REFUSE | 1;
const NO_DEVICE = REFUSE | 25;
const NO_SUCH_CALL = REFUSE | 38;
const NO_SUCH_FAMILY = REFUSE | 97;

/** An instruction (linux/filter.h): its code, how many to skip where it holds and where not, and its operand. */
type Instruction = readonly [code: number, ifSo: number, ifNot: number, operand: number];

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const and = (bits: number): Instruction => [0x54, 0, 0, bits];
const answer = (what: number): Instruction => [0x06, 0, 0, what];
/** Goes on where the loaded value is the operand, else skips so many. */
const isEqual = (to: number, skip: number): Instruction => [0x15, 0, skip, to];
const isOther = (than: number, skip: number): Instruction => [0x15, skip, 0, than];
const isAtLeast = (to: number, skip: number): Instruction => [0x35, 0, skip, to];
const hasBits = (bits: number, skip: number): Instruction => [0x45, 0, skip, bits];

/** Where `struct seccomp_data` has its parts; of an argument the lower half, which holds all flags. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number) => 16 + 8 * index;

/** For calls of this number, instructions that end in an answer; no other call comes by them. */
const onCall = (number: number, ...body: Instruction[]): Instruction[] => [
  isEqual(number, body.length),
  ...body,
];

function instructions(arch: Architecture): Instruction[] {
  const known = ({ [arch]: number }: Numbers) => (number === undefined ? [] : [number]);
  const on = (numbers: Numbers, ...body: Instruction[]) =>
    known(numbers).flatMap((number) => onCall(number, ...body));
  const deny = answer(NOT_PERMITTED);
  const allow = answer(ALLOW);
  const allowIf = (value: number) => [isEqual(value, 1), allow];
  return [
    load(ARCHITECTURE),
    isOther(AUDIT_ARCH[arch], 1),
    answer(KILL),
    load(NUMBER),
    ...(arch === 'x64' ? [isAtLeast(X32, 1), answer(NO_SUCH_CALL)] : []),
    ...Object.values(REFUSED).flatMap((numbers) => on(numbers, deny)),
    ...on(CLONE3, answer(NO_SUCH_CALL)),
    ...on(IOCTL, answer(NO_DEVICE)),
    ...on(CLONE.numbers, load(argument(CLONE.flags)), hasBits(CLONE.thread, 1), allow, deny),
    ...on(
      SOCKET.numbers,
      load(argument(SOCKET.family)),
      isOther(SOCKET.inet, 1),
      answer(NO_SUCH_FAMILY),
      load(argument(SOCKET.type)),
      and(SOCKET_TYPES),
      isOther(SOCKET.stream, 1),
      deny,
      load(argument(SOCKET.protocol)),
      ...[0, SOCKET.tcp].flatMap(allowIf),
      deny,
    ),
    ...on(FCNTL.numbers, load(argument(FCNTL.command)), ...FCNTL.allowed.flatMap(allowIf), deny),
    ...on(PRCTL.numbers, load(argument(PRCTL.option)), isEqual(PRCTL.setSeccomp, 1), deny, allow),
    ...on(
      MMAP.numbers,
      load(argument(MMAP.flags)),
      hasBits(MMAP.growsDown, 1),
      deny,
      and(MMAP.sharedAnonymous),
      isEqual(MMAP.sharedAnonymous, 1),
      deny,
      allow,
    ),
    allow,
  ];
}

/** Whether there is a filter for an architecture of Node's names. */
export const hasFilter = (arch: string): arch is Architecture => arch in AUDIT_ARCH;

/** The filter, as `bwrap --seccomp` reads it. */
export const syscallFilter = (arch: Architecture): Buffer =>
  Buffer.concat(
    instructions(arch).map(([code, ifSo, ifNot, operand]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt16LE(code, 0);
      bytes.writeUInt8(ifSo, 2);
      bytes.writeUInt8(ifNot, 3);
      bytes.writeUInt32LE(operand, 4);
      return bytes;
    }),
  );
