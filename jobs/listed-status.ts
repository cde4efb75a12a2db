/** Where a video of a list stands. One whose objects can not be read must not take the others with it. */
import { FAILURES } from '../video/failures.ts';
import { readClaim } from './claim.ts';
import { descriptionOf } from './edits.ts';
import { type VideoId, videoKeys } from './names.ts';
import { publishedRevision, type Stores } from './publish.ts';
import { type VideoStatus, videoStatus } from './status.ts';
import { unlessUnreadable } from './unreadable.ts';

/** As `videoStatus`. Where an object of the video can not be read, the log names it, and the claim has to do. */
export async function listedStatus(stores: Stores, id: VideoId): Promise<VideoStatus | undefined> {
  const status = await unlessUnreadable('video-unreadable', { video: id }, () => videoStatus(stores, id));
  return status === 'unreadable' ? claimedStatus(stores, id) : status;
}

/** What a video's claim says, and whether it plays; undefined where not even the claim can be read. */
async function claimedStatus({ uploads, production }: Stores, id: VideoId): Promise<VideoStatus | undefined> {
  const claim = await unlessUnreadable('video-unreadable', { video: id }, () => readClaim(uploads, id));
  if (!claim || claim === 'unreadable') return undefined;
  const { uploadedAt, size: sourceBytes } = claim;
  const known = { id, ...descriptionOf(id, claim, {}), uploadedAt, sourceBytes };
  const revision = await publishedRevision(production, id);
  if (revision)
    return { ...known, state: 'ready', percent: 100, revision, playbackUrl: `/${videoKeys.master(id)}` };
  const failure = { code: 'unreadable', message: FAILURES.unreadable };
  return { ...known, state: 'failed', percent: 0, failure };
}
