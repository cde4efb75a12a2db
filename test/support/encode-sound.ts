/** Encodes an audio rendition as a worker does, without the cloud around it. */
import { buffer } from 'node:stream/consumers';
import type { Plan } from '../../video/plan.ts';
import type { Sound } from '../../video/sound.ts';
import { encodeSoundArguments } from '../../video/sound-arguments.ts';
import { runSound, type SoundRun } from '../../worker-scripts/sound-run.ts';

/** What ffmpeg wrote of a served source, and how it went. */
export async function encodeSound(
  plan: Plan,
  sound: Sound,
  url: string,
): Promise<SoundRun & { data: Buffer }> {
  let data: Buffer = Buffer.of();
  const args = encodeSoundArguments(plan, sound);
  const { signal } = new AbortController();
  const ran = await runSound(
    plan,
    sound,
    { url, bytes: 1e6 },
    {
      args,
      read: async (output) => {
        data = await buffer(output);
      },
    },
    signal,
  );
  return { ...ran, data };
}
