/** What the doctor says of machines and platforms that lack something. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.ts';

let bin: string;
let server: Server;
let url: string;
/** What the platform answers besides its health. */
let answer = { status: 200, body: '{"videos":[]}' };
let healthStatus = 200;
let health: string;
let date = () => new Date();

beforeAll(async () => {
  bin = await mkdtemp(join(tmpdir(), 'spotreel-doctor-'));
  server = createServer((request, response) => {
    const isHealth = request.url === '/api/health';
    response.writeHead(isHealth ? healthStatus : answer.status, { date: date().toUTCString() });
    response.end(isHealth ? health : answer.body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
});
afterAll(async () => {
  server.close();
  await rm(bin, { recursive: true });
});

/** Puts an `ffmpeg` in front of the path that lists these. */
async function fakeFfmpeg(...names: string[]): Promise<Record<string, string>> {
  const script = `#!/bin/sh\nprintf '${names.map((name) => ` V..... ${name} words\\n`).join('')}'\n`;
  await writeFile(join(bin, 'ffmpeg'), script);
  await chmod(join(bin, 'ffmpeg'), 0o755);
  return { PATH: `${bin}${delimiter}${process.env['PATH']}` };
}

const NEEDED = ['libx264', 'aac', 'mjpeg', 'libwebp_anim', 'zscale', 'tonemap', 'bwdif', 'ebur128'];

interface Case {
  readonly name: string;
  readonly given: () => void;
  readonly says: RegExp;
  readonly code: number;
  readonly ffmpeg?: readonly string[];
}
const CASES: readonly Case[] = [
  { name: 'everything', given: () => {}, says: /^ok {4}The platform asks for no token$/m, code: 0 },
  {
    name: 'an ffmpeg without x264',
    given: () => {},
    ffmpeg: NEEDED.slice(1),
    says: /^STOP {2}This ffmpeg was built without libx264$/m,
    code: 1,
  },
  {
    name: 'an ffmpeg without HEVC and AV1',
    given: () => {},
    ffmpeg: NEEDED,
    says: /^note {2}This ffmpeg was built without libx265, libsvtav1/m,
    code: 0,
  },
  {
    name: 'a clock that is five minutes behind',
    given: () => {
      date = () => new Date(Date.now() + 300_000);
    },
    says: /^STOP {2}This machine’s clock is (299|300|301) seconds behind$/m,
    code: 1,
  },
  {
    name: 'something else at the address',
    given: () => {
      healthStatus = 404;
      health = 'Not found';
    },
    says: /^STOP {2}http\S+ answers 404: it is no platform of ours$/m,
    code: 1,
  },
  {
    name: 'a site that has a page for everything',
    given: () => {
      health = '<!doctype html>';
    },
    says: /^STOP {2}http\S+ answers 200: it is no platform of ours$/m,
    code: 1,
  },
  {
    name: 'no token where one is asked for',
    given: () => {
      answer = {
        status: 401,
        body: '{"detail":"This needs a token","type":"/api/problems#unauthenticated"}',
      };
    },
    says: /^STOP {2}The platform asks for a token: This needs a token\n +spotreel token create/m,
    code: 1,
  },
  {
    name: 'a token for uploads alone',
    given: () => {
      answer = { status: 403, body: '{"detail":"x","type":"/api/problems#forbidden"}' };
    },
    says: /^note {2}The token is good, but may not read$/m,
    code: 0,
  },
];

test.each(CASES)('with $name', async ({ given, ffmpeg, says, code }) => {
  answer = { status: 200, body: '{"videos":[]}' };
  healthStatus = 200;
  health = '{"status":"ok"}';
  date = () => new Date();
  given();
  const env = await fakeFfmpeg(...(ffmpeg ?? [...NEEDED, 'libx265', 'libsvtav1']));
  const ended = await runCli(['doctor', '--url', url], env);
  expect(ended.stdout).toMatch(says);
  expect(ended.code).toBe(code);
});

test('with the port taken by which progress is heard', async () => {
  const other = createServer();
  // Whoever has it: it is taken.
  await new Promise<void>((done) => other.once('error', () => done()).listen(8084, '127.0.0.1', done));
  const ended = await runCli(['doctor', '--url', url]);
  other.close();
  expect(ended.stdout).toMatch(/^note {2}Something has port .*8084/m);
});

test('without ffmpeg and without a platform', async () => {
  const ended = await runCli(['doctor', '--url', 'http://127.0.0.1:9'], { PATH: '/nowhere' });
  expect(ended.stdout).toMatch(/^STOP {2}ffmpeg is not there.*\n +sudo apt-get install ffmpeg$/m);
  expect(ended.stdout).toMatch(/^note {2}ffmpeg runs without a cage, for bubblewrap is not installed$/m);
  expect(ended.stdout).toMatch(/^STOP {2}Nothing answers at http:\/\/127\.0\.0\.1:9$/m);
  expect(ended.code).toBe(1);
});
