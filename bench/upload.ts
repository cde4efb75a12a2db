/**
 * Measures `spotreel upload` and the upload page against bare loops that PUT the same parts of the same file, as many at a
 * time, to the same local platform, one in Node and one in a page of the same browser, all in turn in one run:
 *   npm run bench:upload -- [--size 5G] [--rounds N]
 * Prints the throughput of each, its ratio to Node's loop and the page's also to the browser's (the target is 0.8), and the
 * most memory meanwhile: of the client, beyond what its processes had before (Chromium has an idle page), and of the
 * platform with its S3.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Page, Response } from 'playwright-core';
import { SpotreelClient } from '../api/client/index.ts';
import { inChromium, startBrowser } from '../test/support/chromium.ts';
import { middle } from './cost.ts';
import { memoryBelow, memoryOf, peaksWhile } from './memory.ts';

const CLI = join(import.meta.dirname, '../cli/spotreel.ts');
/** As many as the client sends, on the page too. */
const PARALLEL = 4;
/** Bytes that are read or written at once: small reads cost the bare loop speed. */
const AT_ONCE = 1024 ** 2;
/** Milliseconds after which the page is given up. */
const PAGE_MS = 30 * 60_000;
const TARGET = 0.8;
const UNITS: Readonly<Record<string, number>> = { M: 1024 ** 2, G: 1024 ** 3 };

const { values } = parseArgs({
  options: { size: { type: 'string', default: '1G' }, rounds: { type: 'string', default: '1' } },
});
const [, count, unit = ''] = /^(\d+)([MG])$/.exec(values.size) ?? [];
const size = Number(count) * (UNITS[unit] ?? Number.NaN);
if (!(size > 64 * 1024 ** 2))
  throw new Error(`--size is ${values.size}; give a size that goes in parts, above 64M, such as 5G`);

/** Writes bytes that no disk, file system or connection makes less of. */
async function writeRandom(path: string): Promise<void> {
  const file = await open(path, 'w');
  const bytes = Buffer.alloc(AT_ONCE);
  for (let left = size; left > 0; left -= bytes.length) await file.write(randomFillSync(bytes));
  await file.close();
}

function run(args: readonly string[]): { child: ChildProcess; closed: Promise<number | null> } {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, closed: new Promise((done) => child.on('close', done)) };
}

/** Starts the local platform. @returns its address, process id, and how to end it */
async function startPlatform(dataDir: string) {
  const { child, closed } = run(['local', '--port', '0', '--data', dataDir]);
  const url = await new Promise<string>((done) => {
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, found] = /runs at (\S+)/.exec(line) ?? [];
        if (found) done(inChromium(found));
      });
  });
  const end = () => {
    child.kill('SIGINT');
    return closed;
  };
  return { url, pid: child.pid ?? 0, end };
}

/** PUTs a stretch of a file with nothing between disk and socket. */
async function putRange(file: string, url: string, start: number, length: number): Promise<void> {
  const put = request(url, { method: 'PUT', headers: { 'content-length': length } });
  const answered = once(put, 'response');
  const body = createReadStream(file, { start, end: start + length - 1, highWaterMark: AT_ONCE });
  await Promise.all([pipeline(body, put), answered]);
  const [response] = (await answered) as [IncomingMessage]; // of Node's ClientRequest
  response.resume();
  if (response.statusCode !== 200) throw new Error(`The bare loop was refused: ${response.statusCode}`);
}

interface Upload {
  /** What is measured. */
  readonly send: () => Promise<void>;
  /** Makes room on the disk, and spares the machine work on what is no video. */
  readonly drop: () => Promise<void>;
}

/** A part of the file, and where to PUT it. */
interface Part {
  readonly url: string;
  /** Byte of the file. */
  readonly start: number;
  readonly size: number;
}

/** An upload whose URLs are at hand. */
async function signedUpload(url: string): Promise<{ parts: Part[]; drop: () => Promise<void> }> {
  const client = new SpotreelClient({ url });
  const upload = await client.createUpload({ fileName: 'bare.mov', size, type: 'video/quicktime' });
  if (upload.method !== 'multipart') throw new Error('The upload is one PUT');
  const numbers = Array.from({ length: upload.partCount }, (_, index) => index + 1);
  const { parts } = await client.signParts(upload.id, numbers);
  return {
    parts: parts.map((part) => ({ ...part, start: (part.number - 1) * upload.partSize })),
    drop: () => client.abortUpload(upload.id),
  };
}

/** A loop in Node that does nothing else: no retries, no completion. */
async function bareLoop(file: string, url: string): Promise<Upload> {
  const { parts, drop } = await signedUpload(url);
  const queue = parts.values();
  const putOnes = async () => {
    for (const part of queue) await putRange(file, part.url, part.start, part.size);
  };
  return {
    async send() {
      await Promise.all(Array.from({ length: PARALLEL }, putOnes));
    },
    drop,
  };
}

