/** The command line, against a whole platform: each command as a person types it. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpotreelClient } from '../../api/client/index.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { UNNAMED_MS } from '../../video/trace/waits.ts';
import { eventually } from '../local/support/processes.ts';
import { jsonOfCli, runCli, startCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { partFaults } from '../support/parts.ts';
import { expectByTheBook, scratch } from '../support/spotreel.ts';

const MiB = 1024 ** 2;

let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;
let client: SpotreelClient;
/** Numbers of the parts that S3 was sent. */
let partsSent: number[] = [];
/** Milliseconds that S3 takes to answer a part. */
let partMs = 0;

beforeAll(async () => {
  folder = await scratch();
  process.env['XDG_STATE_HOME'] = join(folder.path, 'state');
  platform = await startLocalPlatform({
    port: 0,
    dataDir: join(folder.path, 'data'),
    workers: 1,
    faults: partFaults((part) => {
      partsSent.push(part);
      return { slowMs: partMs };
    }),
  });
  process.env['SPOTREEL_URL'] = platform.url;
  client = new SpotreelClient({ url: platform.url });
});
afterAll(async () => {
  try {
    await expectByTheBook(platform);
  } finally {
    await platform.close();
    delete process.env['SPOTREEL_URL'];
    delete process.env['XDG_STATE_HOME'];
    await folder.remove();
  }
});

/** A file of random bytes: no video, but an upload like any other. */
async function randomFile(name: string, size: number): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, randomBytes(size));
  return path;
}

async function clip(name: string, seconds = 4): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(join(path, '..'), { recursive: true });
  await ffmpeg('-f', 'lavfi', '-i', `testsrc2=size=160x120:rate=25:duration=${seconds}`, path);
  return path;
}

/** Ids of the uploads that the command line remembers. */
async function unfinished(): Promise<string[]> {
  const state = join(folder.path, 'state', 'spotreel', 'uploads');
  const names = await readdir(state).catch(() => []);
  return Promise.all(names.map((name) => readFile(join(state, name), 'utf8')));
}

/** Whether an uploaded object is this file, byte for byte. */
async function isUploaded(id: string, file: string): Promise<boolean> {
  const { uploads } = platform.stores;
  let offset = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 16 * MiB }) as AsyncIterable<Buffer>) {
    const there = await uploads.getRange(`uploads/${id}/source`, offset, chunk.length);
    if (!there.equals(chunk)) return false;
    offset += chunk.length;
  }
  return (await client.showVideo(id)).sourceBytes === offset;
}

