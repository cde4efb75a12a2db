/** `spotreel doctor`: whether this machine can run the platform, and whether a platform answers it. */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { ApiError } from '../api/client/index.ts';
import { DEFAULT_PORT, PORT_DISTANCES } from '../local/ports.ts';
import { openCage } from '../worker-scripts/cage/cage.ts';
import { type Checked, checkedText, good, mustStop } from './checkup.ts';
import { EXIT } from './endings.ts';
import { clientOf, print, type RemoteOptions, remoteCommand } from './remote.ts';
import { byteCount } from './text.ts';

const exec = promisify(execFile);

/** `engines` of package.json: the first that runs TypeScript, and has what the command line is made of. */
const OLDEST_NODE = [22, 18] as const;
const NEEDED = {
  encoders: ['libx264', 'aac', 'mjpeg', 'libwebp_anim'],
  filters: ['zscale', 'tonemap', 'bwdif', 'ebur128'],
};
/** What only settings ask for. */
const OPTIONAL = { encoders: ['libx265', 'libsvtav1'], filters: [] };
const PORTS = Object.values(PORT_DISTANCES).map((distance) => DEFAULT_PORT + distance);
/** Bytes that should be free: an hour of film with its source takes about so much. */
const ROOM = 10e9;
/** Seconds that clocks may differ: S3 refuses what is signed 15 minutes off, and tokens end by the clock. */
const CLOCK_SKEW = 60;
const PATIENCE_MS = 10_000;
/** What `GET /api/health` answers. */
const HEALTHY = '{"status":"ok"}';

function nodeVersion(): Checked {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldest, point] = OLDEST_NODE;
  if (major > oldest || (major === oldest && minor >= point)) return good(`Node ${process.versions.node}`);
  const sentence = `Node ${process.versions.node} is older than ${oldest}.${point}`;
  return { verdict: 'stop', sentence, fix: 'npm run setup brings Node 24' };
}

/** Names that a list of ffmpeg's has: `-encoders`, `-filters`. */
async function namesOf(list: string): Promise<Set<string>> {
  const { stdout } = await exec('ffmpeg', ['-hide_banner', `-${list}`]);
  return new Set(stdout.split('\n').map((line) => line.trim().split(/\s+/)[1] ?? ''));
}

async function ffmpegParts(): Promise<Checked[]> {
  const fix = 'sudo apt-get install ffmpeg';
  let there: { encoders: Set<string>; filters: Set<string> };
  try {
    there = { encoders: await namesOf('encoders'), filters: await namesOf('filters') };
  } catch {
    return [{ verdict: 'stop', sentence: 'ffmpeg is not there, or does not run', fix }];
  }
  const lacking = ({ encoders, filters }: typeof NEEDED): string[] => [
    ...encoders.filter((name) => !there.encoders.has(name)),
    ...filters.filter((name) => !there.filters.has(name)),
  ];
  const [needed, optional] = [lacking(NEEDED), lacking(OPTIONAL)];
  if (needed.length > 0)
    return [{ verdict: 'stop', sentence: `This ffmpeg was built without ${needed.join(', ')}`, fix }];
  const some = good('ffmpeg has every encoder and filter that is needed');
  if (optional.length === 0) return [some];
  const sentence = `This ffmpeg was built without ${optional.join(', ')}, for HEVC and AV1`;
  return [some, { verdict: 'note', sentence }];
}

/** Whether whoever takes ffmpeg over would be held here. */
async function cage(): Promise<Checked> {
  try {
    (await openCage(0)).close();
    return good('ffmpeg runs in a cage');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const fix = 'docs/security.md says what it takes: on Debian, sudo apt-get install bubblewrap';
    return { verdict: 'note', sentence: `ffmpeg runs without a cage, for ${why}`, fix };
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

async function ports(): Promise<Checked> {
  const free = await Promise.all(PORTS.map(isFree));
  const taken = PORTS.filter((_, index) => !free[index]);
  if (taken.length === 0) return good(`Ports ${PORTS.join(', ')} are free`);
  return {
    verdict: 'note',
    sentence: `Something has port ${taken.join(', ')}: the platform, or another program`,
    fix: 'spotreel local --port 9000 takes others',
  };
}

async function disk(): Promise<Checked> {
  const { bavail, bsize } = await statfs('.');
  const free = bavail * bsize;
  if (free >= ROOM) return good(`${byteCount(free)} are free in this folder`);
  const sentence = `Only ${byteCount(free)} are free in this folder`;
  return { verdict: 'note', sentence, fix: 'spotreel local --data DIR keeps everything in another' };
}

/** Whether the platform answers, and at what distance its clock is. */
async function platform(url: string): Promise<Checked[]> {
  let response: Response;
  let health: string;
  try {
    response = await fetch(new URL('/api/health', url), { signal: AbortSignal.timeout(PATIENCE_MS) });
    health = await response.text();
  } catch {
    return [
      {
        verdict: 'stop',
        sentence: `Nothing answers at ${url}`,
        fix: 'spotreel local (npm start), or another --url',
      },
    ];
  }
  if (health !== HEALTHY)
    return [{ verdict: 'stop', sentence: `${url} answers ${response.status}: it is no platform of ours` }];
  const skew = Math.round((Date.now() - Date.parse(response.headers.get('date') ?? '')) / 1000);
  if (!(Math.abs(skew) > CLOCK_SKEW)) return [good(`The platform at ${url} answers`)];
  const sentence = `This machine’s clock is ${Math.abs(skew)} seconds ${skew > 0 ? 'ahead' : 'behind'}`;
  return [
    good(`The platform at ${url} answers`),
    { verdict: 'stop', sentence, fix: 'sudo timedatectl set-ntp true' },
  ];
}

/** Whether the token is good for reading at least. */
async function token(options: RemoteOptions): Promise<Checked> {
  try {
    await clientOf(options).listVideos({ limit: 1 });
    return good(options.token ? 'The token is good' : 'The platform asks for no token');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 403) return { verdict: 'note', sentence: 'The token is good, but may not read' };
    const sentence = options.token ? 'The token is no good' : 'The platform asks for a token';
    return {
      verdict: 'stop',
      sentence: `${sentence}: ${error.message}`,
      fix: 'spotreel token create makes one',
    };
  }
}

async function examine(options: RemoteOptions): Promise<void> {
  const here = [nodeVersion(), ...(await ffmpegParts()), await cage(), await ports(), await disk()];
  const there = await platform(options.url);
  const all = [...here, ...there, ...(mustStop(there) ? [] : [await token(options)])];
  for (const one of all) print(options, one, checkedText);
  if (mustStop(all)) process.exitCode = EXIT.failed;
}

/** Adds the command. */
export function addDoctor(program: Command): void {
  remoteCommand(
    program,
    'doctor',
    'look whether this machine can run the platform, and whether a platform answers it',
  ).action((options: RemoteOptions) => examine(options));
}
