/**
 * A machine of the local EC2 that is more than a process: `node boot.ts TREE ASSETS_URL` boots a tree with our user data. The
 * environment is what the local EC2 gives to workers.
 */
import { realpath } from 'node:fs/promises';
import { environmentFile, renderUserData } from '../../lib/user-data.ts';
import { installationFrom } from './assets.ts';
import { bootMachine } from './machine.ts';

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
const script = renderUserData(installationFrom(assets, given['AWS_REGION'] ?? ''), {
  MAX_LIFETIME_SECONDS: '3600',
  WORKER_ENVIRONMENT: environmentFile(settings),
});

const machine = await bootMachine(
  await realpath(tree),
  script,
  given['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? '',
);
process.on('SIGTERM', () => machine.kill('SIGTERM'));
machine.once('close', (code) => process.exit(code ?? 1));
