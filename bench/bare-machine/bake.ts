/** Machine images: trees that are baked. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Installation, renderBake, stampOf } from '../../lib/user-data.ts';
import { startMetadata } from '../../local/ec2/metadata.ts';
import { REGION } from '../../local/platform.ts';
import { bootMachine } from './machine.ts';
import { cleanUp, readJournal } from './tree.ts';

const DAY_SECONDS = 86_400;
/** Of the machine that an image is made of; no file of the image may have it. */
const SECRET = 'the-secret-of-the-machine-that-bakes';

/** Makes of a tree what Image Builder makes of a machine: boots it, has it run the component's script, and cleans up. */
export async function bake(tree: string, installation: Installation): Promise<void> {
  const metadata = await startMetadata({
    instanceId: 'i-00000000000000000',
    instanceType: 'local.machine',
    lifecycle: 'on-demand',
    region: REGION,
    availabilityZone: `${REGION}a`,
    launchTime: new Date(),
    credentials: { accessKeyId: 'baker', secretAccessKey: SECRET, sessionToken: SECRET },
  });
  const script = `#!/bin/bash\ntrap 'systemctl poweroff' EXIT\n${renderBake(installation)}`;
  const machine = await bootMachine(tree, script, metadata.url);
  await once(machine, 'close');
  await metadata.close();
  if (!existsSync(join(tree, stampOf(installation))))
    throw new Error(`The image could not be baked:\n${readJournal(tree).slice(-8000)}`);
  await cleanUp(tree);
  const { status, stdout } = spawnSync('grep', ['-rlF', SECRET, tree], { encoding: 'utf8' });
  if (status !== 1) throw new Error(`A secret is in the image: ${stdout}`);
}

/** Makes an image look as if it had been baked so many days ago. */
export async function age(tree: string, installation: Installation, days: number): Promise<void> {
  const then = Date.now() / 1000 - days * DAY_SECONDS;
  await utimes(join(tree, stampOf(installation)), then, then);
  await cleanUp(tree);
}
