/** `audio`: a whole track at once; what ffmpeg writes is cut at the picture's segments while it runs. */
import type { Readable } from 'node:stream';
import type { Task } from '../jobs/messages.ts';
import { AAC_CODEC, BoxSplitter, writeFragment } from '../video/fmp4.ts';
import { partSegments } from '../video/parts.ts';
import { audioDelay, audioEdges, durationOf, type Plan } from '../video/plan.ts';
import { audioRendition, type MediaObject } from '../video/receipt.ts';
import { AAC_FRAME } from '../video/settings.ts';
import type { Sound } from '../video/sound.ts';
import { brokenSound, damagedSound } from '../video/sound-damage.ts';
import { requirePlan, type TaskContext, withPlanned } from './context.ts';
import { describeMedia, once, storePart } from './media.ts';
import { encodeSound } from './sound-run.ts';

/** Bytes of a box, and of all that comes before the sound: a frame of AAC has at most 8 KiB, its header a few hundred. */
const MOST_BYTES = 2 ** 20;

type AudioTask = Task & { readonly kind: 'audio' };

/** AAC frames as ffmpeg writes them, one a fragment; the init segment goes to `onInit`. */
async function* framesOf(output: Readable, onInit: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
  const splitter = new BoxSplitter();
  for await (const bytes of output) {
    for (const box of splitter.push(bytes as Buffer)) {
      // a stream without an encoding gives buffers
      if (box.type === 'ftyp' || box.type === 'moov') onInit(box.bytes);
      if (box.type === 'mdat') yield Buffer.from(box.content);
    }
    if (splitter.pending > MOST_BYTES) throw new Error(`ffmpeg wrote a box of more than ${MOST_BYTES} bytes`);
  }
}

/** Cuts what ffmpeg writes at the picture's segments, and stores it while it comes. */
class SoundCutter {
  readonly #context: TaskContext;
  readonly #task: AudioTask;
  readonly #plan: Plan;
  readonly #rendition: string;
  readonly #edges: readonly number[];
  readonly #delay: number;
  readonly #objects: MediaObject[] = [];
  readonly #init: Buffer[] = [];
  readonly #segments: Buffer[] = [];
  /** Of AAC_FRAME samples each; the index of the edge at which the open segment ends. */
  #edge = 1;

  constructor(context: TaskContext, task: AudioTask, plan: Plan, sound: Sound) {
    this.#context = context;
    this.#task = task;
    this.#plan = plan;
    this.#rendition = audioRendition(task.index);
    this.#edges = audioEdges(plan, sound);
    this.#delay = audioDelay(plan);
  }

  async read(output: Readable): Promise<void> {
    let frames: Buffer[] = [];
    let count = -1; // the first frame is the encoder's priming: it comes before the track begins
    for await (const frame of framesOf(output, (bytes) => this.#begin(bytes))) {
      count++;
      if (count === 0 || this.#edge === this.#edges.length) continue;
      frames.push(frame);
      if (count !== this.#edges[this.#edge]) continue;
      const time = this.#delay + (count - frames.length) * AAC_FRAME;
      this.#segments.push(writeFragment(this.#edge, time, AAC_FRAME, frames));
      frames = [];
      this.#edge++;
      // A whole segment stays behind: what a killed ffmpeg wrote last must never be stored.
      const length = partSegments(this.#objects.length);
      if (this.#segments.length > length) await this.#store(length);
    }
  }

  #begin(bytes: Buffer): void {
    this.#init.push(bytes);
    if (this.#init.length > 2) throw new Error(`${this.#rendition} begins more than once`);
  }

  /** Only when ffmpeg has ended well: what it wrote before it was stopped must never be taken for the last object. */
  async finish(): Promise<MediaObject[]> {
    if (this.#edge < this.#edges.length) {
      const [at, of] = [this.#edge, this.#edges.length - 1];
      throw new Error(`${this.#rendition} ended in segment ${at} of ${of}`);
    }
    await this.#store(this.#segments.length);
    return this.#objects;
  }

  async #store(length: number): Promise<void> {
    const data = Buffer.concat([...this.#init, ...this.#segments.splice(0, length)]);
    const index = this.#objects.length;
    const file = `part-${String(index).padStart(5, '0')}.m4a`;
    const object = describeMedia(this.#rendition, file, data, () => AAC_CODEC);
    this.#objects.push(await storePart(this.#context, this.#task, this.#plan, { index, object, data }));
  }
}

/** Makes one audio rendition. Of a broken track there is none; the stream is published without it. */
export async function audioTask(context: TaskContext, task: AudioTask): Promise<void> {
  const plan = await requirePlan(context, task);
  const sound = plan.audio[task.index];
  if (!sound)
    throw new Error(
      `Video ${task.video} has ${plan.audio.length} audio renditions, none of index ${task.index}`,
    );
  await once(context, task, plan, async () => {
    const cutter = new SoundCutter(context, task, plan, sound);
    const { cpuSeconds, broken, silentSeconds } = await withPlanned(context, task, plan, (url, bytes) =>
      encodeSound(plan, sound, { url, bytes }, (output) => cutter.read(output), context.signal),
    );
    if (broken !== undefined)
      return { cpuSeconds, unmade: audioRendition(task.index), findings: [brokenSound(sound, broken)] };
    const objects = await cutter.finish();
    return { objects, cpuSeconds, findings: damagedSound(sound, silentSeconds, durationOf(plan)) };
  });
}
