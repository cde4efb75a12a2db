/** What S3 acknowledged is whole after `kill -9`, its events included; what it did not is not to be seen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseS3Event } from '../../jobs/messages.ts';
import { eventually } from './support/processes.ts';
import { BUCKET as Bucket, newClient } from './support/s3.ts';

const MB = 1024 * 1024;
let dataDir: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spotreel-s3-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  await rm(dataDir, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly s3: S3Client;
  readonly lines: Interface;
  /** Keys of the events that were delivered. */
  readonly told: Set<string>;
}

async function start(queue: 'deliver' | 'refuse' = 'deliver'): Promise<Started> {
  const script = fileURLToPath(new URL('support/s3-child.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dataDir, queue], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const told = new Set<string>();
  const url = await new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('http')) resolve(line);
      else for (const { key } of parseS3Event(JSON.parse(line))) told.add(key);
    });
  });
  return { child, url, s3: newClient(url), lines, told };
}

/** An object's bytes follow from its key, so that anybody can tell whether it is whole. */
function contentOf(key: string): Buffer {
  const seed = createHash('sha256').update(key).digest();
  const size = seed.readUInt32BE() % (300 * 1024);
  return Buffer.alloc(size, seed);
}

async function bytesOf(s3: S3Client, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function keysOf(client: S3Client): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket }))
    keys.push(...Contents.map(({ Key = '' }) => Key));
  return keys;
}

/** A PUT that has sent half of its body and goes no further. */
async function halfPut(s3: S3Client, Key: string): Promise<void> {
  const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key }));
  const sending = request(url, { method: 'PUT', headers: { 'content-length': 2 * MB } });
  sending.on('error', () => {}); // the server will be killed
  await new Promise((resolve) => sending.write(Buffer.alloc(MB), resolve));
}

const blobs = () => readdir(join(dataDir, 'blobs'));

describe('a killed S3', () => {
  test('comes back with every object that it acknowledged, and no half one', async () => {
    const first = await start();
    await halfPut(first.s3, 'half');
    const acknowledged = new Set<string>();
    const begun = new Set<string>();
    const enough = Promise.withResolvers<void>();
    const writer = async (name: number) => {
      for (let index = 0; ; index++) {
        // Every third write replaces an object, every fifth is deleted again.
        const Key = `w${name}/${index % 3 === 2 ? index - 1 : index}`;
        begun.add(Key);
        await first.s3.send(new PutObjectCommand({ Bucket, Key, Body: contentOf(Key) }));
        acknowledged.add(Key);
        if (index % 5 === 4) {
          acknowledged.delete(Key);
          await first.s3.send(new DeleteObjectCommand({ Bucket, Key }));
          begun.delete(Key);
        }
        if (acknowledged.size > 60) enough.resolve();
      }
    };
    const writing = [1, 2, 3, 4].map(writer);
    await enough.promise;
    await kill(first.child);
    await Promise.allSettled(writing);

    const { s3 } = await start();
    const found = await keysOf(s3);
    expect([...acknowledged].filter((key) => !found.includes(key))).toEqual([]);
    // What was on its way may have been stored or deleted; what is there is whole.
    expect(found.filter((key) => !begun.has(key))).toEqual([]);
    const broken = [];
    for (const key of found) if (!(await bytesOf(s3, key)).equals(contentOf(key))) broken.push(key);
    expect(broken).toEqual([]);
    expect(await blobs()).toHaveLength(found.length);
  });

  test('goes on with a multipart upload, whose parts belong to the object once it is complete', async () => {
    const first = await start();
    const Key = 'film';
    const { UploadId } = await first.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const data = [Buffer.alloc(5 * MB, 1), Buffer.alloc(10, 2)];
    const Parts = [];
    for (const [index, Body] of data.entries()) {
      const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body };
      const { ETag } = await first.s3.send(new UploadPartCommand(part));
      Parts.push({ PartNumber: index + 1, ETag });
    }
    await kill(first.child);

    const second = await start();
    const parts = await second.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    expect(parts.Parts?.map(({ ETag }) => ETag)).toEqual(Parts.map(({ ETag }) => ETag));
    await second.s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    );
    await kill(second.child);

    const { s3 } = await start();
    await expect(s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
    expect((await bytesOf(s3, Key)).equals(Buffer.concat(data))).toBe(true);
    expect(await blobs()).toHaveLength(2);
  });

  test('still tells of every object that it acknowledged', async () => {
    const first = await start('refuse');
    const keys = Array.from({ length: 20 }, (_, index) => `uploads/${index} ü+`);
    await Promise.all(keys.map((Key) => first.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))));
    await kill(first.child);
    const { told } = await start('deliver');
    await eventually(() => (told.size === keys.length ? true : undefined));
    expect([...told].toSorted()).toEqual(keys.toSorted());
  });

  test('tells nobody again what its queue has taken, once that is on disk', async () => {
    const first = await start('deliver');
    await first.s3.send(new PutObjectCommand({ Bucket, Key: 'told', Body: 'x' }));
    await eventually(() => (first.told.size === 1 ? true : undefined));
    await first.s3.send(new PutObjectCommand({ Bucket, Key: 'also told', Body: 'x' })); // its answer is on disk
    await eventually(() => (first.told.size === 2 ? true : undefined));
    await first.s3.send(new DeleteObjectCommand({ Bucket, Key: 'also told' }));
    await kill(first.child);
    const second = await start('deliver');
    await second.s3.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' }));
    await eventually(() => (second.told.has('new') ? true : undefined));
    expect([...second.told]).toEqual(['new']);
  });

  test('sweeps what a crash left', async () => {
    const first = await start();
    await first.s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
    await kill(first.child);
    await writeFile(join(dataDir, 'blobs', 'nobody-refers-to-it'), 'x');
    const { s3 } = await start();
    expect(await blobs()).toHaveLength(1);
    expect(String(await bytesOf(s3, 'kept'))).toBe('kept');
  });
});

const hasProc = existsSync('/proc/self/status');
if (!hasProc) console.log('skipped: without /proc nobody tells how much memory a process had at most');
(hasProc ? test : test.skip)(
  'a body of any length takes less than 150 MB of memory, in and out',
  async () => {
    const { child, s3, url } = await start();
    const size = 400 * MB;
    const put = new PutObjectCommand({ Bucket, Key: 'large' });
    const sending = request(await getSignedUrl(s3, put), {
      method: 'PUT',
      headers: { 'content-length': size },
    });
    const answered = once(sending, 'response');
    const piece = Buffer.alloc(MB, 7);
    for (let sent = 0; sent < size; sent += piece.length)
      if (!sending.write(piece)) await once(sending, 'drain');
    sending.end();
    const [response] = await answered;
    response.resume();
    expect(response.statusCode).toBe(200);
    const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'large' }));
    expect(ContentLength).toBe(size);

    let received = 0;
    const get = await fetch(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'large' })));
    for await (const bytes of get.body ?? []) received += bytes.length;
    expect(received).toBe(size);
    // A reader that takes a little and rests must not make the server read on.
    const lazy = await fetch(
      await getSignedUrl(newClient(url), new GetObjectCommand({ Bucket, Key: 'large' })),
    );
    await lazy.body?.getReader().read();
    await sleep(200);

    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    console.log(`peak memory of S3: ${Math.round(peak / 1e6)} MB`);
    expect(peak).toBeLessThan(150e6);
  },
);
