/** EC2 with one instance in a process of its own, so that a test can kill it: `node ec2-host.ts LOG_DIRECTORY`. */
import { fileURLToPath } from 'node:url';
import { startEc2 } from '../../../local/ec2/ec2.ts';

const [logDir] = process.argv.slice(2);
if (!logDir) throw new Error('usage: node ec2-host.ts LOG_DIRECTORY');
const ec2 = await startEc2({
  port: 0,
  region: 'eu-test-1',
  maxInstances: 1,
  vcpusPerInstance: 1,
  worker: {
    command: process.execPath,
    args: [fileURLToPath(new URL('ec2-worker.ts', import.meta.url)), 'parent'],
    env: {},
    logDir,
  },
  credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' },
});
const body = new URLSearchParams({
  Action: 'CreateFleet',
  Type: 'instant',
  'LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId': 'lt-1',
  'LaunchTemplateConfigs.1.Overrides.1.InstanceType': 'c7g.large',
  'TargetCapacitySpecification.TotalTargetCapacity': '1',
});
await fetch(ec2.url, { method: 'POST', body });
console.log(ec2.instances()[0]?.logFile);
