/** Bit rates and frame rates as the media have them. */
import type { Loaded } from './load.ts';
import { mainRun } from './timeline.ts';

/** Bits a second. */
export interface BitRate {
  readonly peak: number;
  readonly average: number;
}

export const NO_BITS: BitRate = { peak: 0, average: 0 };

export const secondsOf = ({ segments }: Loaded): number =>
  segments.reduce((sum, { seconds }) => sum + seconds, 0);

/**
 * The average, and the highest rate of any run of segments that lasts between half and one and a half target durations
 * (RFC 8216, 4.1; rfc8216bis 4.4.6.2). A rendition shorter than that has its average for a peak.
 */
export function measureBitRate(loaded: Loaded): BitRate {
  const { segments, playlist } = loaded;
  const bits = segments.reduce((sum, { bytes }) => sum + 8 * bytes, 0);
  const average = bits / secondsOf(loaded);
  let peak = average;
  for (const index of segments.keys()) {
    let [run, seconds] = [0, 0];
    for (let at = index; at < segments.length; at++) {
      run += 8 * (segments[at]?.bytes ?? 0);
      seconds += segments[at]?.seconds ?? 0;
      if (!(seconds <= 1.5 * playlist.target)) break;
      if (seconds >= 0.5 * playlist.target) peak = Math.max(peak, run / seconds);
    }
  }
  return { peak, average };
}

/** Samples of one rendition a second; `steady` unless their durations differ by more than rounding. */
export function measureFrameRate({ segments }: Loaded): { rate: number; steady: boolean } | undefined {
  const runs = segments.flatMap((segment) => mainRun(segment) ?? []);
  if (runs.length === 0 || runs.length < segments.length) return undefined;
  const samples = runs.reduce((sum, run) => sum + run.samples, 0);
  const seconds = runs.reduce((sum, { start, end, track }) => sum + (end - start) / track.timescale, 0);
  const shortest = runs.reduce((least, run) => Math.min(least, run.shortest), Infinity);
  const longest = runs.reduce((most, run) => Math.max(most, run.longest), 0);
  return { rate: samples / seconds, steady: longest - shortest <= Math.max(2, 0.02 * longest) };
}
