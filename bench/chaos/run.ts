/** Runs the same videos through a calm platform and a disturbed one, and tells what differs or was left behind. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { checkStream } from '../../check/check.ts';
import { httpReader } from '../../cli/http-reader.ts';
import { JOBS_PREFIX, UPLOADS_PREFIX, VIDEOS_PREFIX, videoIdOf } from '../../jobs/names.ts';
import type { ObjectStore } from '../../jobs/store.ts';
import { Injector, type Strike } from '../../local/faults/injector.ts';
import { type FAULT_KINDS, planFaults } from '../../local/faults/schedule.ts';
import { type LocalPlatform, startLocalPlatform } from '../../local/platform.ts';
import { receiptSchema } from '../../video/receipt.ts';
import { type Clip, makeClips } from './clips.ts';
import { type Repeated, readTries, repeatedWork } from './repeated.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly faults: number;
  readonly videos: number;
  /** For clips and platforms; left as it is. */
  readonly folder: string;
  /** Told of each step and each fault. */
  readonly say: (line: string) => void;
}

export interface ChaosReport {
  readonly strikes: readonly Strike[];
  readonly repeated: Repeated;
  readonly calmSeconds: number;
  readonly disturbedSeconds: number;
  readonly files: number;
  /** What must not be; none where all is well. */
  readonly violations: readonly string[];
}

/** Machines of the disturbed platform; each has one core, so a lost one loses at most one task. */
const WORKERS = 4;
/** Milliseconds between two uploads. */
const UPLOAD_EVERY_MS = 1500;
/** Milliseconds between two looks at what is left to do. */
const LOOK_EVERY_MS = 1000;
/** Seconds after which a run that has not ended is stuck: a refused launch alone may cost a video three minutes. */
const LIMIT_SECONDS = 1800;

/** Every queue of the platform; all must be empty at the end. */
const QUEUE_NAMES = ['uploads', 'tasks', 'uploads-dead-letters', 'tasks-dead-letters'] as const;

/** What a run leaves. */
interface Outcome {
  /** SHA-256 of every object of the production bucket, by key. */
  readonly tree: ReadonlyMap<string, string>;
  /** CPU seconds of each media task, by `<video>/<task>`. */
  readonly work: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** Runs calm and disturbed. Rejects only where a run can not be made at all. */
export async function runChaos({ seed, faults, videos, folder, say }: ChaosOptions): Promise<ChaosReport> {
  say(`making ${videos} videos`);
  const clips = await makeClips(folder, videos);
  const calmFolder = join(folder, 'calm');
  const disturbedFolder = join(folder, 'disturbed');
  say('the undisturbed run');
  const calm = await encodeAll(clips, calmFolder, undefined);
  say(`the disturbed run: seed ${seed}, ${faults} faults`);
  const injector = new Injector(planFaults(seed, faults), calm.work.size, (strike) => say(textOf(strike)));
  const disturbed = await encodeAll(clips, disturbedFolder, injector);
  const repeated = repeatedWork(await readTries(join(disturbedFolder, 'logs')), calm.work);
  const violations = [
    ...calm.problems.map((problem) => `undisturbed: ${problem}`),
    ...disturbed.problems,
    ...differences(calm.tree, disturbed.tree),
    ...wasted(repeated, injector.strikes, calm.work),
    ...injector.left.map(({ kind }) => `a fault found nothing to strike: ${kind}`),
  ];
  return {
    strikes: injector.strikes,
    repeated,
    calmSeconds: calm.seconds,
    disturbedSeconds: disturbed.seconds,
    files: calm.tree.size,
    violations,
  };
}

const textOf = ({ kind, detail }: Strike): string => `${kind.padEnd(16)} ${detail}`;

/** Puts all clips through a platform of its own, and looks at what is left when all is done and the platform closed. */
async function encodeAll(
  clips: readonly Clip[],
  dataDir: string,
  injector: Injector | undefined,
): Promise<Outcome> {
  const path = process.env['PATH'] ?? '';
  // Everything that the platform starts, ffmpeg too, inherits the PATH: the folder in it marks what this run started.
  process.env['PATH'] = `${path}${delimiter}${dataDir}`;
  const started = Date.now();
  const platform = await startLocalPlatform({
    port: 0,
    dataDir,
    ...(injector ? { workers: WORKERS, cores: 1, faults: injector.hooks } : { workers: 1 }),
  });
  process.env['PATH'] = path;
  try {
    injector?.start(platform);
    const ids = await uploadAll(platform, clips);
    const problems = await settle(platform, ids, injector, started);
    const seconds = (Date.now() - started) / 1000;
    injector?.stop();
    const broken = await violationsOf(platform, ids);
    const tree = await treeOf(platform);
    const work = await workOf(platform.stores.uploads);
    await platform.close();
    return { tree, work, seconds, problems: [...problems, ...broken, ...(await leftProcesses(dataDir))] };
  } finally {
    injector?.stop();
    await platform.close();
  }
}

async function uploadAll(platform: LocalPlatform, clips: readonly Clip[]): Promise<string[]> {
  const ids: string[] = [];
  for (const { name, bytes } of clips) {
    const source = { Bucket: platform.uploadBucket, Key: UPLOADS_PREFIX + name };
    const { ETag = '' } = await platform.s3.send(new PutObjectCommand({ ...source, Body: bytes }));
    ids.push(videoIdOf({ bucket: source.Bucket, key: source.Key, etag: ETag.replaceAll('"', '') }));
    await sleep(UPLOAD_EVERY_MS);
  }
  return ids;
}

/** Waits until every video has ended, every fault has struck and every queue is empty. Says what has not. */
async function settle(
  platform: LocalPlatform,
  ids: readonly string[],
  injector: Injector | undefined,
  started: number,
): Promise<string[]> {
  const ended = new Map<string, { readonly state: string }>();
  for (;;) {
    const open = ids.filter((id) => !ended.has(id));
    for (const id of open) {
      const video = await showVideo(platform, id);
      if (video.state === 'ready' || video.state === 'failed') ended.set(id, video);
    }
    const messages = QUEUE_NAMES.flatMap((queue) =>
      platform.sqs.messages(queue).map(({ body }) => ({ queue, body })),
    );
    const isDone = ended.size === ids.length && messages.length === 0 && !injector?.isBusy;
    if (isDone || Date.now() - started > LIMIT_SECONDS * 1000) {
      const notReady = ids.filter((id) => ended.get(id)?.state !== 'ready');
      return [
        ...notReady.map((id) => `not ready: ${id} ${JSON.stringify(ended.get(id))}`),
        ...messages.map(({ queue, body }) => `left on ${queue}: ${body}`),
      ];
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function showVideo(platform: LocalPlatform, id: string): Promise<{ readonly state: string }> {
  const response = await fetch(`${platform.url}/api/videos/${id}`);
  // Our own API's answer; a video whose event is on the way is not found yet.
  return response.ok ? ((await response.json()) as { state: string }) : { state: `unknown (${id})` };
}

/** Streams that are not by the book. */
async function violationsOf({ url }: LocalPlatform, ids: readonly string[]): Promise<string[]> {
  const reports = await Promise.all(ids.map((id) => checkStream(httpReader, `${url}/v/${id}/master.m3u8`)));
  return reports.flatMap(({ findings, unchecked }) => [
    ...findings
      .filter(({ severity }) => severity === 'error')
      .map(({ rule, playlist, message }) => `not by the book: ${rule} ${playlist}: ${message}`),
    ...unchecked,
  ]);
}

async function treeOf({ s3, stores }: LocalPlatform): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  for await (const { key } of stores.production.list(VIDEOS_PREFIX)) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: stores.production.bucket, Key: key }));
    const bytes = (await Body?.transformToByteArray()) ?? '';
    tree.set(key, createHash('sha256').update(bytes).digest('hex'));
  }
  return tree;
}

