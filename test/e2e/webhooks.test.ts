/** Webhooks against a whole platform: the receiver of docs/webhooks.md, and each command as a person types it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { eventually } from '../local/support/processes.ts';
import { jsonOfCli, runCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { expectByTheBook, scratch } from '../support/spotreel.ts';
import { startReceiver, verified } from '../support/webhooks.ts';

const ROOT = join(import.meta.dirname, '../..');

let folder: Awaited<ReturnType<typeof scratch>>;
let platform: LocalPlatform;
let example: ChildProcess | undefined;

beforeAll(async () => {
  folder = await scratch();
  process.env['XDG_STATE_HOME'] = join(folder.path, 'state');
  platform = await startLocalPlatform({ port: 0, dataDir: join(folder.path, 'data'), workers: 1 });
  process.env['SPOTREEL_URL'] = platform.url;
});
afterAll(async () => {
  try {
    await expectByTheBook(platform);
  } finally {
    example?.kill();
    await platform.close();
    delete process.env['SPOTREEL_URL'];
    delete process.env['XDG_STATE_HOME'];
    await folder.remove();
  }
});

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no address');
  return address.port;
}

/** Runs the documentation's receiver. @returns the lines that it prints */
async function runExample(secret: string, port: number): Promise<string[]> {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(await readFile(join(ROOT, 'docs/webhooks.md'), 'utf8')) ?? [];
  const lines: string[] = [];
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SPOTREEL_SECRET: secret, PORT: String(port) },
  });
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  example = child;
  await eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' }).catch(
      () => undefined,
    );
    return answer?.status === 400 ? true : undefined; // it is no event
  });
  return lines;
}

const upload = async (file: string): Promise<string> => {
  const { stdout } = await runCli(['upload', file, '--wait', '--json']);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '').id;
};

test('the documentation’s receiver hears of a video from its upload to its deletion, and of one that fails', async () => {
  const port = await freePort();
  const [added] = await jsonOfCli(['webhooks', 'add', `http://localhost:${port}/spotreel`]);
  const lines = await runExample(added.secret, port);
  const [tested] = await jsonOfCli(['webhooks', 'test', added.id]);
  expect(tested).toEqual({ event: expect.stringMatching(/^evt_/) });
  const heard = (line: string) => eventually(() => (lines.includes(line) ? true : undefined));
  await heard('webhook.test undefined');

  const film = join(folder.path, 'film.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=2', film);
  const video = await upload(film);
  await heard(`video.created ${video}`);
  await heard(`video.ready ${video}`);
  expect((await runCli(['delete', video, '--yes'])).code).toBe(0);
  await heard(`video.deleted ${video}`);

  const text = join(folder.path, 'text.mp4');
  await writeFile(text, 'This is no video.');
  await heard(`video.failed ${await upload(text)}`);
  expect(new Set(lines).size).toBe(lines.length);
  await jsonOfCli(['webhooks', 'remove', added.id]);
});

test('a receiver that wants no more is disabled, and gets what it missed once that is asked for', async () => {
  const receiver = await startReceiver((count) => (count === 0 ? 410 : 204));
  const [{ id }] = await jsonOfCli(['webhooks', 'add', receiver.url]);
  const [{ secret }] = await jsonOfCli(['webhooks', 'rotate', id]);
  await runCli(['webhooks', 'test', id]);
  const [missed] = await eventually(async () => {
    const failed = await jsonOfCli(['webhooks', 'failed', id]);
    return failed.length > 0 ? failed : undefined;
  });
  expect(missed).toMatchObject({ problem: 'It answered 410', event: { type: 'webhook.test' } });
  expect((await runCli(['webhooks', 'list'])).stdout).toContain(
    'disabled: It answered 410: it wants no more',
  );
  expect((await runCli(['webhooks', 'replay', id])).stdout).toBe('1 on their way\n');
  const again = await eventually(() => receiver.received[1]);
  expect(verified(again, secret)).toEqual(missed.event);
  expect((await runCli(['webhooks', 'list'])).stdout).toMatch(/ {2}well\n$/);
  expect((await runCli(['webhooks', 'remove', id])).stdout).toBe(`${id}: removed\n`);
  expect((await runCli(['webhooks', 'test', id])).stderr).toContain(`There is no endpoint ${id}`);
  await receiver.close();
});
