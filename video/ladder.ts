/** Chooses the rungs that a source deserves. */
import { z } from 'zod';
import { type Colour, keepsHdr } from './colour.ts';
import type { Finding } from './findings.ts';
import { type Codec, codecSchema, type EncodeSettings, type RungSettings } from './settings.ts';
import { even, type Size } from './size.ts';

/** One rendition of the picture. */
export const rungSchema = z.object({
  /** `1080p`, `hevc-1080p`, `1080p-hdr`: the short side; names its folder. */
  name: z.string(),
  /** Pixels, both even. */
  width: z.int().positive(),
  height: z.int().positive(),
  codec: codecSchema.default('h264'),
  /** On the codec's own scale. */
  crf: z.number(),
  maxKbps: z.number().positive(),
  /** The transfer function of a rung that keeps high dynamic range. */
  hdr: z.enum(['pq', 'hlg']).optional(),
});
export type Rung = z.infer<typeof rungSchema>;

/** A source this much taller than the highest rung that fits gets a rung of its own size. */
const OWN_SIZE_FROM = 1.1;

/** A picture of a few pixels still has headers and key frames, which no cap must squeeze. */
const LEAST_KBPS = 50;

/**
 * Blocks of 16 x 16 pixels that a rung may have: as many as H.264's level 5.2 decodes 60 times a second (ITU-T H.264,
 * table A-1), the highest that Apple's devices play (rule 1.3). 4096 x 2160 just fits.
 */
const MAX_BLOCKS = 2_073_600 / 60;

/** Pixels of the least side that every encoder of these codecs takes: SVT-AV1 1.4 refuses less. */
const LEAST_SIDE: Readonly<Record<Codec, number>> = { h264: 2, hevc: 64, av1: 64 };

/**
 * A ladder of one rung has nothing to go down to. Where that rung and its sound may take more than 192 kbit/s, the
 * lowest rate that Apple asks for anywhere (9.21), a smaller one comes below it (9.9).
 */
const ALONE = { mostKbps: 64, belowShare: 2 / 3 };

const blocks = ({ width, height }: Size): number => Math.ceil(width / 16) * Math.ceil(height / 16);

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
 * The H.264 ladder of a picture, highest rung first: every rung of the table whose short side the source reaches,
 * never above the source; where the source lies well between two rungs, or under the lowest, one rung of its own size.
 * Above a crawl there are two rungs at least.
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
  const [only] = chosen;
  if (only && chosen.length === 1 && only.maxKbps > ALONE.mostKbps)
    chosen.push(interpolate(only.height * ALONE.belowShare, descending));
  const rungs = chosen.map(({ height, crf, maxKbps }): Rung => {
    const scale = height / short;
    const size = { width: even(picture.width * scale), height: even(picture.height * scale) };
    return { name: `${even(height)}p`, ...size, codec: 'h264', crf, maxKbps };
  });
  const playable = rungs.filter((rung) => blocks(rung) <= MAX_BLOCKS);
  return playable.length > 0 ? playable : rungs.slice(-1);
}

/**
 * A ladder of H.264 once more in another codec, looking alike: the crf that gives the same SSIM, and the share of the
 * bits that it needs for it (docs/encoding.md, "Codecs").
 */
const ALIKE: Readonly<Record<Exclude<Codec, 'h264'>, { crf: (h264: number) => number; kbps: number }>> = {
  hevc: { crf: (h264) => Math.max(0, h264 - 1), kbps: 0.85 },
  av1: { crf: (h264) => Math.min(63, Math.max(1, Math.round(2.5 * h264 - 24.5))), kbps: 0.75 },
};

/** The same ladder in another codec, but for sizes that its encoder does not take. */
export function ladderIn(codec: Exclude<Codec, 'h264'>, rungs: readonly Rung[]): Rung[] {
  const { crf, kbps } = ALIKE[codec];
  return rungs
    .filter(({ width, height }) => Math.min(width, height) >= LEAST_SIDE[codec])
    .map((rung) => ({
      ...rung,
      name: `${codec}-${rung.name}`,
      codec,
      crf: crf(rung.crf),
      maxKbps: Math.max(LEAST_KBPS, Math.round(rung.maxKbps * kbps)),
    }));
}

/** The ladder of H.264 once more with the source's high dynamic range: in HEVC (Apple's rule 1.7 and 1.8), if it has any. */
function hdrLadder(rungs: readonly Rung[], colour: Colour | undefined): Rung[] {
  const hdr = colour && keepsHdr(colour) ? colour.hdr?.transfer : undefined;
  if (!hdr) return [];
  return ladderIn('hevc', rungs).map((rung) => ({
    ...rung,
    name: `${rung.name.replace('hevc-', '')}-hdr`,
    hdr,
  }));
}

/**
 * Every rung of a picture: H.264's ladder, then those of the other codecs that the settings name, then HDR's.
 * @param pruned names of H.264's rungs to leave out, in every codec
 */
export function chooseRungs(
  picture: { width: number; height: number; colour?: Colour },
  { rungs, codecs, hdr }: Pick<EncodeSettings, 'rungs' | 'codecs' | 'hdr'>,
  pruned: readonly string[] = [],
): Rung[] {
  const h264 = chooseLadder(picture, rungs).filter(({ name }) => !pruned.includes(name));
  return [
    ...h264,
    ...codecs.flatMap((codec) => (codec === 'h264' ? [] : ladderIn(codec, h264))),
    ...(hdr === 'keep' ? hdrLadder(h264, picture.colour) : []),
  ];
}

/**
 * Which rung is offered for downloading, of H.264's: it plays wherever a file is taken to.
 * @returns its name; undefined where none is wanted, or where there is sound alone
 */
export function downloadRung(rungs: readonly Rung[], wanted: EncodeSettings['download']): string | undefined {
  if (wanted === 'off') return undefined;
  const h264 = rungs.filter(({ codec }) => codec === 'h264');
  const most = wanted === 'highest' ? Number.POSITIVE_INFINITY : Number.parseInt(wanted, 10);
  const fitting = h264.find(({ width, height }) => Math.min(width, height) <= most);
  return (fitting ?? h264.at(-1))?.name;
}

/** What an owner is told of rungs that were left out. */
export function prunedFindings(pruned: readonly string[]): Finding[] {
  if (pruned.length === 0) return [];
  const text = `No better to look at than the next smaller size, and so left out: ${pruned.join(', ')}. The highest size and the lowest are there. To have every size, encode the video again with the setting "prune": false.`;
  return [{ code: 'pruned', text }];
}
