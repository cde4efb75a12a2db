/** Disks of machines, mounted: each a bare Debian with nothing in it but what Ubuntu's images have, too. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a root volume: room for the packages, and for the swap that takes half of the rest. */
const DISK_BYTES = 6 * 2 ** 30;
/** What Ubuntu's images have and Debian's smallest tree has not. */
const PACKAGES = ['systemd-sysv', 'dbus', 'curl', 'ca-certificates', 'python3'];
const DISTRIBUTION = { suite: 'bookworm', mirror: 'http://deb.debian.org/debian' };

/** Where systemd keeps its journal for good, if the folder is there. */
const JOURNAL = 'var/log/journal';

const run = (command: string, ...args: readonly string[]): void => {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
};

async function mount(disk: string, tree: string): Promise<string> {
  await mkdir(tree);
  run('mount', '-o', 'loop', disk, tree);
  return tree;
}

/** Makes a disk in a folder. @returns where it is mounted */
export async function makeTree(folder: string, name: string): Promise<string> {
  const disk = join(folder, `${name}.disk`);
  run('truncate', `--size=${DISK_BYTES}`, disk);
  run('mkfs.ext4', '-q', disk);
  const tree = await mount(disk, join(folder, name));
  const { suite, mirror } = DISTRIBUTION;
  run('debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, tree, mirror);
  await mkdir(join(tree, JOURNAL), { recursive: true });
  return tree;
}

/** Makes a disk that is a copy of another, which must not be in use. @returns where it is mounted */
export async function copyTree(folder: string, from: string, name: string): Promise<string> {
  const disk = join(folder, `${name}.disk`);
  run('sync', '--file-system', join(folder, from));
  run('cp', '--sparse=always', join(folder, `${from}.disk`), disk);
  return mount(disk, join(folder, name));
}

export const unmount = (tree: string) => spawnSync('umount', [tree]);

/** Takes away what is of one machine, as Image Builder's clean-up script does: its id and its journal. */
export async function cleanUp(tree: string): Promise<void> {
  await truncate(join(tree, 'etc/machine-id'));
  for (const name of await readdir(join(tree, JOURNAL)))
    await rm(join(tree, JOURNAL, name), { recursive: true });
}

/** What the machine's units said, oldest first. */
export const readJournal = (tree: string): string =>
  execFileSync('journalctl', ['--output=cat', '--no-pager', `--directory=${join(tree, JOURNAL)}`], {
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });

/** Bytes that are taken of the disk. */
export async function usedBytes(tree: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(tree);
  return (blocks - bfree) * bsize;
}
