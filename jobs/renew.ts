/**
 * Encodes that were asked of another version of the code. Equal settings may give other bytes there, so no encode is
 * made by two: whoever meets the tasks of such a one tells dispatch, whose code is the deployed one, and there it begins
 * anew as a revision of the same settings under this code's recipe.
 */
import { FAILURES } from '../video/failures.ts';
import { RECIPE_VERSION } from '../video/settings.ts';
import { readClaim } from './claim.ts';
import { readFailure, recordFailure } from './failed.ts';
import { log } from './log.ts';
import type { Encode } from './messages.ts';
import { jobKeys } from './names.ts';
import { markOpen } from './open.ts';
import { isComplete } from './progress.ts';
import { readSettings, recordSettings, requestRevision } from './requests.ts';
import type { ObjectStore } from './store.ts';

/**
 * Asks for an encode anew, unless it is of this code's recipe, has ended, or another was asked for since. One of an
 * older recipe of which all is encoded is only to be put together, which this code can do.
 * @returns the encode that takes its place; undefined where this call asked for none
 */
export async function renew(uploads: ObjectStore, encode: Encode): Promise<Encode | undefined> {
  const { video, revision } = encode;
  const claim = await readClaim(uploads, video);
  if (!claim || (await readFailure(uploads, encode))) return undefined;
  const { recipe, settings } = await readSettings(uploads, video, revision);
  if (recipe === RECIPE_VERSION || (recipe < RECIPE_VERSION && (await isComplete(uploads, encode))))
    return undefined;
  const renewed = { video, revision: await recordSettings(uploads, video, claim, settings) };
  // The mark comes before the request: if this ends in between, the sweeper carries on.
  await markOpen(uploads, renewed);
  await uploads.delete(jobKeys.failed(video, renewed.revision));
  const isAsked = await requestRevision(uploads, video, renewed.revision, revision);
  await recordFailure(uploads, encode, { code: 'superseded', message: FAILURES.superseded });
  if (!isAsked) return undefined;
  log('info', 'renewed', { ...encode, recipe, by: renewed.revision });
  return renewed;
}
