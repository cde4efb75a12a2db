/** The file that a benchmark measures: the one that is named, a clip of the corpus, or one that is made. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ffmpeg } from './cost.ts';

const CORPUS_CLIP = join(import.meta.dirname, '../../shared/corpus/bbb_1080p25_60s.mp4');
/** Made once. */
const MADE_CLIP = join(import.meta.dirname, '../.cache/bench/made.mp4');

/**
 * A minute of 1080p that is about as hard to encode as a film: fine detail of every size, which moves slowly under grain.
 * Of three seconds x264 `veryfast` makes 1.8 Mbit/s in 2.1 s; of Big Buck Bunny 2.7 in 2.4, of `testsrc2` 4.6 in 1.5.
 */
const PICTURE = [
  'mandelbrot=size=2560x1440:rate=25:start_scale=0.003:maxiter=300',
  'trim=end_frame=1,gblur=1.2,loop=loop=-1:size=1,setpts=N/25/TB',
  "crop=1920:1080:x='320+300*sin(t/5)':y='180+160*sin(t/7)'",
  'noise=alls=4:allf=t:all_seed=1',
  'trim=duration=60',
].join(',');
const SOUND = 'anoisesrc=color=pink:seed=1:sample_rate=48000:amplitude=0.2:duration=60';

/** @param named by the command line. @throws where there is no such file */
export async function clipOf(named: string | undefined): Promise<string> {
  if (named !== undefined) {
    if (!existsSync(named)) throw new Error(`'${named}' is not there; check its path`);
    return named;
  }
  if (existsSync(CORPUS_CLIP)) return CORPUS_CLIP;
  if (!existsSync(MADE_CLIP)) await makeClip();
  return MADE_CLIP;
}

async function makeClip(): Promise<void> {
  console.error(`a clip is made, once: ${MADE_CLIP}`);
  await mkdir(dirname(MADE_CLIP), { recursive: true });
  const unfinished = MADE_CLIP.replace('.mp4', '.part.mp4');
  const inputs = ['-f', 'lavfi', '-i', PICTURE, '-f', 'lavfi', '-i', SOUND];
  const encoders = ['-c:v', 'libx264', '-preset', 'superfast', '-crf', '20', '-c:a', 'aac', '-ac', '2'];
  await ffmpeg(...inputs, ...encoders, '-pix_fmt', 'yuv420p', unfinished);
  await rename(unfinished, MADE_CLIP);
}

/** A clip, and a name that tells it from every other one. */
export interface Clip {
  readonly file: string;
  readonly name: string;
}

/** A named file as it is; of the others the first seconds, for a benchmark that takes minutes. */
export async function shortClipOf(named: string | undefined, seconds: number, folder: string): Promise<Clip> {
  const source = await clipOf(named);
  const name = `${basename(source)} (SHA-256 ${await digestOf(source)})`;
  if (named !== undefined) return { file: source, name };
  const file = join(folder, `${seconds}-seconds.mp4`);
  await ffmpeg('-i', source, '-t', String(seconds), '-c', 'copy', file);
  return { file, name: `${name}, the first ${seconds} s` };
}

/** The first digits, enough to tell files apart. */
async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex').slice(0, 12);
}
