/** Operations on buckets: their objects in pages, deletions of many, and what there is to know of a bucket itself. */
import { receiveText } from './body.ts';
import type { Bucket } from './bucket.ts';
import { S3Error } from './errors.ts';
import { type Answer, arnOf, emptyAnswer, type S3Request, xmlAnswer } from './request.ts';
import { children, childText, parseXml } from './xml.ts';

/** Entries of a page, at most. */
const PAGE = 1000;

interface Page {
  readonly keys: string[];
  readonly prefixes: string[];
  /** The last key that was seen; undefined where this was the last page. */
  readonly next: string | undefined;
}

/** One page: keys, and where a delimiter is given the "folders" instead of what is in them. */
function pageOf(bucket: Bucket, prefix: string, delimiter: string, after: string, most: number): Page {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last = after;
  for (const key of bucket.keysAfter(prefix, after)) {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const folder = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    const isListed = folder !== undefined && (folder === prefixes.at(-1) || after.startsWith(folder));
    if (!isListed) {
      if (keys.length + prefixes.length === most) return { keys, prefixes, next: last };
      if (folder === undefined) keys.push(key);
      else prefixes.push(folder);
    }
    last = key;
  }
  return { keys, prefixes, next: undefined };
}

/** ListObjectsV2. A continuation token is the last key seen, in base64. */
export async function listObjects({ storage, bucket: name, query }: S3Request): Promise<Answer> {
  const bucket = storage.bucket(name);
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const after = token === null ? startAfter : Buffer.from(token, 'base64url').toString('utf8');
  const most = Math.min(PAGE, Number(query.get('max-keys') ?? PAGE));
  if (!Number.isInteger(most) || most < 0)
    throw new S3Error('InvalidArgument', `max-keys is '${query.get('max-keys')}'`);
  const isEncoded = query.get('encoding-type') === 'url';
  const spell = (text: string) => (isEncoded ? encodeURIComponent(text).replaceAll('%2F', '/') : text);
  const { keys, prefixes, next } =
    most === 0 ? { keys: [], prefixes: [], next: undefined } : pageOf(bucket, prefix, delimiter, after, most);
  return xmlAnswer('ListBucketResult', {
    Name: name,
    Prefix: spell(prefix),
    ...(delimiter !== '' && { Delimiter: spell(delimiter) }),
    ...(startAfter !== '' && { StartAfter: spell(startAfter) }),
    ...(token !== null && { ContinuationToken: token }),
    ...(isEncoded && { EncodingType: 'url' }),
    MaxKeys: most,
    KeyCount: keys.length + prefixes.length,
    IsTruncated: next !== undefined,
    ...(next !== undefined && { NextContinuationToken: Buffer.from(next).toString('base64url') }),
    Contents: keys.map((key) => {
      const record = bucket.get(key);
      return {
        Key: spell(key),
        LastModified: record?.lastModified,
        ETag: `"${record?.etag}"`,
        ...(record?.checksum && {
          ChecksumAlgorithm: record.checksum.algorithm.toUpperCase(),
          ChecksumType: record.checksum.type,
        }),
        Size: record?.size,
        StorageClass: 'STANDARD',
      };
    }),
    CommonPrefixes: prefixes.map((one) => ({ Prefix: spell(one) })),
  });
}

/** DeleteObjects: up to a thousand at once. */
export async function deleteObjects(request: S3Request): Promise<Answer> {
  const { storage, bucket, may } = request;
  storage.bucket(bucket);
  const xml = parseXml(await receiveText(request), 'Delete');
  const keys = children(xml, 'Object').map((node) => childText(node, 'Key') ?? '');
  if (keys.length === 0 || keys.length > PAGE)
    throw new S3Error('MalformedXML', `${keys.length} objects, not 1 to ${PAGE}`);
  const allowed = keys.filter((key) => may({ action: 's3:DeleteObject', resource: arnOf(bucket, key) }));
  for (const key of allowed) storage.deleteObject(bucket, key);
  const isQuiet = childText(xml, 'Quiet') === 'true';
  const { code, message } = new S3Error('AccessDenied');
  return xmlAnswer('DeleteResult', {
    Deleted: isQuiet ? [] : allowed.map((Key) => ({ Key })),
    Error: keys.filter((key) => !allowed.includes(key)).map((Key) => ({ Key, Code: code, Message: message })),
  });
}

export async function listBuckets({ storage }: S3Request): Promise<Answer> {
  const Bucket = storage.buckets.map(({ name, created }) => ({ Name: name, CreationDate: created }));
  return xmlAnswer('ListAllMyBucketsResult', { Owner: { ID: 'local' }, Buckets: { Bucket } });
}

export async function headBucket({ storage, bucket }: S3Request): Promise<Answer> {
  storage.bucket(bucket);
  return emptyAnswer(200, { 'x-amz-bucket-region': storage.region });
}

/** The first region has no name here: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
export async function getBucketLocation({ storage, bucket }: S3Request): Promise<Answer> {
  storage.bucket(bucket);
  return xmlAnswer('LocationConstraint', storage.region === 'us-east-1' ? '' : storage.region);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** A bucket made here has no CORS rules and announces nothing. */
export async function createBucket(request: S3Request): Promise<Answer> {
  const { storage, bucket } = request;
  await receiveText(request); // it can only name this region
  if (!BUCKET_NAME.test(bucket)) throw new S3Error('InvalidBucketName', bucket);
  const isThere = storage.buckets.some(({ name }) => name === bucket);
  // In the first region, creating one's own bucket again succeeds (API_CreateBucket, "Errors").
  if (isThere && storage.region !== 'us-east-1') throw new S3Error('BucketAlreadyOwnedByYou', bucket);
  if (!isThere) storage.createBucket(bucket);
  return emptyAnswer(200, { location: `/${bucket}` });
}
