/** Reads pictures out of a rung that is encoded already. */
import { inBatches } from '../jobs/batches.ts';
import type { Encode } from '../jobs/messages.ts';
import { videoKeys } from '../jobs/names.ts';
import { writeFragment } from '../video/fmp4.ts';
import { type Plan, timescaleOf } from '../video/plan.ts';
import type { EncodedRung } from '../video/stills.ts';
import type { TaskContext } from './context.ts';

/** Requests to S3 at once. */
const READS_AT_ONCE = 16;

/** One GOP of a rung: where it lies, and its first slot. */
interface Gop {
  readonly key: string;
  readonly offset: number;
  readonly length: number;
  readonly firstSampleEnd: number;
  readonly from: number;
}

/** Reads the GOPs of one rung from the production bucket. */
export class RungReader {
  readonly #context: TaskContext;
  readonly #gops: readonly Gop[];
  readonly #init: { readonly key: string; readonly length: number };
  readonly #plan: Plan;

  constructor(context: TaskContext, { video, revision }: Encode, plan: Plan, { rung, objects }: EncodedRung) {
    this.#context = context;
    this.#plan = plan;
    const keyOf = (file: string) => videoKeys.media(video, revision, `${rung.name}/${file}`);
    let from = 0;
    this.#gops = objects.flatMap(({ file, fragments }) =>
      fragments.map(({ frames, ...place }) => {
        const gop = { key: keyOf(file), ...place, from };
        from += frames;
        return gop;
      }),
    );
    const [first] = objects;
    if (!first) throw new Error(`There are no objects of ${rung.name}`);
    this.#init = { key: keyOf(first.file), length: first.initLength };
  }

  /** An MP4 of the key frames at these slots. */
  async keyFrames(slots: readonly number[]): Promise<Buffer> {
    const reading = inBatches(slots, READS_AT_ONCE, async (slot) => {
      const { key, offset, firstSampleEnd } = this.#gopOf(slot);
      const bytes = await this.#context.production.getRange(key, offset, firstSampleEnd);
      return bytes.subarray(bytes.readUInt32BE(0) + 8); // behind `moof` and the header of `mdat`
    });
    const frames = await Array.fromAsync(reading);
    const { ticksPerFrame } = timescaleOf(this.#plan.rate);
    return Buffer.concat([await this.#readInit(), writeFragment(1, 0, ticksPerFrame, frames)]);
  }

  /** An MP4 of the whole GOPs that hold these slots, and the number in it of each. */
  async frames(slots: readonly number[]): Promise<{ data: Buffer; numbers: number[] }> {
    const gops = [...new Set(slots.map((slot) => this.#gopOf(slot)))];
    const reading = inBatches(gops, READS_AT_ONCE, ({ key, offset, length }) =>
      this.#context.production.getRange(key, offset, length),
    );
    const fragments = await Array.fromAsync(reading);
    // All but a video's last GOP are of one length.
    const numbers = slots.map((slot) => {
      const gop = this.#gopOf(slot);
      return gops.indexOf(gop) * this.#plan.gopFrames + slot - gop.from;
    });
    return { data: Buffer.concat([await this.#readInit(), ...fragments]), numbers };
  }

  #gopOf(slot: number): Gop {
    const gop = this.#gops.findLast(({ from }) => from <= slot);
    if (!gop) throw new Error(`No GOP has slot ${slot}`);
    return gop;
  }

  #readInit(): Promise<Buffer> {
    return this.#context.production.getRange(this.#init.key, 0, this.#init.length);
  }
}