describe('upload', () => {
  test('killed in the middle, goes on with the parts that are missing alone', async () => {
    const file = await randomFile('big.mov', 100 * MiB);
    partMs = 300;
    const { child, ended } = startCli(['upload', file]);
    while (partsSent.length < 6) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    const [id = ''] = await unfinished();
    const { parts, partCount } = await client.listParts(id);
    const there = parts.map(({ number }) => number);
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(partCount);

    partMs = 0;
    partsSent = [];
    const [again] = await jsonOfCli(['upload', file]);
    expect(again).toMatchObject({ file, id, state: 'uploaded' });
    expect(partsSent.filter((number) => there.includes(number))).toEqual([]);
    expect(partsSent.length).toBeLessThan(partCount);
    expect(await isUploaded(id, file)).toBe(true);
    expect(await unfinished()).toEqual([]);
  });

  test('whose beginning the platform dropped begins again', async () => {
    const file = await randomFile('dropped.mov', 70 * MiB);
    partMs = 300;
    partsSent = [];
    const { child, ended } = startCli(['upload', file]);
    while (partsSent.length === 0) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    partMs = 0;
    const [id = ''] = await unfinished();
    await client.abortUpload(id);
    const [again] = await jsonOfCli(['upload', file]);
    expect(again.id).not.toBe(id);
    expect(await isUploaded(again.id, file)).toBe(true);
  });

  test('of a gigabyte needs the memory of a few parts', async () => {
    const file = await randomFile('huge.mov', 1);
    await truncate(file, 1024 * MiB);
    const { child, ended } = startCli(['upload', file]);
    let peak = 0;
    const timer = setInterval(async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
    }, 20);
    const { code } = await ended;
    clearInterval(timer);
    expect(code).toBe(0);
    expect(peak).toBeGreaterThan(0);
    expect(peak * 1024).toBeLessThan(400 * MiB);
  });

  test('takes files, folders and patterns, and --wait sees all of them ready', async () => {
    const one = await clip('footage/one.mp4');
    const two = await clip('footage/deep/two.mkv');
    await writeFile(join(folder.path, 'footage', 'notes.txt'), 'no video');
    await writeFile(join(folder.path, 'footage', '._one.mp4'), 'what macOS leaves');
    const lines = await jsonOfCli([
      'upload',
      join(folder.path, 'footage'),
      join(folder.path, '**/o*.mp4'),
      '--wait',
    ]);
    expect(lines.map(({ file }) => file).toSorted()).toEqual([two, one].toSorted());
    expect(lines.map(({ state, title }) => [state, title]).toSorted()).toEqual([
      ['ready', 'one.mp4'],
      ['ready', 'two.mkv'],
    ]);
    expect((await fetch(lines[0].playbackUrl)).status).toBe(200);
  });

  test('says what is no video, goes on with the others, and ends with 1', async () => {
    const bad = await randomFile('noise.mp4', 1000);
    const good = await clip('good.mp4');
    const { code, stdout } = await runCli(['upload', bad, good, '--wait']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/good.mp4: ready\n/);
    expect(stdout).toMatch(/noise.mp4: failed \(\S+\)\. /);
  });

  test.each([
    ['a path where nothing is', ['nowhere.mp4'], /'nowhere\.mp4' is no file/],
    ['a title for two files', ['A', 'B', '--title', 'x'], /--title is for one file/],
    ['an empty file', ['EMPTY'], /is empty/],
  ])('refuses %s with 2', async (_, args, words) => {
    const files: Record<string, string> = {
      A: await randomFile('a.mp4', 10),
      B: await randomFile('b.mp4', 10),
      EMPTY: await randomFile('empty.mp4', 0),
    };
    const { code, stderr } = await runCli(['upload', ...args.map((arg) => files[arg] ?? arg)]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(words) });
  });
});

