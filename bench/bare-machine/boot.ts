/**
 * A machine of the local EC2 that is more than a process: `node boot.ts TREE ASSETS_URL` starts a tree with its own
 * systemd, which runs our user data as cloud-init would. The environment is what the local EC2 gives to workers.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFile, renderUserData } from '../../lib/user-data.ts';
import { NODE_PACKAGES } from '../../lib/worker-bundle.ts';

/** Where every EC2 machine finds its metadata. In a container it is the local EC2's own. */
const METADATA = 'http://169.254.169.254';
/** Of a process here, and of no machine. */
const NOT_ITS_OWN = ['PATH', 'HOME'];

const [tree = '', assets = ''] = process.argv.slice(2);
const given = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value = '']) =>
    NOT_ITS_OWN.includes(name) ? [] : [[name, value]],
  ),
);
const settings = {
  ...given,
  SCRATCH_DIR: '/var/lib/spotreel/scratch',
  CAGE: 'required',
  IDLE_SECONDS: '20',
};
const script = renderUserData({
  MAX_LIFETIME_SECONDS: '3600',
  REGION: given['AWS_REGION'] ?? '',
  WORKER_URL: `${assets}/worker.mjs`,
  NODE_URL: `${assets}/node.tgz`,
  NODE_SHA256: NODE_PACKAGES[process.arch === 'arm64' ? 'arm64' : 'x86_64'].sha256,
  SPEECH_PACKAGES: '',
  WORKER_ENVIRONMENT: environmentFile(settings),
}).replace(METADATA, given['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? METADATA);

/** Runs it once, late in the boot. */
const UNIT = `[Unit]
After=dbus.service
[Service]
Type=oneshot
ExecStart=/var/lib/cloud/user-data
StandardOutput=journal+console
StandardError=journal+console
`;

const wants = join(tree, 'etc/systemd/system/multi-user.target.wants');
await mkdir(join(tree, 'var/lib/cloud'), { recursive: true });
await mkdir(wants, { recursive: true });
await writeFile(join(tree, 'var/lib/cloud/user-data'), script);
await chmod(join(tree, 'var/lib/cloud/user-data'), 0o755);
await writeFile(join(tree, 'etc/systemd/system/user-data.service'), UNIT);
await symlink('../user-data.service', join(wants, 'user-data.service'));

// No bus and no unit of the host's, for it may have no systemd itself.
const how = ['--register=no', '--keep-unit', '--console=pipe', '--boot', `--directory=${tree}`];
const machine = spawn('systemd-nspawn', how, { stdio: ['ignore', 'inherit', 'inherit'] });
process.on('SIGTERM', () => machine.kill('SIGTERM'));
machine.once('close', (code) => process.exit(code ?? 1));