/** CPU seconds of every media task, from the receipts `jobs/<video>/<revision>/done/<task>.json`. */
async function workOf(uploads: ObjectStore): Promise<Map<string, number>> {
  const work = new Map<string, number>();
  for await (const { key } of uploads.list(JOBS_PREFIX)) {
    const [, video, task] = /^jobs\/([^/]+)\/[^/]+\/done\/(.+)\.json$/.exec(key) ?? [];
    const receipt = task === undefined ? undefined : await uploads.getJson(key, receiptSchema);
    if (receipt) work.set(`${video}/${task}`, receipt.cpuSeconds);
  }
  return work;
}

function differences(calm: ReadonlyMap<string, string>, disturbed: ReadonlyMap<string, string>): string[] {
  const keys = [...new Set([...calm.keys(), ...disturbed.keys()])].sort();
  return keys
    .filter((key) => calm.get(key) !== disturbed.get(key))
    .map((key) => {
      if (!disturbed.has(key)) return `missing: ${key}`;
      return calm.has(key) ? `other bytes: ${key}` : `not in the undisturbed run: ${key}`;
    });
}

/** A lost machine may cost the work of one task; so may a second delivery, and a try that S3 made fail. */
function wasted(
  { extra }: Repeated,
  strikes: readonly Strike[],
  work: ReadonlyMap<string, number>,
): string[] {
  const struck = (kind: keyof typeof FAULT_KINDS) => strikes.filter((strike) => strike.kind === kind).length;
  const largest = Math.max(...work.values());
  const limits = {
    killed: struck('kill'),
    returned: struck('spot-notice'),
    done: struck('duplicate-task') + struck('duplicate-event'),
    failed: extra.failed.tries,
  };
  return Object.entries(extra).flatMap(([end, { seconds }]) => {
    const limit = limits[end as keyof typeof limits] * largest; // both have the same four keys
    return seconds <= limit
      ? []
      : [`${end} tries repeated ${seconds.toFixed(1)} CPU s, more than ${limit.toFixed(1)}`];
  });
}

/** Processes that the run started and that still run; Linux tells what environment each was started with. */
async function leftProcesses(marker: string): Promise<string[]> {
  const left: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // One that has just ended, or is another user's, can not be read.
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.includes(marker)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command !== '') left.push(`process ${pid} was left: ${command.replaceAll('\0', ' ').slice(0, 120)}`);
  }
  return left;
}
