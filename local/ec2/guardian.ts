/**
 * Runs an instance's worker in a process group of its own and sees that nothing of it outlives the laptop's EC2:
 * `node guardian.ts GRACE_MS COMMAND ARGUMENT...`. Lines on its standard input tell it to `terminate` the group
 * (SIGTERM, SIGKILL after the grace time) or to `kill` it; the input's end, which also comes when whoever holds
 * the other end is killed, is a `kill`. The worker's environment and output are its own.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a shell answers for a command that cannot be run. */
const NOT_STARTED = 127;

const [graceMs, command, ...args] = process.argv.slice(2);
if (!command) throw new Error('usage: node guardian.ts GRACE_MS COMMAND ARGUMENT...');

const worker = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
const { pid } = worker;

/** Signals the worker and all that it started; its group is gone when the last of them is. */
function signalGroup(signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function terminate(): void {
  signalGroup('SIGTERM');
  setTimeout(signalGroup, Number(graceMs), 'SIGKILL').unref();
}

worker.once('error', (error) => {
  console.error(`The worker cannot be started: ${error.message}`);
  process.exit(NOT_STARTED);
});
worker.once('exit', (code) => {
  // What the worker leaves behind, an encoder for example, goes with its machine.
  signalGroup('SIGKILL');
  process.exit(code ?? 1);
});

const orders = createInterface({ input: process.stdin });
orders.on('line', (order) => (order === 'terminate' ? terminate() : signalGroup('SIGKILL')));
orders.once('close', () => signalGroup('SIGKILL'));
