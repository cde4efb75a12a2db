/** What of an encode can be watched before its end (docs/decisions/0011). */
import { earlyPlaylist, type RenditionMedia } from './multivariant.ts';
import { type Plan, segmentCount } from './plan.ts';
import { audioSegments, eventPlaylist, type Segment, targetDuration, videoSegments } from './playlists.ts';

/** What there is of an encode from its beginning on. */
export interface Progress {
  /** Chunks without one missing before them. */
  readonly chunks: number;
  /** Segments of the sound that is heard early. */
  readonly heard: number;
}

/**
 * The sound that is heard early, by its index: the first, for each further one would have to be begun, too, before
 * anything plays. The others come with the finished stream.
 */
export const EARLY_SOUND = 0;

/** Segments from the beginning that picture and sound have, or have ended before. */
export function earlySegments(plan: Plan, { chunks, heard }: Progress): number {
  const all = segmentCount(plan);
  const seen = chunks === plan.chunks.length ? all : (plan.chunks[chunks - 1]?.to ?? 0) / plan.segmentFrames;
  return Math.min(all, seen, plan.audio.length === 0 ? all : heard);
}

/** A stretch that is so much longer than the one that plays is worth new playlists: a long video has few then. */
const WORTHWHILE = 1.1;

/** Whether to let more play. @param had segments that play already */
export const isWorthwhile = (plan: Plan, had: number, have: number): boolean =>
  have > had && have >= Math.min(segmentCount(plan), had * WORTHWHILE);

interface Playlist {
  /** Below the revision. */
  readonly path: string;
  readonly text: string;
}

/** The path of the playlist to begin with. */
export const EARLY_PATH = 'early.m3u8';

export interface Early {
  readonly media: readonly Playlist[];
  readonly multivariant: Playlist;
}

/**
 * The playlists of so many segments.
 * @param renditions what there is of each, in the plan's order
 * @returns undefined where there should be sound and it could not be made: then nothing plays before the end
 */
export function earlyPlaylists(
  plan: Plan,
  renditions: { readonly rungs: readonly RenditionMedia[]; readonly audio: readonly RenditionMedia[] },
  segments: number,
): Early | undefined {
  const { rungs } = renditions;
  const sound = renditions.audio[EARLY_SOUND];
  if (sound?.objects.length === 0) return undefined;
  const target = targetDuration(plan);
  const playlist = ({ name, objects }: RenditionMedia, whole: readonly Segment[]): Playlist => ({
    path: `${name}/index.m3u8`,
    text: eventPlaylist(whole.slice(0, segments), objects, target),
  });
  const audio = renditions.audio.map((other) => (other === sound ? other : { ...other, objects: [] }));
  return {
    media: [
      ...(sound ? [playlist(sound, audioSegments(sound.objects))] : []),
      ...rungs.map((rung) => playlist(rung, videoSegments(plan, rung.objects))),
    ],
    multivariant: { path: EARLY_PATH, text: earlyPlaylist({ plan, base: '', rungs, audio }) },
  };
}
