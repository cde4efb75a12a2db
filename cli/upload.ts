/** `spotreel upload`: brings files to a platform, goes on where it was killed, and with `--wait` sees them ready. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { ApiError, type SpotreelClient, type UploadProgress } from '../api/client/index.ts';
import { inBatches } from '../jobs/batches.ts';
import { EXIT, fail, failedLine, UsageError } from './endings.ts';
import { openFileSource } from './file-source.ts';
import { findFiles } from './find-files.ts';
import { follow, followOnLine } from './follow.ts';
import { Meter } from './meter.ts';
import { ProgressLines, transferText } from './progress.ts';
import { clientOf, type RemoteOptions, remoteCommand, watchUrl } from './remote.ts';
import { forget, forgetOld, recall, remember, type UploadIdentity } from './unfinished.ts';

interface UploadCommandOptions extends RemoteOptions {
  readonly title?: string;
  readonly wait?: boolean;
}

/** Files at once: small ones take longer to announce than to send. */
const FILES_AT_ONCE = 3;

/** Percent between two lines of a log. */
const LOGGED_PERCENT = 10;

/** Whether the platform does not know of an upload any more: unfinished ones are dropped in time. */
const isGone = (error: unknown): boolean => error instanceof ApiError && [404, 410].includes(error.status);

/** Uploads one file, going on with what an earlier command left. @returns the id of its video */
async function uploadFile(
  client: SpotreelClient,
  file: string,
  identity: UploadIdentity,
  onProgress: (progress: UploadProgress) => void,
): Promise<string> {
  const source = await openFileSource(file);
  const { title } = identity;
  const send = (resume: string | undefined) =>
    client.upload(source, {
      fileName: basename(file),
      onProgress,
      onCreated: ({ id }) => remember(identity, id),
      ...(title !== undefined && { title }),
      ...(resume !== undefined && { resume }),
    });
  try {
    const begun = await recall(identity);
    const { id } = await send(begun).catch((error: unknown) => {
      if (begun === undefined || !isGone(error)) throw error;
      return send(undefined);
    });
    await forget(identity);
    return id;
  } finally {
    await source.close();
  }
}

async function identityOf(file: string, { url, title }: UploadCommandOptions): Promise<UploadIdentity> {
  const { size, mtimeMs } = await stat(file);
  if (size === 0) throw new UsageError('is empty; see whether it was copied whole');
  return { platform: url, path: resolve(file), size, mtimeMs, title };
}

/** Draws how far a file is. */
function drawer(file: string, lines: ProgressLines): (progress: UploadProgress) => void {
  const meter = new Meter();
  return ({ sentBytes, totalBytes }) => {
    const pace = meter.read(Date.now() / 1000, sentBytes, totalBytes);
    const stage = `${Math.floor((100 * sentBytes) / totalBytes / LOGGED_PERCENT)}`;
    lines.set(file, transferText(file, sentBytes, totalBytes, pace), stage);
  };
}

/** What `--json` prints of a file. */
const jsonLine = (file: string, id: string, rest: object): string => JSON.stringify({ file, id, ...rest });

/** Waits for an uploaded video. */
async function waitFor(
  client: SpotreelClient,
  file: string,
  id: string,
  lines: ProgressLines,
  { url, json }: UploadCommandOptions,
): Promise<void> {
  const video = json ? await follow(client, id, () => {}) : await followOnLine(client, id, lines, url);
  const { state, title, failure } = video;
  const playbackUrl = video.playbackUrl === undefined ? undefined : `${url}${video.playbackUrl}`;
  if (json) console.log(jsonLine(file, id, { state, title, playbackUrl, failure }));
  if (state !== 'ready') process.exitCode ??= EXIT.failed;
}

/** Uploads files; each that does not arrive is told, and the others go on. */
async function uploadAll(arguments_: readonly string[], options: UploadCommandOptions): Promise<void> {
  const { url, json = false, wait = false, title } = options;
  const files = await findFiles(arguments_);
  if (title !== undefined && files.length > 1)
    throw new UsageError(`--title is for one file, and these are ${files.length}; leave it out`);
  await forgetOld(Date.now());
  const client = clientOf(options);
  const lines = new ProgressLines(process.stdout);
  const told = (file: string) => (error: unknown) => {
    fail(error, file);
    if (json) console.log(failedLine(file, 'upload', error));
  };
  const arrive = async (file: string): Promise<string> => {
    const draw = json ? () => {} : drawer(file, lines);
    const id = await uploadFile(client, file, await identityOf(file, options), draw);
    lines.rename(file, id);
    if (!json && !wait) lines.finish(id, `${file}: uploaded\n    watch  ${watchUrl(url, id)}`);
    if (json && !wait) console.log(jsonLine(file, id, { state: 'uploaded', watchUrl: watchUrl(url, id) }));
    return id;
  };
  const waits: Promise<void>[] = [];
  const work = async (file: string): Promise<void> => {
    try {
      const id = await arrive(file);
      if (wait) waits.push(waitFor(client, file, id, lines, options).catch(told(file)));
    } catch (error) {
      told(file)(error);
    }
  };
  await Array.fromAsync(inBatches(files, FILES_AT_ONCE, work));
  await Promise.all(waits);
}

/** Adds the command. */
export function addUpload(program: Command): void {
  remoteCommand(
    program,
    'upload',
    'upload videos; killed in the middle, the same command goes on where it was',
  )
    .argument('<files...>', 'files, folders, or patterns in quotes')
    .option('--title <text>', 'what the video is called; otherwise as its file')
    .option('--wait', 'follow until all are ready or failed')
    .addHelpText(
      'after',
      `
Examples:
  spotreel upload holidays.mov --title 'Our summer' --wait
  spotreel upload footage/ 'archive/**/*.mp4'
  spotreel upload --url https://video.example.org --json film.mp4

Exit code 0 only if every file arrived; with --wait, only if every video is ready.`,
    )
    .action((files: string[], options: UploadCommandOptions) => uploadAll(files, options));
}
