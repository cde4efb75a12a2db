/** Starts what the local services are compared with, and asks both in the same way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SERVER = join(import.meta.dirname, 'server.ts');

/** @param folder for what is PUT; it is made */
export async function startBareServer(folder: string): Promise<{ url: string; end: () => void }> {
  await mkdir(folder);
  const child = spawn(process.execPath, [SERVER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]; // of readline
  return { url, end: () => child.kill() };
}

/** Asks, and reads the whole answer. @returns its bytes. Throws where it is a refusal */
export async function ask(url: string, init?: RequestInit): Promise<Uint8Array> {
  const response = await fetch(url, init);
  const bytes = await response.bytes();
  if (!response.ok) throw new Error(`${init?.method ?? 'GET'} was refused with ${response.status}`);
  return bytes;
}