describe('a video', () => {
  let id: string;
  beforeAll(async () => {
    const [line] = await jsonOfCli(['upload', await clip('film.mp4'), '--title', 'Our film', '--wait']);
    id = line.id;
  });

  test('is listed, newest first, as far as asked for', async () => {
    const videos = await jsonOfCli(['list', '--state', 'ready', '--limit', '2']);
    expect(videos).toHaveLength(2);
    expect(videos[0]).toMatchObject({ id, state: 'ready' });
    const { stdout, stderr } = await runCli(['list', '--limit', '1']);
    expect(stdout).toContain(id);
    expect(stderr).toContain('There are more');
  });

  test('is shown', async () => {
    const { stdout } = await runCli(['show', id]);
    expect(stdout).toContain(`${platform.url}/watch?v=${id}`);
    expect(stdout).toMatch(/length +0:04/);
    const [shown] = await jsonOfCli(['show', id]);
    expect(shown).toEqual(await client.showVideo(id));
  });

  test('has a trace from upload to publish: each moment is work, or a wait that has a name', async () => {
    const trace = await eventually(async () => {
      const told = await client.showTrace(id);
      return told.state === 'ready' ? told : undefined;
    });
    const [whole, ...parts] = trace.spans;
    expect(whole?.attributes).toMatchObject({ video: id, videoSeconds: 4 });
    for (const name of ['upload', 'plan', 'chunk', 'stills', 'publish'])
      expect(parts.map((part) => part.name)).toContain(name);
    let reached = Date.parse(whole?.startedAt ?? '');
    for (const { startedAt, finishedAt } of parts) {
      expect(Date.parse(startedAt) - reached).toBeLessThan(UNNAMED_MS);
      reached = Math.max(reached, Date.parse(finishedAt));
    }
    expect(Date.parse(whole?.finishedAt ?? '') - reached).toBeLessThan(UNNAMED_MS);

    const { stdout } = await runCli(['trace', id]);
    expect(stdout).toContain(`${id}, revision ${trace.revision}: ready after`);
    expect(stdout).toMatch(/\d\.\d {2}chunk-00000 +█/);
    const [otlp] = await jsonOfCli(['trace', id]);
    const ids = trace.spans.map((span) => span.id).toSorted();
    const exported: { spanId: string }[] = otlp.resourceSpans[0].scopeSpans[0].spans;
    expect(exported.map(({ spanId }) => spanId).toSorted()).toEqual(ids);

    const sent = join(folder.path, 'data/xray', `1-${trace.id.slice(0, 8)}-${trace.id.slice(8)}`);
    await eventually(async () => {
      const files = await readdir(sent).catch(() => []);
      return files.length === ids.length ? files : undefined;
    });
    expect((await readdir(sent)).toSorted()).toEqual(ids.map((one) => `${one}.json`));
    const page = await (await fetch(`${platform.url}/metrics`)).text();
    expect(page).toContain('<summary>Our film: ready after');
  });

  test('is watched to its end, also while it is encoded anew', async () => {
    const [{ revision }] = await jsonOfCli(['reencode', id, '--settings', '{"preset":"superfast"}']);
    const seen = await jsonOfCli(['watch', id]);
    expect(seen.at(-1)).toMatchObject({ state: 'ready', revision });
  });

  test('is opened in a browser', async () => {
    const bin = join(folder.path, 'bin');
    const opened = join(folder.path, 'opened');
    await mkdir(bin);
    await writeFile(join(bin, 'xdg-open'), `#!/bin/sh\necho "$1" > ${opened}\n`);
    await chmod(join(bin, 'xdg-open'), 0o755);
    const { stdout } = await runCli(['open', id], { PATH: `${bin}${delimiter}${process.env['PATH']}` });
    const page = `${platform.url}/watch?v=${id}`;
    expect(stdout).toBe(`${page}\n`);
    let text = '';
    while (text === '') {
      await sleep(20);
      text = await readFile(opened, 'utf8').catch(() => '');
    }
    expect(text).toBe(`${page}\n`);
  });

  test('is deleted only if that is meant', async () => {
    const asked = await runCli(['delete', id]);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect((await client.showVideo(id)).state).toBe('ready');
    const { code } = await runCli(['delete', id, '--yes']);
    expect(code).toBe(0);
    expect((await runCli(['show', id])).code).toBe(1);
  });
});

test('tokens are made, listed and revoked', async () => {
  const { stdout } = await runCli(['token', 'create', 'laptop', '--scope', 'read', 'upload']);
  expect(stdout).toMatch(/^spr_\S+\n$/);
  const [listed] = await jsonOfCli(['token', 'list']);
  expect(listed).toMatchObject({ name: 'laptop', scopes: ['read', 'upload'] });
  const token = stdout.trim();
  expect((await runCli(['list'], { SPOTREEL_TOKEN: token })).code).toBe(0);
  const denied = await runCli(['delete', 'x'.repeat(20), '--yes', '--token', token]);
  expect(denied).toMatchObject({ code: 4, stderr: expect.stringContaining("scope 'admin'") });
  expect((await runCli(['token', 'revoke', listed.id])).code).toBe(0);
  expect(await jsonOfCli(['token', 'list'])).toEqual([]);
  const unknown = await runCli(['list', '--token', 'spr_nobody']);
  expect(unknown).toMatchObject({ code: 4, stderr: expect.stringContaining('spotreel token create') });
});

test('a platform that is not there is told in a sentence, with 3', async () => {
  const { code, stderr } = await runCli(['list', '--url', 'http://127.0.0.1:9']);
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr:
      'Nothing answers at http://127.0.0.1:9: start it with spotreel local (npm start), or name another platform with --url or SPOTREEL_URL\n',
  });
});
