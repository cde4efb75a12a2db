/** Reads pictures out of a rung that is encoded already. */
import { inBatches } from '../jobs/batches.ts';
import type { Encode } from '../jobs/messages.ts';
import { writeFragment } from '../video/fmp4.ts';
import { type Plan, timescaleOf } from '../video/plan.ts';
import type { MediaObject } from '../video/receipt.ts';
import type { EncodedRung } from '../video/stills.ts';
import type { TaskContext } from './context.ts';
import { MediaReader } from './media-reader.ts';

/** Requests to S3 at once. */
const READS_AT_ONCE = 16;

/** One GOP of a rung: where it lies, and its first slot. */
interface Gop {
  readonly object: MediaObject;
  readonly offset: number;
  readonly length: number;
  readonly firstSampleEnd: number;
  readonly from: number;
}

/** Reads the GOPs of one rung from the production bucket. */
export class RungReader {
  readonly #media: MediaReader;
  readonly #gops: readonly Gop[];
  readonly #first: MediaObject;
  readonly #plan: Plan;

  constructor(context: TaskContext, encode: Encode, plan: Plan, { rung, objects }: EncodedRung) {
    this.#media = new MediaReader(context, encode);
    this.#plan = plan;
    let from = 0;
    this.#gops = objects.flatMap((object) =>
      object.fragments.map(({ frames, ...place }) => {
        const gop = { object, ...place, from };
        from += frames;
        return gop;
      }),
    );
    const [first] = objects;
    if (!first) throw new Error(`There are no objects of ${rung.name}`);
    this.#first = first;
  }

  /** An MP4 of the key frames at these slots. */
  async keyFrames(slots: readonly number[]): Promise<Buffer> {
    const reading = inBatches(slots, READS_AT_ONCE, async (slot) => {
      const { object, offset, firstSampleEnd } = this.#gopOf(slot);
      const bytes = await this.#media.read(object, offset, firstSampleEnd);
      return bytes.subarray(bytes.readUInt32BE(0) + 8); // behind `moof` and the header of `mdat`
    });
    const frames = await Array.fromAsync(reading);
    const { ticksPerFrame } = timescaleOf(this.#plan.rate);
    return Buffer.concat([await this.#media.init(this.#first), writeFragment(1, 0, ticksPerFrame, frames)]);
  }

  /** An MP4 of the whole GOPs that hold these slots, and the number in it of each. */
  async frames(slots: readonly number[]): Promise<{ data: Buffer; numbers: number[] }> {
    const gops = [...new Set(slots.map((slot) => this.#gopOf(slot)))];
    const reading = inBatches(gops, READS_AT_ONCE, ({ object, offset, length }) =>
      this.#media.read(object, offset, length),
    );
    const fragments = await Array.fromAsync(reading);
    // All but a video's last GOP are of one length.
    const numbers = slots.map((slot) => {
      const gop = this.#gopOf(slot);
      return gops.indexOf(gop) * this.#plan.gopFrames + slot - gop.from;
    });
    return { data: Buffer.concat([await this.#media.init(this.#first), ...fragments]), numbers };
  }

  #gopOf(slot: number): Gop {
    const gop = this.#gops.findLast(({ from }) => from <= slot);
    if (!gop) throw new Error(`No GOP has slot ${slot}`);
    return gop;
  }
}
