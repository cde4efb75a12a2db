/** An ffmpeg that has been taken over, played by a script of Perl: it does as its first argument says. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/**
 * One process does it all, for whoever takes ffmpeg over has no other programs either. What a file of it can not do it
 * tells by the system's word.
 */
const TAKEN_OVER = `#!/usr/bin/perl
use strict;
use Socket;
$SIG{XFSZ} = 'IGNORE';
$| = 1;
sub reads { my $file; open($file, '<', $_[0]) && defined(readline $file) }
sub writes { my $file; open($file, '>', $_[0]) && print($file 'taken over') && close($file) }
sub streams { my $socket; socket($socket, PF_INET, SOCK_STREAM, 0) && connect($socket, $_[0]) && $socket }
sub sends { my $socket; socket($socket, PF_INET, SOCK_DGRAM, 0) && send($socket, 'x', 0, $_[0]) }
sub at { pack_sockaddr_in($_[1], inet_aton($_[0])) }
sub calls { syscall($_[0], @_[1 .. $#_]) >= 0 }
my $done = eval $ARGV[0];
die $@ if $@;
print $done ? "done\\n" : "refused: $!\\n";
`;

/** Puts it in ffmpeg's place, in a folder that comes first on the PATH. @returns its path */
export async function takeOverFfmpeg(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const file = join(bin, 'ffmpeg');
  await writeFile(file, TAKEN_OVER);
  await chmod(file, 0o755);
  process.env['PATH'] = `${bin}${delimiter}${process.env['PATH']}`;
  return file;
}

/** Numbers of system calls by Node's name of the architecture. arm64 has `inotify_init1` alone. */
const CALLS = {
  x64: {
    mmap: 9,
    mprotect: 10,
    ptrace: 101,
    unshare: 272,
    memfd_create: 319,
    fallocate: 285,
    prlimit64: 302,
    socket: 41,
    open_tree_attr: 467,
    vmsplice: 278,
    splice: 275,
    tee: 276,
    sendfile: 40,
    io_setup: 206,
    seccomp: 317,
    prctl: 157,
    inotify_init: 253,
    inotify_init1: 294,
    move_pages: 279,
    migrate_pages: 256,
  },
  arm64: {
    mmap: 222,
    mprotect: 226,
    ptrace: 117,
    unshare: 97,
    memfd_create: 279,
    fallocate: 47,
    prlimit64: 261,
    socket: 198,
    open_tree_attr: 467,
    vmsplice: 75,
    splice: 76,
    tee: 77,
    sendfile: 71,
    io_setup: 0,
    seccomp: 277,
    prctl: 167,
    inotify_init: 26,
    inotify_init1: 26,
    move_pages: 239,
    migrate_pages: 238,
  },
} as const;
export const calls = CALLS[process.arch === 'arm64' ? 'arm64' : 'x64'];
