import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openFolder } from '../../cli/folder-reader.ts';
import { httpReader } from '../../cli/http-reader.ts';
import { checkedTree, MASTER, type Tree } from '../support/checked-tree.ts';
import { CLI } from '../support/cli.ts';

/** `spotreel check` as a person calls it. */
const run = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    const child = execFile(process.execPath, [CLI, 'check', ...args], (_, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });

let tree: Tree;
let folder: string;
let stream: string;
beforeAll(async () => {
  tree = await checkedTree();
  folder = await mkdtemp(join(tmpdir(), 'spotreel-readers-'));
  stream = join(folder, 'stream');
  for (const [path, bytes] of tree) {
    await mkdir(dirname(join(stream, path)), { recursive: true });
    await writeFile(join(stream, path), bytes);
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** Serves for the time of one use. */
async function serving<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  try {
    return await use(`http://127.0.0.1:${port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe('spotreel check', () => {
  test('a folder by the book: exit code 0, and a line that says so', async () => {
    const { code, stdout } = await run(stream);
    expect(stdout).toMatch(/master\.m3u8: 0 errors, 0 warnings in 6 playlists and 37 segments\n$/);
    expect(code).toBe(0);
  });

  test('a folder with an error: exit code 1; the line names severity, place, value and section', async () => {
    const broken = join(folder, 'broken');
    await mkdir(broken);
    const playlist =
      '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n';
    await writeFile(join(broken, 'index.m3u8'), playlist);
    await writeFile(join(broken, 'a.ts'), Buffer.alloc(188, 0x47));
    const { code, stdout } = await run(broken);
    expect(stdout).toContain(
      'error   index.m3u8:5  the segment has 6 s, the target is 5 s  [R2 target-exceeded; RFC 8216 4.3.3.1; Apple 7.7]',
    );
    expect(stdout).toMatch(/unchecked .*no fragmented MP4/);
    expect(code).toBe(1);
    const report = JSON.parse((await run(broken, '--json')).stdout);
    expect(report.findings).toContainEqual(expect.objectContaining({ rule: 'target-exceeded', line: 5 }));
  });

  test('a folder without playlist: exit code 2, and what to name', async () => {
    const { code, stderr } = await run(join(stream, 'r'));
    expect(stderr).toMatch(/has no master\.m3u8; name a folder with a playlist/);
    expect(code).toBe(2);
  });

  test('nothing that answers: exit code 1, and why', async () => {
    const { code, stdout } = await run('http://127.0.0.1:1/master.m3u8');
    expect(stdout).toMatch(/error .*http:\/\/127\.0\.0\.1:1\/master\.m3u8 can not be read/);
    expect(code).toBe(1);
  });
});

describe('a folder', () => {
  test('nothing outside is read, by path, link or URL', async () => {
    await writeFile(join(folder, 'secret'), 'secret');
    await symlink(join(folder, 'secret'), join(stream, 'link'));
    const { reader, url } = await openFolder(stream);
    const read = (uri: string) => reader.read(new URL(uri, url).href, 'segment', 1000);
    await expect(read('../secret')).rejects.toThrow('lies outside');
    await expect(read('link')).rejects.toThrow('lies outside');
    await expect(read('http://127.0.0.1:1/a')).rejects.toThrow('check the stream by its URL');
    await expect(read('absent')).rejects.toThrow('there is no file absent');
  });

  test('a range gives what there is of it; what is too large is refused', async () => {
    const { reader, url } = await openFolder(join(stream, MASTER));
    const read = (limit: number, offset: number) =>
      reader.read(url, 'segment', limit, { offset, length: 10 });
    expect((await read(10, 0)).bytes.toString()).toBe('#EXTM3U\n#E');
    expect((await read(10, 1e6)).bytes).toHaveLength(0);
    await expect(read(9, 0)).rejects.toThrow('has 10 bytes, more than the 9');
  });
});

describe('HTTP', () => {
  const read = (url: string, limit = 1000) =>
    httpReader.read(url, 'segment', limit, { offset: 2, length: 3 });

  test('a redirect is followed and told; a circle ends', async () => {
    await serving(
      (request, response) => {
        if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
        else if (request.url === '/b') response.writeHead(206).end('cde');
        else response.writeHead(302, { location: '/circle' }).end();
      },
      async (url) => {
        const { bytes, delivery } = await read(`${url}a`);
        expect([bytes.toString(), delivery?.redirected]).toEqual(['cde', true]);
        await expect(read(`${url}circle`)).rejects.toThrow('redirected more than 5 times');
      },
    );
  });

  test('a redirect to another protocol is not followed', async () => {
    const away: RequestListener = (_, response) =>
      response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    await serving(away, (url) => expect(read(url)).rejects.toThrow('neither http nor https'));
  });

  test('a server that ignores ranges is told of, and the range is cut out', async () => {
    const whole: RequestListener = (_, response) => response.writeHead(200).end('abcdefgh');
    await serving(whole, async (url) => {
      const { bytes, delivery } = await read(url);
      expect([bytes.toString(), delivery?.rangeIgnored]).toEqual(['cde', true]);
      await expect(read(url, 7)).rejects.toThrow('more than the 7 bytes');
    });
  });

  test('a playlist is asked for compressed, and read; a range behind the end is empty; a refusal is an error', async () => {
    await serving(
      ({ url, headers }, response) => {
        if (url === '/list')
          response
            .writeHead(200, { 'content-encoding': 'gzip' })
            .end(gzipSync(`${headers['accept-encoding']}`));
        else response.writeHead(url === '/short' ? 416 : 403).end();
      },
      async (url) => {
        const { bytes, delivery } = await httpReader.read(`${url}list`, 'playlist', 1000);
        expect([bytes.toString(), delivery?.contentEncoding]).toEqual(['gzip', 'gzip']);
        expect((await read(`${url}short`)).bytes).toHaveLength(0);
        await expect(read(`${url}no`)).rejects.toThrow(/no answered 403/);
      },
    );
  });
});
