/** `chunk`: one ffmpeg run that decodes a stretch once and encodes every rung of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { log } from '../jobs/log.ts';
import type { Task } from '../jobs/messages.ts';
import { logMetrics } from '../jobs/metrics.ts';
import { pictureCodec } from '../video/codec-strings.ts';
import { PictureWatch, type Seen } from '../video/damage.ts';
import { EncodedFrames } from '../video/encoded-frames.ts';
import { blackChunkArguments, chunkArguments, chunkTimeout } from '../video/ffmpeg-arguments.ts';
import { delayPresentation, upright } from '../video/fmp4.ts';
import { chunkMemory } from '../video/memory.ts';
import { type Chunk, durationOf, type Plan, timescaleOf } from '../video/plan.ts';
import type { MediaObject } from '../video/receipt.ts';
import { chunkBytes } from '../video/written.ts';
import { requirePlan, type TaskContext, withPlanned, withScratch } from './context.ts';
import type { Part } from './live-progress.ts';
import { describeMedia, once, storeMedia } from './media.ts';
import { linesTo } from './output.ts';
import { hasRefused, run } from './process.ts';

/** Throws where a rung of the chunk does not begin and end exactly where the plan says. */
function checkChunk(object: MediaObject, from: number, to: number, ticksPerFrame: number): void {
  const frames = object.fragments.reduce((sum, fragment) => sum + fragment.frames, 0);
  if (object.decodeTime !== from * ticksPerFrame || frames !== to - from) {
    throw new Error(
      `${object.rendition}/${object.file} has ${frames} frames from tick ${object.decodeTime}; planned were ${to - from} from ${from * ticksPerFrame}`,
    );
  }
}

/** ffmpeg's words where it got no picture out of a stretch; any other failure, of memory say, is not the source's. */
const NO_PICTURE = /Cannot determine format of input|Error while decoding|Invalid data found/;

const sawNoPicture = (error: unknown): boolean =>
  hasRefused(error) && error.lines.some((line) => NO_PICTURE.test(line));

/** Encodes a chunk; one of which no picture can be decoded is black. */
async function encodeChunk(
  { signal }: TaskContext,
  task: Task,
  plan: Plan,
  chunk: Chunk,
  url: string,
  outputs: readonly string[],
  part: Part | undefined,
): Promise<{ cpuSeconds: number; seen: Seen }> {
  const watch = new PictureWatch(plan, chunk);
  const common = {
    program: 'ffmpeg',
    timeoutSeconds: chunkTimeout(plan, chunk),
    memoryBytes: chunkMemory(plan),
    writes: { files: outputs, bytes: chunkBytes(plan, chunk) },
    signal,
  } as const;
  const onRunning = () => log('info', 'ffmpeg-running', { video: task.video, task });
  const onLine = (line: string) => watch.read(line);
  const frames = chunk.to - chunk.from;
  const read = linesTo(new EncodedFrames((encoded) => part?.reached(encoded / frames)));
  const args = chunkArguments(plan, chunk, url, outputs);
  const encoded = await run({ ...common, args, onRunning, onLine, read }).catch((error: unknown) => {
    if (watch.any || !sawNoPicture(error)) throw error;
    return { cpuSeconds: 0 };
  });
  const { cpuSeconds } = watch.any
    ? encoded
    : await run({ ...common, args: blackChunkArguments(plan, chunk, outputs) });
  return { cpuSeconds, seen: watch.seen() };
}

/** Tells how fast a chunk was encoded. */
async function measured<T>(plan: Plan, { from, to }: Chunk, encode: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await encode();
  const seconds = (performance.now() - started) / 1000;
  const EncodeSpeed = durationOf({ rate: plan.rate, frames: to - from }) / seconds;
  logMetrics('info', 'chunk-encoded', { seconds }, { EncodeSpeed });
  return result;
}

export async function chunkTask(context: TaskContext, task: Task & { kind: 'chunk' }): Promise<void> {
  const plan = await requirePlan(context, task);
  const chunk = plan.chunks[task.index];
  if (!chunk)
    throw new Error(`Video ${task.video} has ${plan.chunks.length} chunks, none of index ${task.index}`);
  const { ticksPerFrame } = timescaleOf(plan.rate);
  const file = `chunk-${String(task.index).padStart(5, '0')}.mp4`;

  await once(context, task, plan, (part) =>
    withScratch(context, async (folder) => {
      const outputs = plan.rungs.map(({ name }) => join(folder, `${name}.mp4`));
      const { cpuSeconds, seen } = await context.memory.with(chunkMemory(plan), context.signal, () =>
        withPlanned(context, task, plan, (url) =>
          measured(plan, chunk, () => encodeChunk(context, task, plan, chunk, url, outputs, part)),
        ),
      );
      const objects = await Promise.all(
        plan.rungs.map(async ({ name }, rung) => {
          const written = await readFile(outputs[rung] ?? '');
          const data = delayPresentation(upright(written), plan.delayFrames * ticksPerFrame);
          const object = describeMedia(name, file, data, pictureCodec);
          checkChunk(object, chunk.from, chunk.to, ticksPerFrame);
          return storeMedia(context, task, plan, { object, data, segmentFrames: plan.segmentFrames });
        }),
      );
      return { objects, cpuSeconds, seen };
    }),
  );
}
