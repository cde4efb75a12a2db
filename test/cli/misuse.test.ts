/** What a person gets wrong at the keyboard: each is told with its value and the next step. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.ts';

/** A site that is no platform: a page for some paths, S3's refusal for others. */
let site: Server;
let url: string;
beforeAll(async () => {
  site = createServer((request, response) => {
    if (request.url?.startsWith('/api/tokens')) response.writeHead(403).end('<Error>AccessDenied</Error>');
    else response.end('<!doctype html>');
  });
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`; // it listens on TCP
});
afterAll(() => {
  site.close();
});

const DOCTOR = 'which is not how the API answers: spotreel doctor looks what is there';

test.each<[what: string, args: string, code: number, says: string]>([
  ['an id that is none', 'show film.mp4', 2, "'film.mp4' is invalid for argument 'id'"],
  ['where ids are', 'show film.mp4', 2, 'It is no id of a video; spotreel list has them.'],
  ['one of several ids', 'delete 5jz8m2c0xk4t7w9qv1rb x --yes', 2, "'x' is invalid for argument 'ids'"],
  ['a port that leaves no room', 'local --port 65535', 2, "'65535' is invalid. It must be a whole number"],
  ['which ports there are', 'local --port 65535', 2, 'of at least 0 and at most 65531.'],
  ['--once without files', 'local --once', 2, '--once needs at least one file'],
  ['a folder that is not there', 'check /nowhere', 2, '/nowhere can not be read; name a folder'],
  ['a page where the API should be', 'list --url SITE', 1, `SITE/api/videos answered no JSON, ${DOCTOR}`],
  ['a refusal of another server', 'token list --url SITE', 4, `SITE/api/tokens answered 403, ${DOCTOR}`],
])('%s', async (_, args, code, says) => {
  const ended = await runCli(args.replace('SITE', url).split(' '));
  expect(ended).toEqual({ code, stdout: '', stderr: expect.stringContaining(says.replace('SITE', url)) });
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