/** The same loop in a page that has nothing else: what a browser can do. */
async function bareLoopInPage(page: Page, file: string, url: string): Promise<Upload> {
  const { parts, drop } = await signedUpload(url);
  await page.goto(`${url}/none`);
  await page.evaluate("document.body.innerHTML = '<input type=file>'");
  await page.locator('input').setInputFiles(file);
  return {
    async send() {
      await page.evaluate(`(async () => {
        const file = document.querySelector('input').files[0];
        const queue = ${JSON.stringify(parts)}.values();
        const putOnes = async () => {
          for (const { url, start, size } of queue) {
            const { status } = await fetch(url, { method: 'PUT', body: file.slice(start, start + size) });
            if (status !== 200) throw new Error('The bare loop was refused: ' + status);
          }
        };
        await Promise.all(Array.from({ length: ${PARALLEL} }, putOnes));
      })()`);
    },
    drop,
  };
}

async function deleteVideos(url: string): Promise<void> {
  const client = new SpotreelClient({ url });
  for await (const { id } of client.eachVideo()) await client.deleteVideo(id);
}

/** The command, its start included. */
async function command(file: string, url: string): Promise<Upload> {
  return {
    async send() {
      const code = await run(['upload', file, '--json', '--url', url]).closed;
      if (code !== 0) throw new Error(`spotreel upload ended with ${code}`);
    },
    drop: () => deleteVideos(url),
  };
}

/** The page, from the file's choice on. */
async function uploadPage(page: Page, file: string, url: string): Promise<Upload> {
  await page.goto(url, { waitUntil: 'networkidle' });
  return {
    async send() {
      // The page tries again where the platform refuses: only what is well ends it.
      const isEnd = (response: Response) => response.url().endsWith('/complete') && response.ok();
      await Promise.all([
        page.waitForResponse(isEnd, { timeout: PAGE_MS }),
        page.locator('#files').setInputFiles(file),
      ]);
    },
    drop: () => deleteVideos(url),
  };
}

/** MB a second, and the most MB of memory. */
interface Measured {
  readonly speed: number;
  readonly client: number;
  readonly platform: number;
}

async function measure(upload: Upload, platform: number): Promise<Measured> {
  const look = () => [memoryBelow(process.pid, platform), memoryOf(platform)] as const;
  const [idle] = look();
  const since = performance.now();
  const [client, platformMost] = await peaksWhile(look, upload.send);
  const speed = size / 1e3 / (performance.now() - since);
  return { speed, client: client - idle, platform: platformMost };
}

const BARE = 'bare PUT loop';
const BARE_IN_PAGE = 'the same in a page';
const PAGE = 'upload page';
const folder = await mkdtemp(join(tmpdir(), 'spotreel-bench-upload-'));
process.env['XDG_STATE_HOME'] = folder;
const { url, pid, end } = await startPlatform(join(folder, 'data'));
const browser = await startBrowser();
try {
  const file = join(folder, 'source.mov');
  await writeRandom(file);
  const { page } = await browser.newTab();
  const clients: readonly (readonly [name: string, prepare: () => Promise<Upload>])[] = [
    [BARE, () => bareLoop(file, url)],
    ['spotreel upload', () => command(file, url)],
    [BARE_IN_PAGE, () => bareLoopInPage(page, file, url)],
    [PAGE, () => uploadPage(page, file, url)],
  ];
  const measured = new Map<string, Measured[]>(clients.map(([name]) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    // Each goes first in turn: a disk that has rested is faster.
    const first = round % clients.length;
    for (const [name, prepare] of [...clients.slice(first), ...clients.slice(0, first)]) {
      const upload = await prepare();
      measured.get(name)?.push(await measure(upload, pid));
      await upload.drop();
    }
  }

  const speedOf = (name: string) => middle((measured.get(name) ?? []).map(({ speed }) => speed));
  const cells = (...texts: string[]) => texts.map((text) => text.padStart(13)).join('');
  console.log(
    `${values.size} in ${PARALLEL} parallel parts, ${values.rounds} round(s), medians; memory at most`,
  );
  console.log(''.padEnd(20) + cells('MB/s', 'of bare', 'of the page’s', 'client MB', 'platform MB'));
  for (const [name, rounds] of measured) {
    const most = (of: 'client' | 'platform') => Math.max(...rounds.map((one) => one[of])).toFixed(0);
    const ratioTo = (bare: string) => speedOf(name) / speedOf(bare);
    const ratio = ratioTo(BARE);
    const isBare = name === BARE || name === BARE_IN_PAGE;
    const verdict = isBare ? '' : `  ${ratio >= TARGET ? 'meets' : 'misses'} ${TARGET}`;
    const inPage = name === PAGE ? ratioTo(BARE_IN_PAGE).toFixed(2) : '';
    const clientMost = name === BARE ? '' : most('client'); // the loop runs in this very process
    console.log(
      name.padEnd(20) +
        cells(speedOf(name).toFixed(0), ratio.toFixed(2), inPage, clientMost, most('platform')) +
        verdict,
    );
  }
} finally {
  await end();
  await browser.close();
  await rm(folder, { recursive: true, force: true });
}
