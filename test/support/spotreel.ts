/** Runs `spotreel local` as a user does: a process of its own, on free ports, with a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { ReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type VideoId, videoIdOf } from '../../jobs/names.ts';
import { CLI } from './cli.ts';
import { violations } from './conformance.ts';

export const UPLOAD_BUCKET = 'spotreel-uploads';
export const PRODUCTION_BUCKET = 'spotreel-production';

/** The README's key of the local platform. */
export const OWNER = { accessKeyId: 'local', secretAccessKey: 'local-secret' };

export interface VideoLine {
  readonly id: string;
  readonly state: string;
  readonly title: string;
  readonly playbackUrl?: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Runs `spotreel local --once --json` and gives its exit code and lines. What became ready is by the book. */
export async function runOnce(
  files: readonly string[],
  dataDir: string,
  ...options: string[]
): Promise<{ code: number | null; videos: VideoLine[] }> {
  const child = spawn(
    process.execPath,
    [CLI, 'local', '--once', '--json', '--port', '0', '--data', dataDir, ...options, ...files],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const denials = denialsOf(child.stderr);
  const videos: VideoLine[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => videos.push(JSON.parse(line)));
  const code = await new Promise<number | null>((done) => child.on('close', done));
  expectNone(denials);
  if (videos.some(({ state }) => state === 'ready')) await (await startSpotreel(dataDir)).interrupt();
  return { code, videos };
}

/** What a platform prints of calls that a role's policy lacks; the rest of it goes to our own output. */
function denialsOf(output: Readable): string[] {
  const denials: string[] = [];
  createInterface({ input: output }).on('line', (line) => {
    if (line.startsWith('IAM:')) denials.push(line);
    process.stderr.write(`${line}\n`);
  });
  return denials;
}

/** Throws where a role of a platform asked for what the stack does not allow it. */
function expectNone(denials: readonly string[]): void {
  if (denials.length > 0) throw new Error(`Policies lack permissions:\n${[...new Set(denials)].join('\n')}`);
}

/** What the API says of a video, as far as tests look. */
export interface ShownVideo {
  readonly state: string;
  readonly percent: number;
  readonly playbackUrl?: string;
  readonly failure?: { readonly code: string; readonly message: string };
  readonly findings?: readonly { readonly code: string }[];
}

export interface Spotreel {
  readonly url: string;
  readonly s3Url: string;
  readonly process: ChildProcess;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  queueUrl(name: string): string;
  /** The platform's own view of a video. */
  show(id: string): Promise<ShownVideo | undefined>;
  /** Waits until a video has ended: `ready`, or why it failed. */
  ended(id: string): Promise<string>;
  /** As Ctrl-C does, after a look at every stream that plays. Says the exit code. Throws where a role was denied a call. */
  interrupt(): Promise<number | null>;
}

/** Platforms that run: how each is ended. */
const running = new Map<ChildProcess, () => Promise<unknown>>();

/** Ends what tests left running, and waits for that: a child that outlives its test file keeps jest from ending. */
export async function stopAll(): Promise<void> {
  const ends = await Promise.allSettled([...running.values()].map((end) => end()));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/**
 * Throws where a stream that a platform plays is not by the book. It is asked at the end of every platform that a test
 * starts, so that no tree of the tests goes unchecked.
 */
export async function expectByTheBook({ s3, url }: Pick<Spotreel, 's3' | 'url'>): Promise<void> {
  const broken: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3 },
    { Bucket: PRODUCTION_BUCKET },
  )) {
    for (const { Key = '' } of Contents)
      if (Key.endsWith('/master.m3u8')) broken.push(...(await violations(`${url}/${Key}`)));
  }
  if (broken.length > 0)
    throw new Error(`The tests made streams that are not by the book:\n${broken.join('\n')}`);
}

/** Starts a platform that stays. */
export async function startSpotreel(dataDir: string, ...options: string[]): Promise<Spotreel> {
  const child = spawn(process.execPath, [CLI, 'local', '--port', '0', '--data', dataDir, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const denials = denialsOf(child.stderr);
  const closed = new Promise<number | null>((done) => child.on('close', done));
  const kill = () => {
    child.kill('SIGINT');
    return closed;
  };
  running.set(child, kill);
  void closed.then(() => running.delete(child));
  const endpoints = await new Promise<{ url: string; s3Url: string; sqsUrl: string }>((resolve, reject) => {
    child.on('close', (code) => reject(new Error(`spotreel local ended with code ${code}`)));
    let seen = '';
    child.stdout.on('data', (bytes) => {
      seen += bytes;
      const [, url] = /runs at (\S+)/.exec(seen) ?? [];
      const [, s3Url] = /S3\s+(\S+)/.exec(seen) ?? [];
      const [, sqsUrl] = /SQS\s+(\S+)/.exec(seen) ?? [];
      if (url && s3Url && sqsUrl) resolve({ url, s3Url, sqsUrl });
    });
  });
  const aws = { region: 'us-east-1', credentials: OWNER };
  const show = async (id: string): Promise<ShownVideo | undefined> => {
    const response = await fetch(`${endpoints.url}/api/videos/${id}`);
    return response.ok ? ((await response.json()) as ShownVideo) : undefined; // the tests check what they use
  };
  const spotreel: Spotreel = {
    ...endpoints,
    process: child,
    s3: new S3Client({ ...aws, endpoint: endpoints.s3Url, forcePathStyle: true }),
    sqs: new SQSClient({ ...aws, endpoint: endpoints.sqsUrl }),
    queueUrl: (name) => `${endpoints.sqsUrl}/000000000000/${name}`,
    show,
    async ended(id) {
      for (;;) {
        const video = await show(id);
        if (video?.state === 'ready') return 'ready';
        if (video?.state === 'failed') return `failed, ${video.failure?.code}: ${video.failure?.message}`;
        await sleep(250);
      }
    },
    async interrupt() {
      try {
        if (child.exitCode === null && child.signalCode === null) await expectByTheBook(spotreel);
      } finally {
        await kill();
      }
      expectNone(denials);
      return closed;
    },
  };
  running.set(child, () => spotreel.interrupt());
  return spotreel;
}

/** Uploads a source under a key, as somebody does who drops it. Gives the id of its video. */
export async function putSource(s3: S3Client, key: string, body: Buffer | ReadStream): Promise<VideoId> {
  const { ETag = '' } = await s3.send(new PutObjectCommand({ Bucket: UPLOAD_BUCKET, Key: key, Body: body }));
  return videoIdOf({ bucket: UPLOAD_BUCKET, key, etag: ETag.replaceAll('"', '') });
}

/** A folder for the time of a test file. */
export async function scratch(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'spotreel-e2e-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Every object below `v/<id>/`, by its key: SHA-256 of its bytes. */
export async function treeOf(s3: S3Client, id: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  const listing = { Bucket: PRODUCTION_BUCKET, Prefix: `v/${id}/` };
  for await (const page of paginateListObjectsV2({ client: s3 }, listing)) {
    for (const { Key = '' } of page.Contents ?? []) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: PRODUCTION_BUCKET, Key }));
      tree[Key] = createHash('sha256')
        .update((await Body?.transformToByteArray()) ?? '')
        .digest('hex');
    }
  }
  return tree;
}

/** Process ids of the workers below a process, by walking /proc. */
export async function workerPids(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  const workers: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8');
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      if (/worker-scripts\/worker\.ts\0?$/.test(command)) workers.push(Number(name));
    } catch {
      // it ended while we looked
    }
  }
  const below = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || below(parents.get(pid)));
  return workers.filter(below);
}
