/**
 * Remembers uploads that have not ended, a small file each, so that the same command goes on with them after it was
 * killed. They lie in the user's state folder (https://specifications.freedesktop.org/basedir-spec/latest/).
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Days after which hardly a platform still has what was sent: a day by default, as many as its owner set otherwise (docs/lifecycle.md). */
const KEPT_DAYS = 90;

/** What makes an upload the same upload: a file that was touched is another one. */
export interface UploadIdentity {
  readonly platform: string;
  /** Absolute. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly title?: string | undefined;
}

function folder(): string {
  const { XDG_STATE_HOME = '' } = process.env;
  const state = isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(homedir(), '.local', 'state');
  return join(state, 'spotreel', 'uploads');
}

function fileOf({ platform, path, size, mtimeMs, title }: UploadIdentity): string {
  const identity = JSON.stringify([platform, path, size, mtimeMs, title]);
  return join(folder(), createHash('sha256').update(identity).digest('hex').slice(0, 32));
}

/** The id of the upload that was begun; undefined where there is none. */
export async function recall(identity: UploadIdentity): Promise<string | undefined> {
  return readFile(fileOf(identity), 'utf8').catch(() => undefined);
}

export async function remember(identity: UploadIdentity, id: string): Promise<void> {
  await mkdir(folder(), { recursive: true, mode: 0o700 });
  await writeFile(fileOf(identity), id, { mode: 0o600 });
}

export async function forget(identity: UploadIdentity): Promise<void> {
  await rm(fileOf(identity), { force: true });
}

/** Drops what no platform knows any more. */
export async function forgetOld(now: number): Promise<void> {
  for (const name of await readdir(folder()).catch(() => [])) {
    const path = join(folder(), name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now }));
    if (now - mtimeMs > KEPT_DAYS * 24 * 3_600_000) await rm(path, { force: true });
  }
}
