/** A machine: a tree that is booted with its own systemd, which runs a script once, as cloud-init does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where every EC2 machine finds its metadata. In a container it is the local EC2's own. */
const METADATA = 'http://169.254.169.254';

/** Within a tree. It is written just before the boot. */
export const SCRIPT = 'var/lib/cloud/user-data';

/** Runs it once, late in the boot. */
const UNIT = `[Unit]
After=dbus.service
[Service]
Type=oneshot
ExecStart=/${SCRIPT}
StandardOutput=journal+console
StandardError=journal+console
`;

/** Boots a tree. @param metadata URL of the machine's metadata service */
export async function bootMachine(tree: string, script: string, metadata: string): Promise<ChildProcess> {
  const wants = join(tree, 'etc/systemd/system/multi-user.target.wants');
  await mkdir(join(tree, 'var/lib/cloud'), { recursive: true });
  await mkdir(wants, { recursive: true });
  await writeFile(join(tree, 'etc/systemd/system/user-data.service'), UNIT);
  await rm(join(wants, 'user-data.service'), { force: true });
  await symlink('../user-data.service', join(wants, 'user-data.service'));
  await rm(join(tree, SCRIPT), { force: true });
  await writeFile(join(tree, SCRIPT), script.replace(METADATA, metadata), { mode: 0o755 });

  // No bus and no unit of the host's, for it may have no systemd itself.
  const how = ['--register=no', '--keep-unit', '--console=pipe', '--boot', `--directory=${tree}`];
  return spawn('systemd-nspawn', how, { stdio: ['ignore', 'inherit', 'inherit'] });
}
