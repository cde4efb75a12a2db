/** Operations on a bucket: listings, deletions of many, location, CORS. */

import { receiveText } from './body.ts';
import type { Bucket } from './bucket.ts';
import { S3Error } from './errors.ts';
import { sendXml } from './objects.ts';
import type { S3Request } from './request.ts';
import { answerXml, children, childText, parseXml } from './xml.ts';

const PAGE = 1000;

interface Page {
  readonly keys: string[];
  readonly prefixes: string[];
  /** Where the next page begins; undefined where this was the last. */
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
    if (folder !== undefined && (folder === prefixes.at(-1) || (after !== '' && after.startsWith(folder)))) {
      last = key;
      continue;
    }
    if (keys.length + prefixes.length === most) return { keys, prefixes, next: last };
    if (folder === undefined) keys.push(key);
    else prefixes.push(folder);
    last = key;
  }
  return { keys, prefixes, next: undefined };
}

/** ListObjectsV2. A continuation token is the last key seen, in base64. */
export async function listObjects({ storage, bucket: name, query, response }: S3Request): Promise<void> {
  const bucket = storage.bucket(name);
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const after = token === null ? startAfter : Buffer.from(token, 'base64url').toString('utf8');
  const most = Number(query.get('max-keys') ?? PAGE);
  if (!Number.isInteger(most) || most < 0)
    throw new S3Error('InvalidArgument', `max-keys is '${query.get('max-keys')}'`);
  const isEncoded = query.get('encoding-type') === 'url';
  const spell = (text: string) => (isEncoded ? encodeURIComponent(text).replaceAll('%2F', '/') : text);
  const { keys, prefixes, next } =
    most === 0
      ? { keys: [], prefixes: [], next: undefined }
      : pageOf(bucket, prefix, delimiter, after, Math.min(most, PAGE));
  const content = {
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
    Contents: keys.flatMap((key) => {
      const record = bucket.get(key);
      if (!record) return [];
      return [
        {
          Key: spell(key),
          LastModified: record.lastModified,
          ETag: `"${record.etag}"`,
          Size: record.size,
          StorageClass: 'STANDARD',
        },
      ];
    }),
    CommonPrefixes: prefixes.map((one) => ({ Prefix: spell(one) })),
  };
  sendXml(response, 200, answerXml('ListBucketResult', content));
}

/** DeleteObjects: up to a thousand at once. */
export async function deleteObjects({
  storage,
  bucket,
  headers,
  signed,
  body,
  response,
}: S3Request): Promise<void> {
  storage.bucket(bucket);
  const request = parseXml(await receiveText(body, headers, signed), 'Delete');
  const keys = children(request, 'Object').map((node) => childText(node, 'Key') ?? '');
  if (keys.length === 0 || keys.length > PAGE)
    throw new S3Error('MalformedXML', `${keys.length} objects, not 1 to ${PAGE}`);
  for (const key of keys) await storage.delete(bucket, key);
  const isQuiet = childText(request, 'Quiet') === 'true';
  sendXml(response, 200, answerXml('DeleteResult', { Deleted: isQuiet ? [] : keys.map((Key) => ({ Key })) }));
}

export async function listBuckets({ storage, response }: S3Request): Promise<void> {
  const Bucket = storage.bucketNames.map((Name) => ({ Name, CreationDate: '2026-01-01T00:00:00.000Z' }));
  sendXml(
    response,
    200,
    answerXml('ListAllMyBucketsResult', { Owner: { ID: 'local' }, Buckets: { Bucket } }),
  );
}

export async function headBucket({ storage, bucket, response }: S3Request): Promise<void> {
  storage.bucket(bucket);
  response.writeHead(200).end();
}

export async function getBucketLocation({ storage, bucket, response }: S3Request): Promise<void> {
  storage.bucket(bucket);
  sendXml(response, 200, answerXml('LocationConstraint', {}));
}
