/** Makes and reads small videos whose every frame says which one it is. */
import { execFile, spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Runs ffmpeg; throws with its complaint. */
export async function ffmpeg(...args: string[]): Promise<void> {
  await exec('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { maxBuffer: 1 << 26 });
}

/** Bits of a frame's number, as white or black boxes in a row. */
const BITS = 14;
const BOX = 32;
const HEIGHT = 270;

/** A picture in which frame n shows n in binary over a moving background. */
export const numberedPicture = (rate: string, seconds: number): string =>
  [
    `testsrc2=size=${BITS * BOX}x${HEIGHT}:rate=${rate}:duration=${seconds}`,
    `drawbox=0:0:iw:${BOX}:black:fill`,
    ...Array.from({ length: BITS }, (_, bit) => {
      return `drawbox=${bit * BOX}:0:${BOX}:${BOX}:white:fill:enable='gt(bitand(n\\,${2 ** bit})\\,0)'`;
    }),
  ].join(',');

/** A sound and a picture that clap together every `every` seconds: 50 ms of tone, one white frame. */
export const clap = (rate: number, seconds: number, every: number) => ({
  picture: `color=black:size=320x180:rate=${rate}:duration=${seconds},drawbox=0:0:iw:ih:white:fill:enable='eq(mod(n\\,${rate * every})\\,0)'`,
  sound: `aevalsrc='if(lt(mod(t\\,${every})\\,0.05)\\,sin(2*PI*1000*t)\\,0)':s=48000:d=${seconds}`,
});

/** Decodes to raw bytes. */
async function decode(args: readonly string[]): Promise<Buffer> {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...args, 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [bytes, code] = await Promise.all([
    buffer(child.stdout),
    new Promise<number | null>((done) => child.on('close', done)),
  ]);
  if (code !== 0) throw new Error(`ffmpeg ended with code ${code}`);
  return bytes;
}

/**
 * The pixels of a video's first frame, or of one later.
 * @param format ffmpeg's, such as `gray` or `rgb24`
 */
export async function framePixels(input: string, format: string, frame = 0): Promise<Buffer> {
  // Without these flags the scaler's own rounding would count as the video's.
  const filter = `select=eq(n\\,${frame}),scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp,format=${format}`;
  return decode(['-i', input, '-map', '0:v:0', '-vf', filter, '-frames:v', '1', '-f', 'rawvideo']);
}

/** The numbers that the frames of a video show, in the order in which they are shown. */
export async function readNumbers(
  input: string,
  { filter = 'null', inputArgs = [] }: { filter?: string; inputArgs?: readonly string[] } = {},
): Promise<number[]> {
  const scaled = ['-vf', `${filter},scale=${BITS}:${Math.round(HEIGHT / BOX)}:flags=area,format=gray`];
  const pixels = await decode([
    ...inputArgs,
    '-i',
    input,
    '-map',
    '0:v:0',
    ...scaled,
    '-fps_mode',
    'passthrough',
    '-f',
    'rawvideo',
  ]);
  const frameSize = BITS * Math.round(HEIGHT / BOX);
  return Array.from({ length: pixels.length / frameSize }, (_, frame) =>
    Array.from({ length: BITS }, (_, bit) =>
      (pixels[frame * frameSize + bit] ?? 0) > 128 ? 2 ** bit : 0,
    ).reduce((a, b) => a + b),
  );
}

/**
 * Seconds at which the picture turns white, and the sound begins after silence, on the one clock of a player that
 * plays both (ffmpeg, which mpv is built on): frames and sound are laid on a timeline that begins at 0. Claps in
 * the first second do not count, for before the first picture there is no dark to tell it from.
 */
export async function readClaps(input: string): Promise<{ flashes: number[]; beeps: number[] }> {
  const fps = 1000; // a picture a millisecond: fine enough for what the ear notices
  const picture = ['-vf', `scale=1:1:flags=area,format=gray,fps=${fps}:start_time=0`, '-f', 'rawvideo'];
  const pixels = await decode(['-copyts', '-i', input, '-map', '0:v:0', ...picture]);
  const flashes = [...pixels].flatMap((pixel, frame) => {
    return pixel > 128 && (pixels[frame - 1] ?? 0) <= 128 ? [frame / fps] : [];
  });
  const rate = 48_000;
  const sound = ['-af', `aresample=${rate}:async=1:first_pts=0`, '-ac', '1', '-f', 's16le'];
  const bytes = await decode(['-copyts', '-i', input, '-map', '0:a:0', ...sound]);
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const beeps: number[] = [];
  let loudLast = -rate;
  for (const [index, sample] of samples.entries()) {
    if (Math.abs(sample) < 4000) continue;
    if (index - loudLast > rate / 10) beeps.push(index / rate);
    loudLast = index;
  }
  const later = (seconds: number) => seconds > 1;
  return { flashes: flashes.filter(later), beeps: beeps.filter(later) };
}

/** The grey levels of the first picture of a file; scaled where a size is given. */
export function readPixels(input: string, width?: number, height?: number): Promise<Buffer> {
  const scaled = width && height ? `scale=${width}:${height}:flags=area,` : '';
  return decode(['-i', input, '-frames:v', '1', '-vf', `${scaled}format=gray`, '-f', 'rawvideo']);
}

/** Mean grey levels of a picture's left and right half, 0 to 255. */
export async function greyOf(image: string): Promise<readonly [number, number]> {
  const [left = 0, right = 0] = await decode([
    ...['-i', image, '-frames:v', '1', '-vf', 'scale=2:1:flags=area,format=gray', '-f', 'rawvideo'],
  ]);
  return [left, right];
}

/** What a video says of its colours: range, matrix, transfer, primaries, as ffprobe names them. */
export async function colourTagsOf(file: string): Promise<string> {
  const entries = 'stream=color_range,color_space,color_transfer,color_primaries';
  const { stdout } = await exec('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'csv=p=0', file]);
  return stdout.trim();
}

/** Makes a small MP4 with a moving picture and a tone. */
export async function makeClip(file: string, seconds: number, rate: number): Promise<void> {
  const picture = `testsrc2=size=160x120:rate=${rate}:duration=${seconds}`;
  const sound = ['-f', 'lavfi', '-i', `sine=duration=${seconds}`];
  await ffmpeg('-f', 'lavfi', '-i', picture, ...sound, '-pix_fmt', 'yuv420p', file);
}

/** How many frames of picture ffmpeg plays of a file or an address. Rejects where it can not. */
export async function countFrames(input: string): Promise<number> {
  const count = ['-v', 'error', '-count_frames', '-select_streams', 'v:0'];
  const shown = ['-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0'];
  const { stdout } = await exec('ffprobe', [...count, ...shown, input]);
  return Number(stdout.trim().split('\n')[0]);
}
