/**
 * Subtitles that people add to a video: `jobs/<id>/text/<track>.json`, one object a track. They belong to the video
 * and not to a revision, so they outlive re-encodes and rollbacks; `v/<id>/text/<folder>/` holds them as WebVTT, cut
 * by the segments of what plays.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { clipCues } from '../video/text/cues.ts';
import { textRate } from '../video/text/rate.ts';
import { offerSchema, type TextRendition } from '../video/text/tracks.ts';
import {
  lengthOf,
  segmentCues,
  TEXT_PLAYLIST,
  TextError,
  type TextFile,
  type Timeline,
} from '../video/text/webvtt.ts';
import { inBatches } from './batches.ts';
import { log } from './log.ts';
import { isTrackId, jobKeys, type TrackId, type VideoId, videoKeys } from './names.ts';
import { CACHE_CONTROL, contentTypeOf } from './platform.ts';
import type { ObjectStore } from './store.ts';

export const sidecarSchema = offerSchema.extend({
  /** ISO 8601. */
  addedAt: z.iso.datetime(),
  /** On the stream's clock, from its first picture. */
  cues: z.array(
    z.object({
      start: z.int().nonnegative(),
      end: z.int().positive(),
      text: z.string(),
      settings: z.string().exactOptional(),
    }),
  ),
});
export type Sidecar = z.infer<typeof sidecarSchema>;

export interface AddedTrack extends Sidecar {
  readonly id: TrackId;
}

/** The tracks that were added to a video, by their ids. */
export async function sidecarIds(uploads: ObjectStore, video: VideoId): Promise<TrackId[]> {
  const ids: TrackId[] = [];
  const prefix = jobKeys.sidecars(video);
  for await (const { key } of uploads.list(prefix)) {
    const id = key.slice(prefix.length, -'.json'.length);
    if (isTrackId(id)) ids.push(id);
  }
  return ids;
}

/** The tracks that were added to a video, in the order in which they were. */
export async function readSidecars(uploads: ObjectStore, video: VideoId): Promise<AddedTrack[]> {
  const ids = await sidecarIds(uploads, video);
  const tracks = await Promise.all(
    ids.map(async (id): Promise<AddedTrack[]> => {
      const sidecar = await uploads.getJson(jobKeys.sidecar(video, id), sidecarSchema);
      return sidecar ? [{ ...sidecar, id }] : []; // removed since it was listed
    }),
  );
  return tracks.flat().toSorted((a, b) => a.addedAt.localeCompare(b.addedAt) || a.id.localeCompare(b.id));
}

/** Writes at once: a film has a thousand segments of a few hundred bytes. */
const WRITES_AT_ONCE = 32;

async function putFiles(
  production: ObjectStore,
  files: readonly TextFile[],
  keyOf: (name: string) => string,
): Promise<void> {
  const writing = inBatches(files, WRITES_AT_ONCE, ({ name, text }) => {
    const headers = { contentType: contentTypeOf(name), cacheControl: CACHE_CONTROL.immutable };
    return production.putOnce(keyOf(name), text, headers);
  });
  await Array.fromAsync(writing);
}

/** Writes a track as it is cut for a timeline, unless that is there. @returns how the master names it */
async function renderSidecar(
  production: ObjectStore,
  video: VideoId,
  { id, cues, ...offer }: AddedTrack,
  timeline: Timeline,
): Promise<TextRendition> {
  const { rate, frames, segmentFrames, delayFrames } = timeline;
  const cut = JSON.stringify([id, rate.num, rate.den, frames, segmentFrames, delayFrames]);
  const folder = createHash('sha256').update(cut).digest('hex').slice(0, 16);
  const keyOf = (name: string) => videoKeys.sidecar(video, `${folder}/${name}`);
  const files = segmentCues(clipCues(cues, 0, lengthOf(timeline)), timeline);
  if (!(await production.exists(keyOf(TEXT_PLAYLIST)))) {
    // The playlist comes last: where it is, everything that it points to is there.
    const isPlaylist = ({ name }: TextFile) => name === TEXT_PLAYLIST;
    await putFiles(
      production,
      files.filter((file) => !isPlaylist(file)),
      keyOf,
    );
    await putFiles(production, files.filter(isPlaylist), keyOf);
  }
  return {
    ...offer,
    uri: videoKeys.sidecar(video, `${folder}/${TEXT_PLAYLIST}`).slice(videoKeys.root(video).length),
    rate: textRate(new Map(files.map(({ name, text }) => [name, Buffer.byteLength(text)])), timeline),
  };
}

/** Writes every track as it is cut for a timeline. */
export async function renderSidecars(
  production: ObjectStore,
  video: VideoId,
  tracks: readonly AddedTrack[],
  timeline: Timeline,
): Promise<TextRendition[]> {
  const renditions: TextRendition[] = [];
  for (const track of tracks) {
    try {
      renditions.push(await renderSidecar(production, video, track, timeline));
    } catch (error) {
      // Words must never keep a video from playing.
      if (!(error instanceof TextError)) throw error;
      log('error', 'subtitles-left-out', { video, track: track.id, error: error.message });
    }
  }
  return renditions;
}
