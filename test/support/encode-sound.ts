/** Encodes an audio rendition as a worker does, without the cloud around it. */
import { buffer } from 'node:stream/consumers';
import type { Plan } from '../../video/plan.ts';
import type { Sound } from '../../video/sound.ts';
import { encodeSound as encode, type SoundRun } from '../../worker-scripts/sound-run.ts';

/** What ffmpeg wrote of a served source, and how it went. */
export async function encodeSound(
  plan: Plan,
  sound: Sound,
  url: string,
): Promise<SoundRun & { data: Buffer }> {
  let data: Buffer = Buffer.of();
  const read = async (output: Parameters<typeof buffer>[0]) => {
    data = await buffer(output);
  };
  const ran = await encode(plan, sound, { url, bytes: 1e6 }, read, new AbortController().signal);
  return { ...ran, data };
}
