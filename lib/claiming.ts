/** What it takes to claim a video, of whoever may: `dispatch` and `bury`. */
import {
  DELETED_PREFIX,
  INDEX_PREFIX,
  JOBS_PREFIX,
  PENDING_PREFIX,
  UNSETTLED_PREFIX,
} from '../jobs/names.ts';
import { mayList, mayUse, type Permission } from './allow.ts';
import type { Storage } from './storage.ts';

export function claimingOf({ uploads }: Pick<Storage, 'uploads'>): Permission[] {
  return [
    mayUse(uploads, ['s3:GetObject', 's3:PutObject'], JOBS_PREFIX),
    mayUse(uploads, ['s3:GetObject', 's3:DeleteObject'], DELETED_PREFIX),
    mayUse(uploads, ['s3:GetObject'], PENDING_PREFIX),
    mayUse(uploads, ['s3:PutObject'], INDEX_PREFIX, UNSETTLED_PREFIX),
    // Listings, and 404 instead of 403 for what is not there.
    mayList(uploads, JOBS_PREFIX, PENDING_PREFIX, DELETED_PREFIX),
  ];
}
