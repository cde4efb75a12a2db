/** Which of a video's pictures stands for it: decided on small grey copies, so that it costs next to nothing. */

/** Measures of a picture in grey levels. */
interface Measures {
  readonly mean: number;
  /** Standard deviation: none where the picture is one colour. */
  readonly spread: number;
  /** Mean difference between neighbours: low where it is out of focus, in motion, or in the middle of a fade. */
  readonly detail: number;
  /** Shares of the pixels by their brightness. */
  readonly histogram: readonly number[];
}

/** Grey levels (limited range, black is 16) between which a picture's mean lies unless it is a fade or a flash. */
const EXPOSED = { from: 32, to: 220 };
/** Spread below which there is nothing to see: a plain colour, a fade that has just begun. */
const LEAST_SPREAD = 12;
const BINS = 32;

function measure(grey: Uint8Array, width: number): Measures {
  const counts = new Array<number>(BINS).fill(0);
  let sum = 0;
  let squares = 0;
  let differences = 0;
  let neighbours = 0;
  for (const [at, level] of grey.entries()) {
    sum += level;
    squares += level * level;
    const bin = Math.floor((level * BINS) / 256);
    counts[bin] = (counts[bin] ?? 0) + 1;
    const right = (at + 1) % width === 0 ? undefined : grey[at + 1];
    for (const neighbour of [right, grey[at + width]]) {
      if (neighbour === undefined) continue;
      differences += Math.abs(level - neighbour);
      neighbours++;
    }
  }
  const mean = sum / grey.length;
  return {
    mean,
    spread: Math.sqrt(Math.max(0, squares / grey.length - mean * mean)),
    detail: differences / Math.max(1, neighbours),
    histogram: counts.map((count) => count / grey.length),
  };
}

/** The pictures that show something; all of them where none does. */
function visible(pictures: readonly Measures[]): readonly Measures[] {
  const some = pictures.filter(
    ({ mean, spread }) => mean >= EXPOSED.from && mean <= EXPOSED.to && spread >= LEAST_SPREAD,
  );
  return some.length > 0 ? some : pictures.toSorted((a, b) => b.spread - a.spread).slice(0, 1);
}

/** Those with at least the average detail; a rounding error must not leave out equals. */
function sharp(pictures: readonly Measures[]): readonly Measures[] {
  const average = pictures.reduce((sum, { detail }) => sum + detail, 0) / pictures.length;
  return pictures.filter(({ detail }) => detail >= average * 0.999);
}

/**
 * Chooses the picture that is neither dark nor plain, has at least the average detail of those, and is most like the average
 * of all that can be seen (as ffmpeg's `thumbnail` filter measures it: the nearest histogram). Of equals the first.
 * @param frames grey pictures, a byte a pixel, all of the same size
 * @param width of each, in pixels
 * @returns the index of the chosen one; 0 where there is none
 */
export function choosePoster(frames: readonly Uint8Array[], width: number): number {
  const pictures = frames.map((grey) => measure(grey, width));
  const candidates = visible(pictures);
  const average = Array.from(
    { length: BINS },
    (_, bin) => candidates.reduce((sum, { histogram }) => sum + (histogram[bin] ?? 0), 0) / candidates.length,
  );
  const distance = ({ histogram }: Measures) =>
    histogram.reduce((sum, share, bin) => sum + (share - (average[bin] ?? 0)) ** 2, 0);
  const [chosen] = sharp(candidates).toSorted((a, b) => distance(a) - distance(b));
  return chosen === undefined ? 0 : pictures.indexOf(chosen);
}
