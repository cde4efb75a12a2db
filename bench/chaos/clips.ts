/** Short videos of every kind that the pipeline treats differently, made by ffmpeg, the same each time. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

interface ClipSpec {
  readonly size: string;
  /** Frames a second. */
  readonly rate: string;
  readonly seconds: number;
  readonly sound: boolean;
}

/** Over 12 seconds a clip has two chunks, and one for each further 12. */
const CLIPS: readonly ClipSpec[] = [
  { size: '640x360', rate: '30', seconds: 26, sound: true },
  { size: '320x240', rate: '25', seconds: 14, sound: true },
  { size: '426x240', rate: '24', seconds: 40, sound: false },
  { size: '640x480', rate: '30000/1001', seconds: 20, sound: true },
  { size: '160x120', rate: '10', seconds: 6, sound: false },
  { size: '360x640', rate: '30', seconds: 24, sound: true },
  { size: '480x270', rate: '50', seconds: 18, sound: true },
  { size: '854x480', rate: '25', seconds: 13, sound: false },
  { size: '640x360', rate: '15', seconds: 48, sound: true },
  { size: '320x180', rate: '60', seconds: 12, sound: false },
  { size: '1280x720', rate: '24', seconds: 12, sound: true },
  { size: '400x300', rate: '12', seconds: 30, sound: true },
];

export interface Clip {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Makes so many clips in a folder. More than the table has are the same ones again, a second longer each time. */
export async function makeClips(folder: string, count: number): Promise<Clip[]> {
  const clips: Clip[] = [];
  for (let index = 0; index < count; index++) {
    const spec = CLIPS[index % CLIPS.length];
    if (!spec) throw new Error('The table of clips is empty');
    const seconds = spec.seconds + Math.floor(index / CLIPS.length);
    clips.push(
      await makeClip(folder, `clip-${String(index + 1).padStart(2, '0')}.mp4`, { ...spec, seconds }),
    );
  }
  return clips;
}

async function makeClip(
  folder: string,
  name: string,
  { size, rate, seconds, sound }: ClipSpec,
): Promise<Clip> {
  const file = join(folder, name);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`];
  const tone = sound ? ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`] : [];
  // One thread and no version strings: the same bytes, so the same video ids, on every run of the same ffmpeg.
  const encoder = ['-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-threads', '1', '-fflags', '+bitexact'];
  await exec('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...picture, ...tone, ...encoder, file]);
  return { name, bytes: await readFile(file) };
}
