/**
 * What an owner changed about a video since its upload: `jobs/<id>/edits.json`, the one small object of a video that is
 * replaced. Claim, plans and media stay as they were written.
 */
import { z } from 'zod';
import { pictureFileSchema } from '../video/stills.ts';
import type { Claim } from './claim.ts';
import { jobKeys, type VideoId } from './names.ts';
import { describedSchema } from './pending.ts';
import type { ObjectStore } from './store.ts';

export const visibilitySchema = z.enum(['public', 'unlisted', 'private']);
export type Visibility = z.infer<typeof visibilitySchema>;

export const editsSchema = describedSchema.extend({
  visibility: visibilitySchema.optional(),
  /** The owner's own; null once it was taken back. Its path is relative to `video.json`. */
  poster: pictureFileSchema.nullable().optional(),
});
export type Edits = Readonly<z.infer<typeof editsSchema>>;

/** What a video is called, by whom it may be seen, and what its owner keeps with it. */
export interface Description {
  readonly title: string;
  readonly visibility: Visibility;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A video's description: the edits' words before the upload's, before the file's name, before the id. */
export function descriptionOf(video: VideoId, claim: Claim | undefined, edits: Edits): Description {
  return {
    title: edits.title ?? claim?.title ?? claim?.fileName ?? video,
    visibility: edits.visibility ?? 'unlisted',
    metadata: edits.metadata ?? claim?.metadata ?? {},
  };
}

/** What was changed; nothing where there were no edits. */
export async function readEdits(uploads: ObjectStore, video: VideoId): Promise<Edits> {
  return (await uploads.getJson(jobKeys.edits(video), editsSchema)) ?? {};
}

/** Whether only who may see a video has an address at which it plays: none goes into what others are told. */
export async function isPrivate(uploads: ObjectStore, video: VideoId): Promise<boolean> {
  return (await readEdits(uploads, video)).visibility === 'private';
}

/** Adds changes to those before, which it returns. Two that come at the same moment are both kept. */
export async function recordEdits(uploads: ObjectStore, video: VideoId, changes: Edits): Promise<Edits> {
  let before: Edits = {};
  await uploads.updateJson(jobKeys.edits(video), editsSchema, (kept = {}) => {
    before = kept;
    return { ...before, ...changes };
  });
  return before;
}
