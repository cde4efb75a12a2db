/** Chooses the rungs that a source deserves. */
import { z } from 'zod';
import type { RungSettings } from './settings.ts';

/** One rendition of the picture. */
export const rungSchema = z.object({
  /** `1080p`: the short side; names its folder. */
  name: z.string(),
  /** Pixels, both even. */
  width: z.int().positive(),
  height: z.int().positive(),
  crf: z.number(),
  maxKbps: z.number().positive(),
});
export type Rung = z.infer<typeof rungSchema>;

/** A source this much taller than the highest rung that fits gets a rung of its own size. */
const OWN_SIZE_FROM = 1.1;

/** A picture of a few pixels still has headers and key frames, which no cap must squeeze. */
const LEAST_KBPS = 50;

const even = (pixels: number): number => Math.max(2, Math.round(pixels / 2) * 2);

/** Crf and cap for a size between the table's rungs: the next larger rung's, its cap scaled by the pixels. */
function interpolate(short: number, table: readonly RungSettings[]): RungSettings {
  const above = table.findLast((rung) => rung.height >= short) ?? table[0];
  if (!above) throw new Error('The ladder has no rung; give encode settings at least one');
  return {
    height: short,
    crf: above.crf,
    maxKbps: Math.max(LEAST_KBPS, Math.round(above.maxKbps * (short / above.height) ** 1.5)),
  };
}

/**
 * The ladder of a picture, highest rung first: every rung of the table whose short side the source reaches, never
 * above the source; where the source lies well between two rungs, or under the lowest, one rung of its own size.
 */
export function chooseLadder(
  picture: { width: number; height: number },
  table: readonly RungSettings[],
): Rung[] {
  const short = Math.min(picture.width, picture.height);
  const descending = table.toSorted((a, b) => b.height - a.height);
  const fitting = descending.filter((rung) => rung.height <= short);
  const highest = fitting[0]?.height ?? 0;
  const own = highest < (descending[0]?.height ?? 0) && short > highest * OWN_SIZE_FROM;
  const chosen = own ? [interpolate(short, descending), ...fitting] : fitting;
  return chosen.map(({ height, crf, maxKbps }) => {
    const scale = height / short;
    const name = `${even(height)}p`;
    return { name, width: even(picture.width * scale), height: even(picture.height * scale), crf, maxKbps };
  });
}
