/** `audio`: one ffmpeg run for a whole track; what it writes is cut at the picture's segments while it runs. */
import type { Readable } from 'node:stream';
import type { Task } from '../jobs/messages.ts';
import { AAC_CODEC, BoxSplitter, writeFragment } from '../video/fmp4.ts';
import { audioDelay, audioEdges } from '../video/plan.ts';
import type { MediaObject } from '../video/receipt.ts';
import { AAC_FRAME } from '../video/settings.ts';
import { audioArguments, audioTimeout } from '../video/sound-arguments.ts';
import { audioRendition } from '../video/verify.ts';
import { requirePlan, type TaskContext, withSource } from './context.ts';
import { describeMedia, once, storeMedia } from './media.ts';
import { run } from './process.ts';

/** Segments an object: five minutes of six seconds, about 5 MB. This bounds the memory, whatever the length. */
const SEGMENTS_AN_OBJECT = 50;

/** AAC frames as ffmpeg writes them, one a fragment; the init segment goes to `onInit`. */
async function* framesOf(output: Readable, onInit: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
  const splitter = new BoxSplitter();
  for await (const bytes of output) {
    for (const box of splitter.push(bytes as Buffer)) {
      // a stream without an encoding gives buffers
      if (box.type === 'ftyp' || box.type === 'moov') onInit(box.bytes);
      if (box.type === 'mdat') yield Buffer.from(box.content);
    }
  }
}

export async function audioTask(context: TaskContext, task: Task & { kind: 'audio' }): Promise<void> {
  const plan = await requirePlan(context, task);
  const track = plan.audio[task.index];
  if (!track)
    throw new Error(`Video ${task.video} has ${plan.audio.length} audio tracks, none of index ${task.index}`);
  const rendition = audioRendition(task.index);
  const edges = audioEdges(plan, track);
  const delay = audioDelay(plan);

  await once(context, task, plan, async () => {
    const objects: MediaObject[] = [];
    const init: Buffer[] = [];
    let segments: Buffer[] = [];
    let frames: Buffer[] = [];
    let edge = 1;

    const store = async () => {
      if (segments.length === 0) return;
      const data = Buffer.concat([...init, ...segments]);
      const file = `part-${String(objects.length).padStart(5, '0')}.m4a`;
      const object = describeMedia(rendition, file, data, () => AAC_CODEC);
      await storeMedia(context, task, object, data);
      objects.push(object);
      segments = [];
    };
    const read = async (output: Readable) => {
      let count = -1; // the first frame is the encoder's priming: it comes before the track begins
      for await (const frame of framesOf(output, (bytes) => init.push(bytes))) {
        count++;
        if (count === 0 || count > track.frames) continue;
        frames.push(frame);
        if (count !== edges[edge]) continue;
        segments.push(writeFragment(edge, delay + (count - frames.length) * AAC_FRAME, AAC_FRAME, frames));
        frames = [];
        edge++;
        if (segments.length === SEGMENTS_AN_OBJECT) await store();
      }
    };
    const { cpuSeconds } = await withSource(context, task.video, (url) => {
      const args = audioArguments(plan, track, url);
      return run({
        program: 'ffmpeg',
        args,
        timeoutSeconds: audioTimeout(plan),
        signal: context.signal,
        read,
      });
    });
    if (edge < edges.length) {
      throw new Error(
        `${rendition} ended in segment ${edge} of ${edges.length - 1}; the track could not be decoded`,
      );
    }
    // Only now: what ffmpeg wrote before it was stopped must never be taken for the last object.
    await store();
    return { objects, cpuSeconds };
  });
}
