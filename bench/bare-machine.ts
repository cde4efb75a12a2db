/**
 * Boots a machine as EC2 would, out of nothing: `npm run bare-machine`, as root on Debian, with the network for its
 * packages. A bare Debian tree on a disk of its own is started with its own systemd, which runs the user data that the
 * stack gives to EC2; the worker that comes out of it encodes a video for the local platform, and powers the machine off.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { videoStatus } from '../jobs/status.ts';
import { bundleWorker, nodeTarball } from '../lib/worker-bundle.ts';
import { type LocalPlatform, startLocalPlatform } from '../local/platform.ts';
import { uploadFile } from '../local/upload.ts';
import { clipOf } from './clip.ts';

/** Of a root volume: room for the packages, and for the swap that takes half of the rest. */
const DISK_BYTES = 6 * 2 ** 30;
/** What Ubuntu's images have and Debian's smallest tree has not. */
const PACKAGES = ['systemd-sysv', 'dbus', 'curl', 'ca-certificates', 'python3'];
const DISTRIBUTION = { suite: 'bookworm', mirror: 'http://deb.debian.org/debian' };
/** What must be in the machine's journal. */
const SIGNS = ['spotreel: the worker runs', '"cage":"closed"', '"worker-ended"'];

/** Where systemd keeps its journal for good, if the folder is there. */
const JOURNAL = 'var/log/journal';

const BOOT = join(import.meta.dirname, 'bare-machine/boot.ts');

const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
const run = (command: string, ...args: readonly string[]): void => {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Makes a disk with a bare tree, mounted. */
async function makeDisk(folder: string, tree: string): Promise<void> {
  const disk = join(folder, 'disk');
  await mkdir(tree);
  run('truncate', `--size=${DISK_BYTES}`, disk);
  run('mkfs.ext4', '-q', disk);
  run('mount', '-o', 'loop', disk, tree);
  const { suite, mirror } = DISTRIBUTION;
  run('debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, tree, mirror);
  await mkdir(join(tree, JOURNAL), { recursive: true });
}

/** What the machine's units said, oldest first. */
const readJournal = (tree: string): string =>
  execFileSync('journalctl', ['--output=cat', '--no-pager', `--directory=${join(tree, JOURNAL)}`], {
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });

/** Serves what CDK's bucket of assets has: the worker, and its Node. */
async function serveAssets(): Promise<{ url: string; close: () => void }> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-assets-'));
  bundleWorker(join(folder, 'worker.mjs'));
  const files: Readonly<Record<string, Buffer>> = {
    '/worker.mjs': await readFile(join(folder, 'worker.mjs')),
    '/node.tgz': await readFile(nodeTarball(process.arch === 'arm64' ? 'arm64' : 'x86_64')),
  };
  await rm(folder, { recursive: true });
  const server = createServer((request, response) => {
    const file = files[request.url ?? ''];
    response.writeHead(file ? 200 : 404).end(file);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Waits until the machine that the platform asked for has ended. */
async function machineEnd({ ec2 }: LocalPlatform): Promise<void> {
  for (;;) {
    const [machine] = ec2.instances();
    if (machine?.state === 'terminated') return;
    await sleep(1000);
  }
}

const file = await clipOf(process.argv[2]);
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bare-machine-'));
const tree = join(folder, 'tree');
try {
  say('a bare tree is made');
  await makeDisk(folder, tree);
  const assets = await serveAssets();
  const platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder, 'data'),
    workers: 1,
    machine: (worker) => ({ ...worker, args: [BOOT, tree, assets.url] }),
  });
  try {
    const video = await uploadFile(platform.s3, platform.uploadBucket, file);
    say(`video ${video} is uploaded; a machine boots, encodes it and ends`);
    await machineEnd(platform);
    const state = (await videoStatus(platform.stores, video))?.state;
    say(`the machine has ended; the video is ${state}`);
    const journal = readJournal(tree);
    const missing = SIGNS.filter((sign) => !journal.includes(sign));
    if (state !== 'ready' || missing.length > 0)
      throw new Error(`Not in the machine's journal: ${missing.join(', ')}\n${journal.slice(-8000)}`);
  } finally {
    await platform.close();
    assets.close();
  }
} finally {
  spawnSync('umount', [tree]);
  await rm(folder, { recursive: true });
}
