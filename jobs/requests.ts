/**
 * Which revision of a video should play: `jobs/<id>/requests/<number>.json`, each written once. The upload writes the
 * first one, every re-encode and rollback the next; the last one counts. So the history is kept, and two people who
 * ask at the same moment get one after the other.
 */
import { z } from 'zod';
import { type EncodeSettings, encodeSettingsSchema, RECIPE_VERSION } from '../video/settings.ts';
import type { Claim } from './claim.ts';
import { type Encode, encodeSchema } from './messages.ts';
import { jobKeys, type Revision, revisionOf, type VideoId } from './names.ts';
import { markOld } from './old-marks.ts';
import { markOpen } from './open.ts';
import type { ObjectStore } from './store.ts';

export const requestSchema = z.object({
  revision: encodeSchema.shape.revision,
  /** ISO 8601. */
  requestedAt: z.string(),
});
export type Request = z.infer<typeof requestSchema>;

/** What, with the source, makes a revision: `jobs/<id>/<revision>/settings.json`. */
const recordedSettingsSchema = z.object({
  /** Of the code that was asked. */
  recipe: z.int(),
  settings: encodeSettingsSchema,
});

async function requestKeys(uploads: ObjectStore, video: VideoId): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of uploads.list(jobKeys.requests(video))) keys.push(key);
  return keys;
}

/** Every request of a video, oldest first. */
export async function readRequests(uploads: ObjectStore, video: VideoId): Promise<Request[]> {
  const keys = await requestKeys(uploads, video);
  const requests = await Promise.all(keys.map((key) => uploads.getJson(key, requestSchema)));
  return requests.filter((request) => request !== undefined);
}

/** The revision that should play; undefined where the video was never asked for. */
export async function requestedRevision(uploads: ObjectStore, video: VideoId): Promise<Revision | undefined> {
  const last = (await requestKeys(uploads, video)).at(-1);
  return last === undefined ? undefined : (await uploads.getJson(last, requestSchema))?.revision;
}

/** The settings of a revision. Throws where there are none, for then the revision should not exist. */
export async function readSettings(
  uploads: ObjectStore,
  video: VideoId,
  revision: Revision,
): Promise<z.infer<typeof recordedSettingsSchema>> {
  const recorded = await uploads.getJson(jobKeys.settings(video, revision), recordedSettingsSchema);
  if (!recorded) throw new Error(`Revision ${revision} of ${video} has no settings; it should not exist`);
  return recorded;
}

const recipeSchema = recordedSettingsSchema.pick({ recipe: true });

/** The recipe of the code that an encode was asked of; undefined where it was not recorded. Any version can read it. */
export async function readRecipe(
  uploads: ObjectStore,
  { video, revision }: Encode,
): Promise<number | undefined> {
  return (await uploads.getJson(jobKeys.settings(video, revision), recipeSchema))?.recipe;
}

/** Records what makes a revision, and names it. */
export async function recordSettings(
  uploads: ObjectStore,
  video: VideoId,
  claim: Claim,
  settings: EncodeSettings,
): Promise<Revision> {
  const recorded = { recipe: RECIPE_VERSION, settings };
  const revision = revisionOf(claim, recorded);
  await uploads.putOnceJson(jobKeys.settings(video, revision), recorded);
  return revision;
}

/** What an upload is encoded with: the platform's settings, and what it asked for itself. */
export function settingsOf({ settings = {} }: Claim, platforms: EncodeSettings): EncodeSettings {
  return encodeSettingsSchema.parse({ ...platforms, ...settings });
}

const requestOf = (revision: Revision): Request => ({ revision, requestedAt: new Date().toISOString() });

/**
 * An upload's own request, which only a video without any takes: an upload's event may come again after the video
 * was re-encoded, or after the platform's settings were changed.
 * @returns the revision that should play
 */
export async function requestFirst(
  uploads: ObjectStore,
  video: VideoId,
  claim: Claim,
  settings: EncodeSettings,
): Promise<Revision> {
  const present = await requestedRevision(uploads, video);
  if (present) return present;
  const revision = await recordSettings(uploads, video, claim, settingsOf(claim, settings));
  await markOpen(uploads, { video, revision });
  if ((await uploads.putOnceJson(jobKeys.request(video, 1), requestOf(revision))) === 'written')
    return revision;
  return (await requestedRevision(uploads, video)) ?? revision;
}

/**
 * Asks for a revision from now on. Where it is the one already asked for, nothing is written.
 * @param instead asks for it only where this one is asked for
 * @returns whether this call asked for it
 */
export async function requestRevision(
  uploads: ObjectStore,
  video: VideoId,
  revision: Revision,
  instead?: Revision,
): Promise<boolean> {
  for (;;) {
    const last = (await requestKeys(uploads, video)).at(-1);
    const before = last === undefined ? undefined : (await uploads.getJson(last, requestSchema))?.revision;
    if (before === revision || (instead !== undefined && before !== instead)) return false;
    if (before !== undefined) await markOld(uploads, { video, revision: before });
    const number = Number(last?.slice(jobKeys.requests(video).length, -'.json'.length) ?? 0);
    // Another one may have asked since: then its request is the last, and this one comes after it.
    if ((await uploads.putOnceJson(jobKeys.request(video, number + 1), requestOf(revision))) === 'written')
      return true;
  }
}
