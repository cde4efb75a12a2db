/** What README.md and docs/cli.md tell people to type, typed: each block is a script of its own. */
import { execFile, spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SpotreelClient } from '../../api/client/index.ts';
import { CLI, jsonOfCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { type Spotreel, scratch, startSpotreel, stopAll } from '../support/spotreel.ts';

const exec = promisify(execFile);

/** Addresses of the pages, where a platform of this test has others. */
const PAGES = 'http://localhost:8080';
const S3 = 'http://127.0.0.1:8081';

let folder: Awaited<ReturnType<typeof scratch>>;
let spotreel: Spotreel;
/** The folder that a reader stands in. */
let desk: string;
let env: NodeJS.ProcessEnv;

async function clip(name: string): Promise<void> {
  const path = join(desk, name);
  await mkdir(join(path, '..'), { recursive: true });
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4', path);
}

/** Puts a program on the reader's path. */
async function program(name: string, script: string): Promise<void> {
  const path = join(folder.path, 'bin', name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

beforeAll(async () => {
  folder = await scratch();
  desk = join(folder.path, 'desk');
  spotreel = await startSpotreel(join(folder.path, 'data'));
  for (const name of ['film.mp4', 'footage/one.mp4', 'archive/2026/two.mov']) await clip(name);
  await ffmpeg('-i', join(desk, 'film.mp4'), '-frames:v', '1', join(desk, 'poster.jpg'));
  await writeFile(join(desk, 'film.de.srt'), '1\n00:00:01,000 --> 00:00:02,000\nHallo\n');
  // As `npm link` puts it there.
  await program('spotreel', `exec "${process.execPath}" "${CLI}" "$@"`);
  await program('xdg-open', `echo "$1" > "${folder.path}/opened"`);
  env = {
    ...process.env,
    PATH: [join(folder.path, 'bin'), process.env['PATH']].join(delimiter),
    SPOTREEL_URL: spotreel.url,
    XDG_STATE_HOME: folder.path,
  };
});
afterAll(async () => {
  await stopAll();
  await folder?.remove();
});

/** The scripts of a page, below a heading or beginning. */
async function scripts(page: string, after: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, '../..', page), 'utf8');
  const part = text.slice(text.indexOf(after));
  return [...part.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, script]) => script ?? []);
}

/** Uploads the film, so that a script has a video to speak of. @returns its id */
async function video(): Promise<string> {
  const [{ id }] = await jsonOfCli(['upload', join(desk, 'film.mp4'), '--wait', '--url', spotreel.url]);
  return id;
}

/** Types a script as it stands, with this platform's addresses and a video's id. */
async function type(script = ''): Promise<string> {
  const typed = script
    .replaceAll(PAGES, spotreel.url)
    .replaceAll(S3, spotreel.s3Url)
    .replaceAll(/\bID\b/g, await video());
  const { stdout } = await exec('bash', ['-euo', 'pipefail', '-c', typed], { cwd: desk, env });
  return stdout;
}

/** Titles of all videos, oldest first. */
async function titles(): Promise<string[]> {
  const client = new SpotreelClient({ url: spotreel.url });
  return (await Array.fromAsync(client.eachVideo())).map(({ title }) => title).toReversed();
}

/** Waits until the list is so; the test's own time limit ends what never comes. */
async function listed(isSo: (all: readonly string[]) => boolean): Promise<void> {
  while (!isSo(await titles())) await sleep(100);
}

test('the README’s tour goes from a file to a page that is open', async () => {
  const [tour] = await scripts('README.md', '**With the command line.**');
  const told = await type(tour);
  expect(told).toMatch(/Our summer: ready\n +watch +http\S+\n/);
  expect(await titles()).toContain('Our summer');
  expect(await readFile(join(folder.path, 'opened'), 'utf8')).toMatch(/\/watch\?v=\w{20}\n$/);
});

test('curl alone uploads a file as the README says', async () => {
  const before = await titles();
  const [curl] = await scripts('README.md', '**From any client.**');
  await type(curl);
  // The one of `ID`, and curl's, whose event is on the way.
  await listed((all) => all.length === before.length + 2);
});

/** `test`, or with the reason printed nothing, where the AWS CLI does not run. */
function testWithAws(): typeof test | typeof test.skip {
  const { status, error } = spawnSync('aws', ['--version']);
  if (status === 0) return test;
  console.log(`skipped: 'aws --version' does not run here (${error ?? `status ${status}`})`);
  return test.skip;
}

testWithAws()('the AWS CLI uploads a file as the README says', async () => {
  const [, aws] = await scripts('README.md', '**From any client.**');
  await type(aws);
  await listed((all) => all.some((title) => title.startsWith('My film')));
});

test('every command of docs/cli.md does what it says', async () => {
  const [commands] = await scripts('docs/cli.md', '# The command line');
  const told = await type(commands);
  expect(told).toMatch(/two\.mov: uploaded/);
  expect(told).toMatch(/0 errors/);
  expect(told).toMatch(/^spr_\S+$/m);
  expect(told).toMatch(/^\w{20}: delet(ed|ing)$/m);
  expect(told).toMatch(/^ok {4}The platform asks for no token$/m);
});
