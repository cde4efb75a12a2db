/** Opens a page in the user's browser. */
import { spawn } from 'node:child_process';

/** What opens an address, by system; every other one has freedesktop.org's. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['explorer'],
};
const OPENER = ['xdg-open'] as const;

/** Says whether this machine has something that opens it. */
export function openPage(url: string): Promise<boolean> {
  const [command, ...args] = OPENERS[process.platform] ?? OPENER;
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.unref();
  return new Promise((done) => {
    child.on('error', () => done(false));
    child.on('spawn', () => done(true));
  });
}
