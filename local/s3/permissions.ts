/**
 * The permissions that each operation asks for.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
import type { Call } from '../iam/policy.ts';
import { S3Error } from './errors.ts';
import {
  createBucket,
  deleteObjects,
  getBucketLocation,
  headBucket,
  listBuckets,
  listObjects,
} from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
  uploadPartCopy,
} from './multipart.ts';
import { copyObject, deleteObject, getObject, putObject } from './objects.ts';
import { arnOf, type Operation, parsePath, type S3Request } from './request.ts';

const BUCKET_ACTIONS: ReadonlyMap<Operation, string> = new Map([
  [createBucket, 's3:CreateBucket'],
  [getBucketLocation, 's3:GetBucketLocation'],
  [headBucket, 's3:ListBucket'],
  [listMultipartUploads, 's3:ListBucketMultipartUploads'],
  [listObjects, 's3:ListBucket'],
]);

const OBJECT_ACTIONS: ReadonlyMap<Operation, string> = new Map([
  [abortMultipartUpload, 's3:AbortMultipartUpload'],
  [completeMultipartUpload, 's3:PutObject'],
  [copyObject, 's3:PutObject'],
  [createMultipartUpload, 's3:PutObject'],
  [deleteObject, 's3:DeleteObject'],
  [getObject, 's3:GetObject'],
  [listParts, 's3:ListMultipartUploadParts'],
  [putObject, 's3:PutObject'],
  [uploadPart, 's3:PutObject'],
  [uploadPartCopy, 's3:PutObject'],
]);

/** All that a request needs before anything is done. DeleteObjects asks for each object by itself. */
function callsOf(operation: Operation, { bucket, key, query, headers }: S3Request): Call[] {
  if (operation === listBuckets) return [{ action: 's3:ListAllMyBuckets', resource: '*' }];
  if (operation === deleteObjects) return [];
  const ofBucket = BUCKET_ACTIONS.get(operation);
  if (ofBucket !== undefined)
    return [
      { action: ofBucket, resource: arnOf(bucket), context: { 's3:prefix': query.get('prefix') ?? '' } },
    ];
  const action = OBJECT_ACTIONS.get(operation);
  if (action === undefined) throw new Error(`local/s3/permissions.ts lacks ${operation.name}`);
  const calls = [{ action, resource: arnOf(bucket, key) }];
  // Who writes or deletes only what is unchanged learns what is there:
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html
  if (action !== 's3:GetObject' && headers['if-match'] !== undefined)
    calls.push({ action: 's3:GetObject', resource: arnOf(bucket, key) });
  const source = headers['x-amz-copy-source']?.toString();
  if (source !== undefined) {
    const from = parsePath(`/${source.replace(/^\//, '')}`);
    calls.push({ action: 's3:GetObject', resource: arnOf(from.bucket, from.key) });
  }
  return calls;
}

/** Throws `AccessDenied` where whoever signed a request lacks a permission for it. */
export function checkPermissions(operation: Operation, request: S3Request): void {
  for (const call of callsOf(operation, request))
    if (!request.may(call)) throw new S3Error('AccessDenied', `${call.action} on ${call.resource}`);
}

/**
 * What to say of an object that is not there: who may not list the bucket must not learn that. S3 asks as if the key
 * were listed as a prefix (https://github.com/ceph/ceph/pull/68577 does as S3 does).
 */
export function absence(error: unknown, { bucket, key, may }: S3Request): unknown {
  if (!(error instanceof S3Error) || error.code !== 'NoSuchKey') return error;
  const listing = { action: 's3:ListBucket', resource: arnOf(bucket), context: { 's3:prefix': key } };
  return may(listing) ? error : new S3Error('AccessDenied', `${listing.action} on ${listing.resource}`);
}
