/** What is deleted, or kept for less, as time goes by. By default nothing that an owner would miss. */
import { Duration } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { z } from 'zod';
import { UPLOADS_PREFIX } from '../jobs/names.ts';
import { INCOMPLETE_UPLOAD_DAYS, uploadExpiries } from '../jobs/platform.ts';

/** Days that are longer than SQS keeps a message: no task of an encode that ended, or was replaced, is left by then. */
const LEAST_ENDED_DAYS = 30;
/**
 * Days of which a source of 690 GB may take 30 to encode (`deadlineMs`), after a spending ceiling held the queue for a month,
 * in which that time does not run.
 */
const LEAST_SOURCE_DAYS = 70;
const MOST_DAYS = 36_500;

export const lifecycleSchema = z
  .strictObject({
    /** Days after which the parts of an upload that was never completed are deleted. */
    incompleteUploadDays: z.int().min(1).max(MOST_DAYS).default(INCOMPLETE_UPLOAD_DAYS),
    /** Days after which sources move to Glacier Instant Retrieval: a fifth of the price, for at least 90 days. */
    coldSourcesAfterDays: z.int().min(1).max(MOST_DAYS).exactOptional(),
    /** Days after which sources are deleted: then their videos play on, and can not be encoded anew. */
    deleteSourcesAfterDays: z.int().min(LEAST_SOURCE_DAYS).max(MOST_DAYS).exactOptional(),
    /** Days after which a revision that was replaced is deleted: then no rollback leads to it. */
    deleteRevisionsAfterDays: z.int().min(LEAST_ENDED_DAYS).max(MOST_DAYS).exactOptional(),
    /** Days after its end after which of an encode's state is deleted what its trace alone reads. */
    deleteJobStateAfterDays: z.int().min(LEAST_ENDED_DAYS).max(MOST_DAYS).exactOptional(),
  })
  .refine(
    ({ coldSourcesAfterDays: cold, deleteSourcesAfterDays: gone }) =>
      cold === undefined || gone === undefined || cold < gone,
    { path: ['coldSourcesAfterDays'], message: 'is not before deleteSourcesAfterDays' },
  );
export type Lifecycle = Readonly<z.input<typeof lifecycleSchema>>;

/** The rules of the upload bucket. */
export function uploadRules(lifecycle: Lifecycle): s3.LifecycleRule[] {
  const { incompleteUploadDays, coldSourcesAfterDays, deleteSourcesAfterDays } =
    lifecycleSchema.parse(lifecycle);
  const sources: s3.LifecycleRule = {
    prefix: UPLOADS_PREFIX,
    ...(coldSourcesAfterDays !== undefined && {
      transitions: [
        {
          storageClass: s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
          transitionAfter: Duration.days(coldSourcesAfterDays),
        },
      ],
    }),
    ...(deleteSourcesAfterDays !== undefined && { expiration: Duration.days(deleteSourcesAfterDays) }),
  };
  return [
    { abortIncompleteMultipartUploadAfter: Duration.days(incompleteUploadDays) },
    ...uploadExpiries(incompleteUploadDays).map(({ prefix, days }) => ({
      prefix,
      expiration: Duration.days(days),
    })),
    ...(coldSourcesAfterDays === undefined && deleteSourcesAfterDays === undefined ? [] : [sources]),
  ];
}
