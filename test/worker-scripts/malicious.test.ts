import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveFile } from '../../cli/file-server.ts';
import { SourceError } from '../../video/failures.ts';
import { chunkArguments, packetArguments, probeArguments } from '../../video/ffmpeg-arguments.ts';
import { planVideo } from '../../video/plan.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { inspect } from '../../worker-scripts/inspect.ts';
import { run } from '../../worker-scripts/process.ts';
import { type Canary, MALICIOUS, type Malicious } from '../support/malicious.ts';
import { ffmpeg } from '../support/media.ts';
import { type Reached, startTracer, type Tracer } from '../support/traced.ts';

const settings = encodeSettingsSchema.parse({});
const { signal } = new AbortController();

let folder: string;
let output: string;
let canary: Canary;
let server: Server;
let asked: string[] = [];
let tracer: Tracer;
/** What the programs reach for where the source is an honest one. */
let usual: Reached;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-malicious-'));
  output = join(folder, 'output');
  await mkdir(output);
  const file = join(folder, 'canary.mp4');
  const honest = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64:duration=1', '-pix_fmt', 'yuv420p'];
  await ffmpeg(...honest, file);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('#EXTM3U\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  canary = { file, url: `http://127.0.0.1:${port}/canary.mp4` };
  tracer = await startTracer();
  const { reached } = await handle(file);
  usual = reached;
});
afterAll(async () => {
  await tracer.remove();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** Does to a file what a worker does to an upload. Says what was reached for besides the file itself, and the end. */
async function handle(file: string): Promise<{ reached: Reached; ends: string }> {
  const served = await serveFile(file);
  let ends = 'planned';
  const work = async () => {
    const { source, packets } = await inspect({
      url: served.url,
      bytes: (await stat(file)).size,
      settings,
      signal,
    });
    const plan = planVideo(source, packets, settings, 'r');
    const [chunk] = plan.chunks;
    if (!chunk) throw new Error('a plan without chunks');
    const outputs = plan.rungs.map(({ name }) => join(output, name));
    const args = chunkArguments(plan, chunk, served.url, outputs);
    await run({ program: 'ffmpeg', args, timeoutSeconds: 60, signal });
  };
  try {
    const reached = await tracer.watch(() =>
      work().catch((error: unknown) => {
        if (!(error instanceof SourceError)) throw error;
        ends = 'refused';
      }),
    );
    const own = new URL(served.url).host;
    const others = [...reached].filter((what) => what !== own && !what.startsWith(output));
    return { reached: new Set(others), ends };
  } finally {
    served.close();
  }
}

async function write({ make }: Malicious): Promise<string> {
  const file = join(folder, 'upload');
  const content = await make(canary, folder);
  await writeFile(file, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
  return file;
}

const unusual = (reached: Reached) => [...reached].filter((what) => !usual.has(what));

test('there are at least thirty', () => expect(MALICIOUS.length).toBeGreaterThanOrEqual(30));

test.each(MALICIOUS)('$name opens nothing and is $ends', async (malicious) => {
  asked = [];
  const { reached, ends } = await handle(await write(malicious));
  expect(unusual(reached)).toEqual([]);
  expect(asked).toEqual([]);
  expect(ends).toBe(malicious.ends);
});

describe('the test would see it: without the lists, the same files open', () => {
  /** Without the lists of demuxers and protocols, and with all that ffmpeg's own caution leaves out. */
  function unguarded(args: readonly string[], ...more: readonly string[]): string[] {
    const input = args.indexOf('-i');
    const kept = args.flatMap((arg, index) =>
      [arg, args[index - 1]].some((word) => /^-(format|protocol)_whitelist$/.test(word ?? '')) ? [] : [arg],
    );
    const protocols = 'file,http,tcp,udp,rtp,crypto,data,concat,subfile';
    const at = kept.length - (args.length - input);
    return [...kept.slice(0, at), '-protocol_whitelist', protocols, ...more, ...kept.slice(at)];
  }

  async function reachedWithout(name: string, ...more: readonly string[]): Promise<Reached> {
    const malicious = MALICIOUS.find((one) => one.name === name);
    if (!malicious) throw new Error(`No entry ${name}`);
    const served = await serveFile(await write(malicious));
    try {
      return await tracer.watch(async () => {
        for (const args of [probeArguments(served.url), packetArguments(served.url, 0)]) {
          await run({ program: 'ffprobe', args: unguarded(args, ...more), timeoutSeconds: 60, signal }).catch(
            () => {},
          );
        }
      });
    } finally {
      served.close();
    }
  }

  test.each<[name: string, what: 'file' | 'address', more: string[]]>([
    ['HLS: a segment by address', 'address', ['-allowed_extensions', 'ALL']],
    ['HLS: a segment by file URL', 'file', ['-allowed_extensions', 'ALL']],
    ['HLS: behind an ID3 tag', 'address', ['-allowed_extensions', 'ALL']],
    ['concat: an address', 'address', ['-safe', '0']],
    ['DASH: an address', 'address', []],
    ['SDP', 'address', []],
  ])('%s', async (name, what, more) => {
    const reached = await reachedWithout(name, ...more);
    const wanted = what === 'file' ? canary.file : `:${new URL(canary.url).port}`;
    expect(unusual(reached)).toContainEqual(expect.stringMatching(`${wanted}$`));
  });
});
