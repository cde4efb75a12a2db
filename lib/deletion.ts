/** What it takes to delete a video, of whoever may: `mend` and the API. The mark is the API's to make, `mend`'s to forget. */
import {
  DELETED_PREFIX,
  INDEX_PREFIX,
  JOBS_PREFIX,
  OPEN_PREFIX,
  PENDING_PREFIX,
  UNTOLD_PREFIX,
  UPLOADS_PREFIX,
  VIDEOS_PREFIX,
} from '../jobs/names.ts';
import { mayList, type Permission } from './allow.ts';
import type { Storage } from './storage.ts';

/** Every prefix below which a video has objects, in the upload bucket. */
const PLACES = [UPLOADS_PREFIX, PENDING_PREFIX, INDEX_PREFIX, JOBS_PREFIX, OPEN_PREFIX, UNTOLD_PREFIX];

export function deletionOf({ uploads, production }: Pick<Storage, 'uploads' | 'production'>): Permission[] {
  const why = 'Everything of a video that is deleted; its keys are made at run time.';
  return [
    {
      actions: ['s3:DeleteObject'],
      resources: PLACES.map((prefix) => uploads.arnForObjects(`${prefix}*`)),
      why,
    },
    {
      actions: ['s3:AbortMultipartUpload'],
      resources: [uploads.arnForObjects(`${UPLOADS_PREFIX}*`)],
      why,
    },
    { actions: ['s3:ListBucketMultipartUploads'], resources: [uploads.bucketArn] },
    { actions: ['s3:GetObject'], resources: [uploads.arnForObjects(`${DELETED_PREFIX}*`)], why },
    { actions: ['s3:DeleteObject'], resources: [production.arnForObjects(`${VIDEOS_PREFIX}*`)], why },
    mayList(uploads, ...PLACES, DELETED_PREFIX),
    mayList(production, VIDEOS_PREFIX),
  ];
}
