/** Encodes that other versions of the code were asked for. */
import type { Claim } from '../../jobs/claim.ts';
import type { Encode } from '../../jobs/messages.ts';
import { jobKeys, revisionOf, type VideoId } from '../../jobs/names.ts';
import { requestRevision } from '../../jobs/requests.ts';
import type { ObjectStore } from '../../jobs/store.ts';
import { encodeSettingsSchema, RECIPE_VERSION } from '../../video/settings.ts';

export const OLDER = RECIPE_VERSION - 1;
export const NEWER = RECIPE_VERSION + 1;

/** Asks for an encode as the code of this recipe does. */
export async function askedOf(
  recipe: number,
  uploads: ObjectStore,
  video: VideoId,
  claim: Claim,
): Promise<Encode> {
  const recorded = { recipe, settings: encodeSettingsSchema.parse({}) };
  const revision = revisionOf(claim, recorded);
  await uploads.putOnceJson(jobKeys.settings(video, revision), recorded);
  await requestRevision(uploads, video, revision);
  return { video, revision };
}
