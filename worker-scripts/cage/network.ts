/**
 * A network of its own for everything that runs in the cage: a loopback on which one socket listens, the worker's. It
 * has no other machine, no metadata endpoint, no resolver, and nothing else of this machine's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

export interface CageNetwork {
  /** Gets the connections that are made inside to 127.0.0.1 and the port. */
  readonly server: Server;
  /** What a command line begins with that is to run inside. */
  readonly enter: readonly string[];
}

/**
 * Runs inside, once: listens, says who it is and hands the socket over. A socket stays in the network in which it was
 * made, whichever process has it.
 */
const LISTENER = `
const server = require('node:net').createServer();
server.listen(Number(process.argv[1]), '127.0.0.1', () => process.send(process.pid, server));`;

const isRoot = (): boolean => process.getuid?.() === 0;

/** Root needs no user namespace to make others; anybody else is their owner in one. */
export const asOwner = (): string[] => (isRoot() ? [] : ['--unshare-user']);

/**
 * Makes the network. Throws an `Error` with bubblewrap's words where this machine does not let us.
 * @param port that is listened on inside
 */
export async function openNetwork(port: number): Promise<CageNetwork> {
  const apart = [...asOwner(), '--unshare-net', '--dev-bind', '/', '/', '--die-with-parent'];
  const listener = spawn('bwrap', [...apart, '--', process.execPath, '-e', LISTENER, `${port}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'] },
  });
  try {
    const complaint = listener.stderr && text(listener.stderr);
    const refused = once(listener, 'close').then(async () => {
      throw new Error((await complaint)?.trim() || 'bwrap did not let a process begin');
    });
    const [message, server] = await Promise.race([once(listener, 'message'), refused]);
    const pid = z.int().parse(message);
    if (!(server instanceof Server)) throw new Error('The cage gave no socket');
    // Open files keep a namespace when its last process is gone.
    const own = (namespace: string) =>
      `/proc/${process.pid}/fd/${openSync(`/proc/${pid}/ns/${namespace}`, 'r')}`;
    const user = isRoot() ? [] : [`--user=${own('user')}`, '--preserve-credentials'];
    return { server, enter: ['nsenter', `--net=${own('net')}`, ...user, '--'] };
  } finally {
    listener.kill('SIGKILL');
  }
}
