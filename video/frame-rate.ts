/** Finds the steady frame rate on whose grid a source's frames lie, or the one that serves it best. */
import { type Rational, rational, toNumber } from './rational.ts';

/** Apple's rule 1.19: never above 60 frames a second. */
const HIGHEST = 60.5;

/** The rates that cameras and editors make. */
const STANDARD: readonly Rational[] = [
  ...[5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 48, 50, 60].map((rate) => rational(rate, 1)),
  ...[15, 24, 30, 48, 60].map((rate) => rational(rate * 1000, 1001)),
  rational(25, 2),
];

export interface FrameRate {
  readonly rate: Rational;
  /** Whether every frame of the source has a slot of its own on the grid and every slot a frame. */
  readonly constant: boolean;
  /** Frames a second that the source has on average. */
  readonly measured: number;
}

/**
 * Whether every frame falls into a slot of its own, one after the other, on a grid of this rate that begins at
 * the first frame (nearest slot, as ffmpeg's fps filter rounds).
 */
function fits(pts: readonly number[], secondsPerTick: number, rate: number): boolean {
  const first = pts[0] ?? 0;
  return pts.every((time, index) => Math.abs((time - first) * secondsPerTick * rate - index) < 0.45);
}

/** The middle one of the distances between frames, in ticks; robust against a few gaps. */
function medianDistance(pts: readonly number[]): number {
  const distances = pts.slice(1).map((time, index) => time - (pts[index] ?? 0));
  return distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? 0;
}

function nearest(rates: readonly Rational[], wanted: number): Rational {
  return rates.reduce((best, rate) =>
    Math.abs(Math.log(toNumber(rate) / wanted)) < Math.abs(Math.log(toNumber(best) / wanted)) ? rate : best,
  );
}

/** A rate that is too high for players, halved until it is not: every second frame stays exactly in place. */
function playable(rate: Rational): Rational {
  return toNumber(rate) > HIGHEST ? playable(rational(rate.num, rate.den * 2)) : rate;
}

/** A rational close to a measured rate, for constant rates that no table knows, such as 12.34. */
function measuredRational(rate: number): Rational {
  return rational(Math.max(1, Math.round(rate * 1000)), 1000);
}

/**
 * @param pts the frames' presentation times in ticks, ascending
 * @param timeBase seconds a tick
 * @param claimed rates that the container claims; believed only where the frames agree
 */
export function findFrameRate(
  pts: readonly number[],
  timeBase: Rational,
  claimed: readonly Rational[],
): FrameRate {
  const tick = toNumber(timeBase);
  const span = ((pts.at(-1) ?? 0) - (pts[0] ?? 0)) * tick;
  if (pts.length < 2 || span <= 0) {
    const rate = playable(claimed[0] ?? rational(25, 1));
    return { rate, constant: true, measured: toNumber(rate) };
  }
  const measured = (pts.length - 1) / span;
  const near = (rate: Rational) => Math.abs(toNumber(rate) / measured - 1) < 0.05;
  const candidates = [
    ...claimed,
    nearest(STANDARD, measured),
    ...STANDARD,
    measuredRational(measured),
  ].filter(near);
  const constant = candidates.find((rate) => fits(pts, tick, toNumber(rate)));
  if (constant) {
    const rate = playable(constant);
    return { rate, constant: rate === constant, measured };
  }
  // Frames come unevenly: lay them on the standard rate nearest to their usual distance, which keeps the motion.
  const usual = 1 / (medianDistance(pts) * tick);
  return {
    rate: playable(nearest(STANDARD, Math.max(measured, Math.min(usual, 60)))),
    constant: false,
    measured,
  };
}
