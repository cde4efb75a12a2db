/** `download`: one rung and its sound as a file to keep, copied from the stream without encoding anything again. */
import { inBatches } from '../jobs/batches.ts';
import { attachment } from '../jobs/content-disposition.ts';
import type { Encode, Task } from '../jobs/messages.ts';
import { videoKeys } from '../jobs/names.ts';
import { CACHE_CONTROL, contentTypeOf } from '../jobs/platform.ts';
import { readMediaReceipts } from '../jobs/progress.ts';
import { DOWNLOAD_PATH, type Download, downloadOf } from '../video/download.ts';
import { ProgressiveMp4 } from '../video/progressive.ts';
import { requireClaim, requirePlan, type TaskContext } from './context.ts';
import { putFrontLast } from './front-last.ts';
import { once } from './media.ts';
import { MediaReader } from './media-reader.ts';

/** Reads of S3 at once: with GOPs of two seconds at 15 Mbit/s about 30 MB. */
const READS_AT_ONCE = 8;

/** Bytes of a part; S3 asks for 5 MiB at least. */
const PART_BYTES = 16 * 1024 * 1024;
/** Parts that S3 allows, with room to spare. */
const MOST_PARTS = 9000;

/** The name that the file is kept under: that of its source, as an MP4. */
const nameFor = (fileName: string): string => `${fileName.replace(/\.[^.]{1,5}$/, '')}.mp4`;

/** Reads what the file is made of, and gives it out as it is to be written. */
async function* mediaOf(
  { signal }: TaskContext,
  reader: MediaReader,
  { fragments }: Download,
  mp4: ProgressiveMp4,
): AsyncGenerator<Buffer> {
  const reading = inBatches(fragments, READS_AT_ONCE, async ({ track, object, offset, length }) => {
    signal.throwIfAborted();
    return { track, bytes: await reader.read(object, offset, length) };
  });
  for await (const { track, bytes } of reading) yield mp4.add(track, bytes);
}

/** Writes the file. @returns its bytes */
async function writeFile(context: TaskContext, encode: Encode, download: Download): Promise<number> {
  const { video, revision } = encode;
  const reader = new MediaReader(context, encode);
  const tracks = await Promise.all(
    download.tracks.map(async ({ first, ...track }) => ({ ...track, init: await reader.init(first) })),
  );
  const mp4 = new ProgressiveMp4(tracks);
  const media = mediaOf(context, reader, download, mp4);
  const most = download.fragments.reduce((sum, { length }) => sum + length, 0);
  const partBytes = Math.max(PART_BYTES, Math.ceil(most / MOST_PARTS));
  const { fileName, title } = await requireClaim(context, video);
  const key = videoKeys.media(video, revision, DOWNLOAD_PATH);
  const headers = {
    contentType: contentTypeOf(key),
    cacheControl: CACHE_CONTROL.immutable,
    contentDisposition: attachment(nameFor(fileName ?? title ?? video)),
  };
  return context.production.putInParts(key, headers, (put) =>
    putFrontLast(media, () => mp4.front(), partBytes, put),
  );
}

export async function downloadTask(context: TaskContext, task: Task & { kind: 'download' }): Promise<void> {
  const plan = await requirePlan(context, task);
  await once(context, task, plan, async () => {
    const receipts = await readMediaReceipts(context.uploads, task, plan);
    if (!receipts)
      throw new Error(`The media of ${task.video} are not complete; its download comes too early`);
    const bytes = await writeFile(context, task, downloadOf(plan, receipts));
    return { files: [{ path: DOWNLOAD_PATH, bytes }], cpuSeconds: 0 };
  });
}
