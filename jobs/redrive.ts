/** What a person can do about a video that failed, or that should be encoded otherwise. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { FAILURES } from '../video/failures.ts';
import { type EncodeSettings, encodeSettingsSchema } from '../video/settings.ts';
import { type Claim, readClaim } from './claim.ts';
import { recordFailure } from './failed.ts';
import type { Encode } from './messages.ts';
import { jobKeys, type Revision, type VideoId } from './names.ts';
import { isLeaving } from './old-marks.ts';
import { markOpen, markUntold } from './open.ts';
import { isComplete } from './progress.ts';
import { publish, publishedRevision, type Stores } from './publish.ts';
import { sendRequeue } from './queue.ts';
import { RefusedError } from './refused.ts';
import {
  readRequests,
  recordSettings,
  requestedRevision,
  requestFirst,
  requestRevision,
  settingsOf,
} from './requests.ts';

export interface Redriver {
  readonly stores: Stores;
  readonly sqs: SQSClient;
  readonly uploadsQueueUrl: string;
  /** What an upload is encoded with. */
  readonly settings: EncodeSettings;
}

/** A request that can not be met as things are; the message says why and what can be done. */
export class RedriveError extends RefusedError<
  'no-such-video' | 'no-such-revision' | 'nothing-to-roll-back-to' | 'revision-leaving'
> {
  override readonly name = 'RedriveError';
}

async function requireClaim({ stores }: Redriver, video: VideoId): Promise<Claim> {
  const claim = await readClaim(stores.uploads, video);
  if (!claim) throw new RedriveError('no-such-video', `There is no video ${video}.`);
  return claim;
}

/** Lets an encode go on, also where it had failed. */
async function goOn({ stores, sqs, uploadsQueueUrl }: Redriver, encode: Encode): Promise<void> {
  await markOpen(stores.uploads, encode);
  await stores.uploads.delete(jobKeys.failed(encode.video, encode.revision));
  await sendRequeue(sqs, uploadsQueueUrl, encode);
}

/** Ends an encode whose place another takes, so that workers drop its tasks. */
async function supersede({ stores: { uploads } }: Redriver, encode: Encode): Promise<void> {
  if (await isComplete(uploads, encode)) return;
  await recordFailure(uploads, encode, { code: 'superseded', message: FAILURES.superseded });
}

/**
 * Queues what a video still misses, also where it failed; nothing that is made is made again. A video that is ready
 * is left alone.
 * @returns the revision, and whether anything was missing
 */
export async function retry(
  redriver: Redriver,
  video: VideoId,
): Promise<{ revision: Revision; requeued: boolean }> {
  const { stores, settings } = redriver;
  const claim = await requireClaim(redriver, video);
  const revision = await requestFirst(stores.uploads, video, claim, settings);
  if ((await publishedRevision(stores.production, video)) === revision) return { revision, requeued: false };
  await goOn(redriver, { video, revision });
  return { revision, requeued: true };
}

/**
 * Encodes a video anew; what plays goes on playing until the new revision is whole. Settings that were used before
 * name the revision that they made, which is then only switched to.
 * @param changes settings that differ from those of the upload; throws a `ZodError` on wrong ones
 * @returns the revision that will play
 */
export async function reencode(
  redriver: Redriver,
  video: VideoId,
  changes: Readonly<Record<string, unknown>>,
): Promise<{ revision: Revision; requeued: boolean }> {
  const { uploads, production } = redriver.stores;
  const claim = await requireClaim(redriver, video);
  const settings = encodeSettingsSchema.parse({ ...settingsOf(claim, redriver.settings), ...changes });
  const before = await requestedRevision(uploads, video);
  const revision = await recordSettings(uploads, video, claim, settings);
  if (await isLeaving(uploads, { video, revision }))
    throw new RedriveError(
      'revision-leaving',
      `${video} was encoded so before, and what was made is being deleted now. Ask again in an hour.`,
    );
  const plays = (await publishedRevision(production, video)) === revision;
  // The mark comes before the request: if this ends in between, the sweeper carries on.
  if (!plays) await markOpen(uploads, { video, revision });
  await requestRevision(uploads, video, revision);
  if (before && before !== revision) await supersede(redriver, { video, revision: before });
  if (!plays) await goOn(redriver, { video, revision });
  return { revision, requeued: !plays };
}

/**
 * Lets an earlier revision play again, at once: the one before the present request, or the one that is named.
 * A re-encode that is not finished is ended by it.
 * @returns the revision that plays
 */
export async function rollback(
  redriver: Redriver,
  video: VideoId,
  to?: Revision,
): Promise<{ revision: Revision }> {
  const { stores } = redriver;
  await requireClaim(redriver, video);
  const requests = (await readRequests(stores.uploads, video)).map((request) => request.revision);
  const present = requests.at(-1);
  const revision = await rollbackTarget(stores, video, requests, to);
  await markUntold(stores.uploads, { video, revision });
  await requestRevision(stores.uploads, video, revision);
  if (present && present !== revision) await supersede(redriver, { video, revision: present });
  await publish(stores, { video, revision });
  return { revision };
}

async function rollbackTarget(
  { uploads }: Stores,
  video: VideoId,
  requests: readonly Revision[],
  to: Revision | undefined,
): Promise<Revision> {
  const present = requests.at(-1);
  const earlier = [...new Set(requests.toReversed())].filter((revision) => revision !== present);
  const candidates = to === undefined ? earlier : requests.filter((revision) => revision === to).slice(0, 1);
  for (const revision of candidates) {
    const encode = { video, revision };
    if ((await isComplete(uploads, encode)) && !(await isLeaving(uploads, encode))) return revision;
  }
  if (to === undefined)
    throw new RedriveError('nothing-to-roll-back-to', `${video} has no earlier revision that is complete.`);
  const known = [...new Set(requests)].join(', ') || 'none';
  throw new RedriveError('no-such-revision', `${video} has no complete revision ${to}; it has: ${known}.`);
}
