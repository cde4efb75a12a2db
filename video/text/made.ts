/** The text tracks of a source that came out with something to read. */
import type { Plan } from '../plan.ts';
import type { Receipt } from '../receipt.ts';
import { type Offer, type TextTrack, textRendition } from './tracks.ts';
import { TEXT_PLAYLIST } from './webvtt.ts';

/** What a track is for. */
export const TEXT_KINDS = ['subtitles', 'captions', 'forced'] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

/** `captions` are for the deaf, sounds and all; `forced` has only what the picture's own language leaves out. */
export function textKind({ forced, sdh }: Pick<Offer, 'forced' | 'sdh'>): TextKind {
  if (forced) return 'forced';
  return sdh ? 'captions' : 'subtitles';
}

/** Those of a plan's text tracks whose playlist was made, each with that playlist's path below the revision, and its files' bytes. */
export function madeText(
  plan: Pick<Plan, 'text'>,
  receipts: readonly Pick<Receipt, 'files'>[],
): { track: TextTrack; path: string; sizes: ReadonlyMap<string, number> }[] {
  const made = receipts.flatMap(({ files }) => files);
  return plan.text.flatMap((track, index) => {
    const folder = `${textRendition(index)}/`;
    const own = made.filter(({ path }) => path.startsWith(folder));
    const sizes = new Map(own.map(({ path, bytes }) => [path.slice(folder.length), bytes]));
    return sizes.has(TEXT_PLAYLIST) ? [{ track, path: folder + TEXT_PLAYLIST, sizes }] : [];
  });
}
