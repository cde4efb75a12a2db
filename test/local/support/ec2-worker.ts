/** Stands for the worker in tests: `node ec2-worker.ts WAY`; prints one line of JSON. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { S3Client } from '@aws-sdk/client-s3';

const stay = () => setInterval(() => {}, 60_000);
const say = (value: unknown) => console.log(JSON.stringify(value));

const WAYS: Readonly<Record<string, () => unknown>> = {
  environment() {
    say({ env: process.env, cores: availableParallelism() });
    stay();
  },
  /** The SDK's default chain, as the real worker uses it. */
  async credentials() {
    say(await new S3Client({}).config.credentials());
    stay();
  },
  /** Which of this computer's cores are its own; Linux only. */
  async cores() {
    const status = await readFile('/proc/self/status', 'utf8');
    say(/Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1]);
    stay();
  },
  exit: () => say('bye'),
  /** Does not end at SIGTERM, but says that it came. */
  stubborn() {
    process.on('SIGTERM', () => say('SIGTERM'));
    say('ready');
    stay();
  },
  /** Has a child, as the worker has its encoders. */
  parent() {
    const { pid } = spawn('sleep', ['600'], { stdio: 'ignore' });
    say({ pids: [process.pid, pid] });
    stay();
  },
  /** Ends, and leaves its child behind. */
  careless() {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    child.unref();
    say({ pids: [child.pid] });
  },
};

await WAYS[process.argv[2] ?? '']?.();
