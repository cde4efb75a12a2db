/** What it takes to delete a video, of whoever may: `mend` and the API. The mark is the API's to make, `mend`'s to forget. */
import {
  DELETED_PREFIX,
  INDEX_PREFIX,
  JOBS_PREFIX,
  OLD_PREFIX,
  OPEN_PREFIX,
  PENDING_PREFIX,
  UNDELIVERED_PREFIX,
  UNTOLD_PREFIX,
  UPLOADS_PREFIX,
  VIDEOS_PREFIX,
  WEBHOOKS_PREFIX,
} from '../jobs/names.ts';
import { mayList, mayUse, type Permission } from './allow.ts';
import type { Storage } from './storage.ts';

/** Every prefix below which a video has objects, in the upload bucket, but what endpoints were not told. */
const PLACES = [
  UPLOADS_PREFIX,
  PENDING_PREFIX,
  INDEX_PREFIX,
  JOBS_PREFIX,
  OPEN_PREFIX,
  UNTOLD_PREFIX,
  OLD_PREFIX,
];

export function deletionOf({ uploads, production }: Pick<Storage, 'uploads' | 'production'>): Permission[] {
  return [
    mayUse(uploads, ['s3:DeleteObject'], ...PLACES, UNDELIVERED_PREFIX),
    mayUse(uploads, ['s3:AbortMultipartUpload'], UPLOADS_PREFIX),
    { actions: ['s3:ListBucketMultipartUploads'], resources: [uploads.bucketArn] },
    mayUse(uploads, ['s3:GetObject'], DELETED_PREFIX),
    mayUse(production, ['s3:DeleteObject'], VIDEOS_PREFIX),
    mayList(uploads, ...PLACES, DELETED_PREFIX, WEBHOOKS_PREFIX),
    mayList(production, VIDEOS_PREFIX),
  ];
}
