/**
 * Loudness by EBU R 128: measured over the whole rendition, then set by one gain, so that nothing of its dynamics
 * changes; where peaks would pass the ceiling, a limiter holds those alone, and its own toll is measured and made up for.
 */

/** Full-scale loudness units that people expect of speech and music on the web (AES TD1008), and R 128's ceiling below it. */
export const TARGET = { lufs: -16, truePeak: -1.5 };

/** What is below R 128's gate is silence: it is left alone. */
const SILENT_LUFS = -69;
/** Decibels; a recording that needs more is mostly noise. */
const MOST_GAIN = 30;

export interface Loudness {
  readonly lufs: number;
  /** dBTP. */
  readonly truePeak: number;
}

/** The filter that measures; it tells of it at its end. */
export const MEASURE_FILTER = 'ebur128=peak=true:framelog=verbose';

const INTEGRATED = /\bI: +(-?[\d.]+) LUFS/;
const PEAK = /\bPeak: +(-?[\d.]+|-inf) dBFS/;

/** Reads what ffmpeg says while the filter above measures. */
export class LoudnessReader {
  #lufs: number | undefined;
  #truePeak: number | undefined;

  /** @param line of ffmpeg's standard error */
  read(line: string): void {
    const lufs = INTEGRATED.exec(line)?.[1];
    const peak = PEAK.exec(line)?.[1];
    if (lufs !== undefined) this.#lufs = Number(lufs);
    if (peak !== undefined) this.#truePeak = peak === '-inf' ? -Infinity : Number(peak);
  }

  /** Undefined where the filter said nothing. */
  loudness(): Loudness | undefined {
    return this.#lufs === undefined || this.#truePeak === undefined
      ? undefined
      : { lufs: this.#lufs, truePeak: this.#truePeak };
  }
}

/** How a sound is brought to the target. */
export interface Level {
  /** Decibels. */
  readonly gain: number;
  /** Whether peaks would pass the ceiling. */
  readonly limited: boolean;
}

const gained = (gain: number): number => Math.min(MOST_GAIN, gain);

/** What brings a sound of this loudness to the target; nothing where it is silent. */
export function levelFor({ lufs, truePeak }: Loudness): Level | undefined {
  if (lufs < SILENT_LUFS) return undefined;
  const gain = gained(TARGET.lufs - lufs);
  return { gain, limited: truePeak + gain > TARGET.truePeak };
}

/** Loudness units by which a sound may miss the target. */
const TOLERANCE = 0.2;

/**
 * A limiter takes loudness, too: the level that makes up for it. Undefined where the target is met, or out of reach.
 * @param reached the loudness at the level
 */
export function corrected({ gain, limited }: Level, { lufs }: Loudness): Level | undefined {
  const missing = TARGET.lufs - lufs;
  if (!limited || Math.abs(missing) <= TOLERANCE || gained(gain + missing) === gain) return undefined;
  return { gain: gained(gain + missing), limited };
}

/** The filters of a level. */
export function levelFilters({ gain, limited }: Level): string[] {
  const volume = `volume=${gain.toFixed(2)}dB`;
  if (!limited) return [volume];
  const limit = 10 ** (TARGET.truePeak / 20);
  // At four times the rate the limiter sees what lies between the samples (ITU-R BS.1770, annex 2).
  return [
    volume,
    'aresample=192000',
    `alimiter=limit=${limit.toFixed(4)}:level=0:latency=1`,
    'aresample=48000',
  ];
}
