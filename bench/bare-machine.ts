/**
 * Boots machines as EC2 would, out of nothing: `npm run bare-machine`, as root on Debian, with the network for their
 * packages. A bare Debian tree on a disk of its own is started with its own systemd, which runs the user data that the
 * stack gives to EC2; the worker that comes out of it encodes a video for the local platform, and powers the machine off.
 * Then a copy of the tree is baked as EC2 Image Builder bakes an image, and does the same, sooner; and once more when its image
 * has become too old, and is renewed at boot.
 */
import { mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { videoStatus } from '../jobs/status.ts';
import { type LocalPlatform, REGION, startLocalPlatform } from '../local/platform.ts';
import { uploadFile } from '../local/upload.ts';
import { installationFrom, serveAssets } from './bare-machine/assets.ts';
import { age, bake } from './bare-machine/bake.ts';
import { SCRIPT } from './bare-machine/machine.ts';
import { copyTree, makeTree, readJournal, unmount, usedBytes } from './bare-machine/tree.ts';
import { clipOf } from './clip.ts';

/** What must be in a machine's journal. */
const SIGNS = ['spotreel: the worker runs', '"cage":"closed"', '"worker-ended"'];
/** And in that of a machine whose image does not have everything. */
const INSTALLS = 'spotreel: installs';

const BOOT = join(import.meta.dirname, 'bare-machine/boot.ts');

const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

/** Waits until all machines that the platform asked for have ended. */
async function machinesEnd({ ec2 }: LocalPlatform, count: number): Promise<void> {
  for (;;) {
    const ended = ec2.instances().filter(({ state }) => state === 'terminated');
    if (ended.length >= count) return;
    await sleep(1000);
  }
}

/** Seconds from a machine's boot to its first task. */
async function bootSeconds(tree: string, journal: string): Promise<number> {
  const [, started = ''] = /"time":"([^"]+)"[^\n]*"event":"task-started"/.exec(journal) ?? [];
  return (Date.parse(started) - (await stat(join(tree, SCRIPT))).mtimeMs) / 1000;
}

const file = resolve(await clipOf(process.argv[2]));
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bare-machine-'));
/** Where the next machine's tree is. */
const next = join(folder, 'next');
const trees: string[] = [];
try {
  say('a bare tree is made');
  const plain = await makeTree(folder, 'plain');
  trees.push(plain);
  const baked = await copyTree(folder, 'plain', 'baked');
  trees.push(baked);
  const assets = await serveAssets();
  const installation = installationFrom(assets.url, REGION);
  say('a copy is baked');
  await bake(baked, installation);
  const megabytes = ((await usedBytes(baked)) - (await usedBytes(plain))) / 1e6;
  say(`baking added ${Math.round(megabytes)} MB`);

  const platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder, 'data'),
    workers: 1,
    machine: (worker) => ({ ...worker, args: [BOOT, next, assets.url] }),
  });
  try {
    const seconds = new Map<string, number>();
    for (const { image, tree, days, installs } of [
      { image: 'plain', tree: plain, days: 0, installs: true },
      { image: 'pre-baked', tree: baked, days: 0, installs: false },
      { image: 'pre-baked, too old', tree: baked, days: 31, installs: true },
    ]) {
      if (days > 0) await age(tree, installation, days);
      await rm(next, { force: true });
      await symlink(tree, next);
      // A file of the same name would be the same video, which is ready.
      const upload = join(folder, `${seconds.size}-${basename(file)}`);
      await symlink(file, upload);
      const video = await uploadFile(platform.s3, platform.uploadBucket, upload);
      say(`video ${video} is uploaded; a machine boots (its image: ${image}), encodes it and ends`);
      await machinesEnd(platform, seconds.size + 1);
      const state = (await videoStatus(platform.stores, video))?.state;
      say(`the machine has ended; the video is ${state}`);
      const journal = readJournal(tree);
      const missing = SIGNS.filter((sign) => !journal.includes(sign));
      if (state !== 'ready' || missing.length > 0 || journal.includes(INSTALLS) !== installs)
        throw new Error(
          `The machine's journal lacks [${missing.join(', ')}], or tells of an installation where none should be, or of none\n${journal.slice(-8000)}`,
        );
      seconds.set(image, await bootSeconds(tree, journal));
    }
    const [reference = 0] = seconds.values();
    console.log('\nseconds from boot to the first task, by image');
    for (const [image, own] of seconds)
      console.log(`${image.padEnd(20)} ${own.toFixed(1).padStart(6)}   x ${(own / reference).toFixed(2)}`);
  } finally {
    await platform.close();
    assets.close();
  }
} finally {
  for (const tree of trees) unmount(tree);
  await rm(folder, { recursive: true });
}
