/** What it takes to claim a video, of whoever may: `dispatch` and `bury`. */
import { DELETED_PREFIX, INDEX_PREFIX, JOBS_PREFIX, PENDING_PREFIX } from '../jobs/names.ts';
import { mayList, type Permission } from './allow.ts';
import type { Storage } from './storage.ts';

export function claimingOf({ uploads }: Pick<Storage, 'uploads'>): Permission[] {
  const why = 'Keys are made at run time; the prefix holds nothing else.';
  return [
    {
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [uploads.arnForObjects(`${JOBS_PREFIX}*`)],
      why,
    },
    {
      actions: ['s3:GetObject', 's3:DeleteObject'],
      resources: [uploads.arnForObjects(`${DELETED_PREFIX}*`)],
      why,
    },
    { actions: ['s3:GetObject'], resources: [uploads.arnForObjects(`${PENDING_PREFIX}*`)], why },
    { actions: ['s3:PutObject'], resources: [uploads.arnForObjects(`${INDEX_PREFIX}*`)], why },
    // Listings, and 404 instead of 403 for what is not there.
    mayList(uploads, JOBS_PREFIX, PENDING_PREFIX, DELETED_PREFIX),
  ];
}
