/** How a picture is stored against how it is meant to be seen: the display matrix (ISO/IEC 14496-12, 8.5.2 and 8.3.2). */

/** Each way to store a picture: what undoes it as ffmpeg's filters, whether that swaps the sides, and in words. */
export const ORIENTATIONS = {
  mirrored: { filters: ['hflip'], swaps: false, text: 'mirrored' },
  flipped: { filters: ['vflip'], swaps: false, text: 'mirrored upside down' },
  'turned-180': { filters: ['hflip', 'vflip'], swaps: false, text: 'upside down' },
  'turned-90': { filters: ['transpose=clock'], swaps: true, text: 'turned by 90°' },
  'turned-270': { filters: ['transpose=cclock'], swaps: true, text: 'turned by 270°' },
  transposed: { filters: ['transpose=cclock_flip'], swaps: true, text: 'turned by 90° and mirrored' },
  'anti-transposed': { filters: ['transpose=clock_flip'], swaps: true, text: 'turned by 270° and mirrored' },
} as const satisfies Record<string, { filters: readonly string[]; swaps: boolean; text: string }>;

/** The ways other than upright. */
export type Orientation = keyof typeof ORIENTATIONS;

/**
 * The orientation that a display matrix says, undefined where it is upright. A matrix between two of the eight counts
 * as the nearest: players do not show pictures askew.
 * @param matrix as ffprobe prints it: three lines `00000000:  a  b  u`, `c  d  v`, `x  y  w`; a point (x, y) is shown at
 *   (ax + cy, bx + dy), y counting downwards
 */
export function readDisplayMatrix(matrix: string): Orientation | undefined {
  const rows = [...matrix.matchAll(/^0*\d+:\s+(-?\d+)\s+(-?\d+)\s+-?\d+\s*$/gm)];
  const [a = 1, b = 0] = rows[0]?.slice(1).map(Number) ?? [];
  const [c = 0, d = 1] = rows[1]?.slice(1).map(Number) ?? [];
  if (Math.abs(a) + Math.abs(d) >= Math.abs(b) + Math.abs(c)) {
    if (a >= 0) return d >= 0 ? undefined : 'flipped';
    return d >= 0 ? 'mirrored' : 'turned-180';
  }
  if (b >= 0) return c < 0 ? 'turned-90' : 'transposed';
  return c >= 0 ? 'turned-270' : 'anti-transposed';
}
