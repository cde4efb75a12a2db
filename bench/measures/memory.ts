/** How much memory a chunk's ffmpeg takes, beside what video/memory.ts reserves for it. More than that, and a worker swaps. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { chunkArguments } from '../../video/ffmpeg-arguments.ts';
import { chunkMemory } from '../../video/memory.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { run } from '../../worker-scripts/process.ts';
import { ffmpeg } from '../cost.ts';
import type { Bench } from '../measure.ts';
import { type Measured, ratio } from '../row.ts';
import { planOf, withServedFile } from '../source.ts';

/** Sources by their highest rung. */
const SIZES = [
  { rung: '480p', size: '854x480' },
  { rung: '1080p', size: '1920x1080' },
  { rung: '2160p', size: '3840x2160' },
];
/** Long enough that decoder and encoders have all the pictures that they keep. */
const SECONDS = 4;
/** ffmpeg's -benchmark. */
const MOST_MEMORY = /^\[info\] bench: maxrss=(\d+)(?:kB|KiB)/;

/** Once: it is the same each time, but for what threads happen to hold. */
export async function memory({ folder }: Bench): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const { rung, size } of SIZES) {
    const file = join(folder, `${rung}.mp4`);
    const source = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${SECONDS}`];
    await ffmpeg(...source, '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', file);
    const { taken, reserved } = await memoryFor(file, folder);
    const detail = () => `${(taken / 1e6).toFixed(0)} / ${(reserved / 1e6).toFixed(0)} MB`;
    rows.push(
      ratio(`a chunk’s ffmpeg up to ${rung} / what is reserved`, [[taken, reserved]], detail, { limit: 1 }),
    );
  }
  return rows;
}

/** Encodes a file as one chunk, as a worker does. @returns bytes */
async function memoryFor(file: string, folder: string): Promise<{ taken: number; reserved: number }> {
  const bytes = (await stat(file)).size;
  return withServedFile(file, async (url) => {
    const plan = await planOf(url, bytes, encodeSettingsSchema.parse({}));
    const outputs = plan.rungs.map(({ name }) => join(folder, `${name}.mp4`));
    let taken = 0;
    await run({
      program: 'ffmpeg',
      args: chunkArguments(plan, { from: 0, to: plan.frames }, url, outputs),
      timeoutSeconds: 600,
      signal: new AbortController().signal,
      onLine: (line) => {
        const [, kibibytes] = MOST_MEMORY.exec(line) ?? [];
        if (kibibytes !== undefined) taken = Number(kibibytes) * 1024;
      },
    });
    return { taken, reserved: chunkMemory(plan) };
  });
}
