/** `spotreel local`: starts the local platform, uploads files through the presigned path, and tells how they fare. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readClaim } from '../jobs/claim.ts';
import { hasEnded } from '../jobs/live-message.ts';
import { type VideoId, videoKeys } from '../jobs/names.ts';
import { videoStatus } from '../jobs/status.ts';
import { addSubtitles } from '../jobs/subtitles.ts';
import type { RoleCall } from '../local/iam/iam.ts';
import { type LocalPlatform, startLocalPlatform } from '../local/platform.ts';
import { uploadFile } from '../local/upload.ts';
import { UsageError } from './endings.ts';
import { jsonTeller, lineTeller, type Teller } from './local-teller.ts';
import { pairSubtitles, type SubtitleFile, type VideoFile } from './subtitle-files.ts';

export interface LocalOptions {
  readonly port: number;
  readonly data: string;
  readonly workers: number;
  readonly cores?: number;
  readonly dailyCeiling?: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Milliseconds between two looks at whether a video is published: one request, for its end should be seen at once. */
const LOOK_EVERY_MS = 400;
/** How it stands takes seven requests, each signed and checked on this machine, so that is asked each so many looks. */
const STATUS_EVERY_LOOKS = 5;

/** Follows a video to its end, and tells how it goes. Says whether it is ready. */
async function follow(platform: LocalPlatform, id: VideoId, teller: Teller): Promise<boolean> {
  for (let look = 0; ; await sleep(LOOK_EVERY_MS, undefined, { signal: platform.stopped }), look++) {
    const isPublished = await platform.stores.production.exists(videoKeys.master(id));
    if (!isPublished && look % STATUS_EVERY_LOOKS !== 0) continue;
    const status = await videoStatus(platform.stores, id);
    if (!status) continue; // its event is on the way
    if (hasEnded(status)) {
      teller.ended(status);
      return status.state === 'ready';
    }
    teller.stands(status);
  }
}

/** Adds subtitles to a video as soon as it is known. A file that is none is told. Says whether all were added. */
async function attach(
  { stores, stopped }: LocalPlatform,
  id: VideoId,
  subtitles: readonly SubtitleFile[],
  teller: Teller,
): Promise<boolean> {
  while (!(await readClaim(stores.uploads, id))) await sleep(LOOK_EVERY_MS, undefined, { signal: stopped });
  let added = true;
  for (const { file, language } of subtitles) {
    try {
      await addSubtitles(stores, id, { language }, await readFile(file));
    } catch (error) {
      if (stopped.aborted) throw error;
      teller.failed(file, 'subtitles', error);
      added = false;
    }
  }
  return added;
}

/** Uploads a video with its subtitles and follows it. A file that can not be read is told and counts as not ready. */
async function uploadAndFollow(
  platform: LocalPlatform,
  { file, subtitles }: VideoFile,
  teller: Teller,
): Promise<boolean> {
  try {
    teller.uploading(file);
    const id = await uploadFile(platform.s3, platform.uploadBucket, file);
    teller.arrived(file, id);
    const added = subtitles.length === 0 || (await attach(platform, id, subtitles, teller));
    return (await follow(platform, id, teller)) && added;
  } catch (error) {
    if (!platform.stopped.aborted) teller.failed(file, 'upload', error);
    return false;
  }
}

/** Whether an error says that a port is another's. */
const isTaken = (error: unknown): error is NodeJS.ErrnoException & { readonly port: number } =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;

/**
 * Runs the local platform until Ctrl-C, or with `once` until all files have ended. With `once` it throws as soon as a role
 * of the platform is denied a call: what is denied is tried again for hours, and the files might never end.
 * @returns the exit code: 1 where `once` and a file is not ready
 */
export async function runLocal(files: readonly string[], options: LocalOptions): Promise<number> {
  const { port, workers, cores, dailyCeiling, once = false, json = false } = options;
  if (once && files.length === 0) throw new UsageError('--once needs at least one file');
  const videos = pairSubtitles(files);
  const denied = Promise.withResolvers<RoleCall>();
  const started = startLocalPlatform({
    port,
    workers,
    dataDir: resolve(options.data),
    ...(cores !== undefined && { cores }),
    ...(dailyCeiling !== undefined && { dailyCeiling }),
    onCall: (call) => {
      if (once && !call.isAllowed) denied.resolve(call);
    },
  });
  const platform = await started.catch((error: unknown) => {
    throw isTaken(error) ? new UsageError(`Port ${error.port} is taken: choose others with --port`) : error;
  });
  const interrupted = new Promise<'interrupted'>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done('interrupted'));
  });
  try {
    if (!json) {
      console.log(`Spotreel runs at ${platform.url}  (Ctrl-C ends it; its data stays in ${options.data})`);
      console.log(`  S3   ${platform.s3Url}   upload to s3://${platform.uploadBucket}/uploads/`);
      console.log(`  SQS  ${platform.sqsUrl}\n  EC2  ${platform.ec2Url}`);
    }
    const teller = json ? jsonTeller(platform.url) : lineTeller(platform.url);
    const all = Promise.all(videos.map((video) => uploadAndFollow(platform, video, teller)));
    const ended = await Promise.race([all, interrupted, denied.promise]);
    if (ended === 'interrupted') return 130;
    if ('role' in ended)
      throw new Error(
        `The role ${ended.role} may not ${ended.action}, so the files might never end. That is a fault of Spotreel: please report it`,
      );
    if (once) return ended.every(Boolean) ? 0 : 1;
    await interrupted;
    return 0;
  } finally {
    await platform.close();
  }
}
