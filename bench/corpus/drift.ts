/**
 * By how much sound comes later than in the source, at the beginning and at the end: where the same waves are found
 * again. Both are read on the clock of their first picture, so this is what picture and sound moved apart.
 */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';

/** Samples a second: a quarter of a millisecond is finer than anybody hears. */
const RATE = 4000;
/** Seconds that are compared, at either end. */
const WINDOW = 5;
/** Seconds, to and fro, in which the waves are looked for. */
const FARTHEST = 0.3;
/** Below this correlation the waves are not the same: noise, silence, or channels that cancel each other out. */
const ALIKE = 0.5;
/** Tones look the same a period later: of lags that are as good as this share of the best, the shortest counts. */
const AS_GOOD = 0.98;

/** Seconds, positive where sound comes too late; undefined where there is nothing to tell it by. */
export interface Drift {
  readonly begin: number | undefined;
  readonly end: number | undefined;
}

/** A track of a file or playlist, and the time on its clock that counts as zero. */
export interface Heard {
  readonly url: string;
  readonly stream: string;
  readonly origin: number;
}

/** The samples of a track, mixed to one channel, from its zero on; silence where there is none. */
async function readWaves({ url, stream, origin }: Heard): Promise<Float32Array> {
  const clock = `asetpts=PTS-${origin}/TB,aresample=${RATE}:async=1:min_hard_comp=0.005:first_pts=0`;
  const output = ['-map', `0:${stream}`, '-af', clock, '-ac', '1', '-f', 'f32le', 'pipe:1'];
  const args = ['-v', 'fatal', '-nostdin', '-copyts', '-i', url, ...output];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const bytes = await buffer(child.stdout);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

/** Of a stretch of `a` and as long a one of `b`, begun `lag` samples later: 1 where they are alike, 0 where not at all. */
function correlation(a: Float32Array, b: Float32Array, from: number, to: number, lag: number): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    const [x, y] = [a[i] ?? 0, b[i + lag] ?? 0];
    product += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return product / Math.max(Math.sqrt(ofA * ofB), 1e-9);
}

/** Seconds by which `b` is later than `a` between two times, if it is alike. */
export function lagOf(a: Float32Array, b: Float32Array, from: number, to: number): number | undefined {
  const [first, last] = [Math.round(from * RATE), Math.round(to * RATE)];
  const farthest = Math.round(FARTHEST * RATE);
  const lags = Array.from({ length: 2 * farthest + 1 }, (_, index) => {
    const lag = index - farthest;
    return { lag, alike: correlation(a, b, first, last, lag) };
  });
  const best = Math.max(...lags.map(({ alike }) => alike));
  if (best < ALIKE) return undefined;
  const good = lags.filter(({ alike }) => alike >= best * AS_GOOD);
  return good.reduce((one, other) => (Math.abs(other.lag) < Math.abs(one.lag) ? other : one)).lag / RATE;
}

/** @param seconds that the stream lasts */
export async function measureDrift(source: Heard, output: Heard, seconds: number): Promise<Drift> {
  const [a, b] = await Promise.all([readWaves(source), readWaves(output)]);
  const end = Math.min(seconds, a.length / RATE, b.length / RATE);
  return {
    begin: lagOf(a, b, 0, Math.min(WINDOW, end)),
    end: lagOf(a, b, Math.max(0, end - WINDOW), end),
  };
}
