/** Finds the steady frame rate on whose grid a source's frames lie, or the one that serves it best. */
import { type Rational, rational, toNumber } from './rational.ts';

/** Apple's rule 1.19: never above 60 frames a second. */
const HIGHEST = 60.5;

/** Below one frame a second a GOP of two seconds has no whole frame, so that a segment would grow beyond its length. */
const LOWEST = 1;

/** The rates that cameras and editors make. */
const STANDARD: readonly Rational[] = [
  ...[1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 48, 50, 60].map((rate) => rational(rate, 1)),
  ...[15, 24, 30, 48, 60].map((rate) => rational(rate * 1000, 1001)),
  rational(25, 2),
];
/** Those of slow motion, which players do not show. */
const FAST: readonly Rational[] = [
  ...[72, 90, 100, 120, 144, 200, 240, 480, 960].map((rate) => rational(rate, 1)),
  ...[120, 240, 480, 960].map((rate) => rational(rate * 1000, 1001)),
];

/** A still image that says no likely rate. */
const STILL = rational(25, 1);

/**
 * The share of unevenly coming frames that must have a slot of their own, so that motion stays whole: at the rate of
 * most of them, whose times may jitter, and at any other.
 */
const KEPT = { usual: 0.95, other: 0.98 };

export interface FrameRate {
  /** Of the grid. */
  readonly rate: Rational;
  /** Whether the source's frames come steadily: every frame has a slot of its own and every slot a frame. */
  readonly steady: boolean;
  /** Source frames a slot: 2 where every second one is left out; 0.5 where each is shown twice; 1 if not steady. */
  readonly framesPerSlot: number;
  /** Frames a second that the source has on average; none for a single one. */
  readonly measured: number | undefined;
}

/** Slots by which a frame may miss its own, and it is still the nearest. */
const FITS = 0.45;
/** Rates whose frames miss their slots by as little as the best one's and so much are as good; the likelier is taken. */
const AS_GOOD = 0.02;

/**
 * Slots by which the worst frame misses its own, one after the other, on a grid of this rate that begins at the first
 * frame.
 */
function worstMiss(pts: readonly number[], secondsPerTick: number, rate: number): number {
  const first = pts[0] ?? 0;
  return pts.reduce(
    (worst, time, index) => Math.max(worst, Math.abs((time - first) * secondsPerTick * rate - index)),
    0,
  );
}

/** The first of the rates on which every frame falls into a slot of its own, about as well as on any. */
function fitting(pts: readonly number[], tick: number, rates: readonly Rational[]): Rational | undefined {
  const misses = rates.map((rate) => worstMiss(pts, tick, toNumber(rate)));
  const best = Math.min(...misses);
  return best < FITS ? rates[misses.findIndex((miss) => miss <= best + AS_GOOD)] : undefined;
}

/** The share of the frames that have a slot of their own on a grid of this rate. */
function shareKept(pts: readonly number[], secondsPerTick: number, rate: number): number {
  const first = pts[0] ?? 0;
  let slots = 0;
  let last = -1;
  for (const time of pts) {
    const slot = Math.round((time - first) * secondsPerTick * rate);
    if (slot !== last) slots++;
    last = slot;
  }
  return slots / pts.length;
}

/** The middle one of the distances between frames, in ticks; robust against a few gaps. 0 where there are none. */
export function medianDistance(pts: readonly number[]): number {
  const distances = pts.slice(1).map((time, index) => time - (pts[index] ?? 0));
  return distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? 0;
}

function nearest(rates: readonly Rational[], wanted: number): Rational {
  return rates.reduce((best, rate) =>
    Math.abs(Math.log(toNumber(rate) / wanted)) < Math.abs(Math.log(toNumber(best) / wanted)) ? rate : best,
  );
}

/**
 * A rate that is too high for players, halved until it is not, so that every second frame stays exactly in place; one
 * that is too low for segments, doubled.
 */
export function playable(rate: Rational): Rational {
  if (toNumber(rate) > HIGHEST) return playable(rational(rate.num, rate.den * 2));
  if (toNumber(rate) < LOWEST) return playable(rational(rate.num * 2, rate.den));
  return rate;
}

/** A rational close to a measured rate, for constant rates that no table knows, such as 12.34. */
function measuredRational(rate: number): Rational {
  return rational(Math.max(1, Math.round(rate * 1000)), 1000);
}

/**
 * The standard rate nearest to the frames' usual distance, if it leaves nearly every frame a slot of its own; else the
 * slowest that does, so that a recording of a screen that rests most of the time still moves smoothly where it moves.
 */
function rateForUneven(pts: readonly number[], tick: number): Rational {
  const rates = STANDARD.filter((rate) => toNumber(rate) >= 5);
  const keeps = (share: number) => (rate: Rational) => shareKept(pts, tick, toNumber(rate)) >= share;
  const usual = nearest(rates, 1 / (medianDistance(pts) * tick));
  if (keeps(KEPT.usual)(usual)) return usual;
  const ascending = rates.toSorted((a, b) => toNumber(a) - toNumber(b));
  return ascending.find(keeps(KEPT.other)) ?? ascending.at(-1) ?? STILL;
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
    const likely = claimed.find((rate) => STANDARD.some((known) => toNumber(known) === toNumber(rate)));
    return { rate: playable(likely ?? STILL), steady: true, framesPerSlot: 1, measured: undefined };
  }
  const measured = (pts.length - 1) / span;
  const near = (rate: Rational) => Math.abs(toNumber(rate) / measured - 1) < 0.05;
  const known = [...STANDARD, ...FAST];
  const likely = [...claimed, nearest(known, measured), ...known].filter(near);
  const own = fitting(pts, tick, likely) ?? fitting(pts, tick, [measuredRational(measured)]);
  if (!own) return { rate: rateForUneven(pts, tick), steady: false, framesPerSlot: 1, measured };
  const rate = playable(own);
  return { rate, steady: true, framesPerSlot: toNumber(own) / toNumber(rate), measured };
}

/**
 * Where several frames share a slot, the fps filter keeps the last of them. Shown this much later, in slots, the frame
 * that lies exactly in the slot is that last one, however the container rounded the times of those beside it.
 */
export const lead = (framesPerSlot: number): number =>
  framesPerSlot > 1 ? 0.5 - 1 / (2 * framesPerSlot) : 0;
