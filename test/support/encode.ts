/** Plans a file and encodes it, as the worker does, without the cloud around it. */
import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serveFile } from '../../cli/file-server.ts';
import { chunkArguments } from '../../video/ffmpeg-arguments.ts';
import { readFragments, upright } from '../../video/fmp4.ts';
import { type Plan, planVideo } from '../../video/plan.ts';
import { type EncodeSettings, encodeSettingsSchema } from '../../video/settings.ts';
import { inspect } from '../../worker-scripts/inspect.ts';

const exec = promisify(execFile);

export interface Encoded {
  readonly plan: Plan;
  /** Each rung's chunks in order, as ffmpeg wrote them. */
  readonly rungs: readonly (readonly Buffer[])[];
}

/** Serves a file by byte range on loopback while `use` runs, as the worker's proxy does. */
async function served<T>(file: string, use: (url: string) => Promise<T>): Promise<T> {
  const { url, close } = await serveFile(file);
  try {
    return await use(url);
  } finally {
    close();
  }
}

async function planOf(url: string, file: string, settings: EncodeSettings): Promise<Plan> {
  const { signal } = new AbortController();
  const { source, packets } = await inspect({ url, bytes: (await stat(file)).size, settings, signal });
  return planVideo(source, packets, settings, 'r');
}

/** The plan of a file. */
export const planFile = (file: string, settings: EncodeSettings): Promise<Plan> =>
  served(file, (url) => planOf(url, file, settings));

/** Plans a file and encodes every chunk. @param folder for what ffmpeg writes */
export const encodeFile = (file: string, settings: EncodeSettings, folder: string): Promise<Encoded> =>
  served(file, async (url) => {
    const plan = await planOf(url, file, settings);
    const chunks: Buffer[][] = [];
    for (const chunk of plan.chunks) {
      const outputs = plan.rungs.map(({ name }) => join(folder, `${name}.mp4`));
      await exec('ffmpeg', chunkArguments(plan, chunk, url, outputs));
      chunks.push(await Promise.all(outputs.map(async (output) => upright(await readFile(output)))));
    }
    return { plan, rungs: plan.rungs.map((_, rung) => chunks.map((chunk) => chunk[rung] ?? Buffer.of())) };
  });

/** Writes a rung's chunks as the one file that a player sees: the first init segment, then all fragments. */
export async function joinChunks(chunks: readonly Buffer[], file: string): Promise<void> {
  const media = chunks.map((chunk, index) =>
    index === 0 ? chunk : chunk.subarray(readFragments(chunk).initLength),
  );
  await writeFile(file, Buffer.concat(media));
}

/** One rung of the source's own size and of nearly no loss, so that pictures can be compared by their pixels. */
export const OWN_SIZE = encodeSettingsSchema.parse({
  rungs: [{ height: 1080, crf: 1, maxKbps: 200_000 }],
  preset: 'superfast',
});
