/** S3 in memory behind a mocked client: conditional writes, listings, absence; what `jobs` uses of it. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { AwsStub } from 'aws-sdk-client-mock';
import { ObjectStore } from '../../jobs/store.ts';
import { jsonObject, s3Error } from './s3-objects.ts';

/** Objects by `bucket/key`: their text, or their bytes as Latin-1. */
export type Objects = Map<string, string>;

type Mock = AwsStub<ServiceInputTypes, ServiceOutputTypes, S3Client['config']>;

/** The platform's buckets, by a client of their own: of a class that is mocked. */
export function memoryStores(): { uploads: ObjectStore; production: ObjectStore } {
  const client = new S3Client({ region: 'us-east-1' });
  return { uploads: new ObjectStore(client, 'uploads'), production: new ObjectStore(client, 'production') };
}

/** An object's ETag, with its quotes. */
export const etagOf = (text: string) => `"${createHash('md5').update(text).digest('hex')}"`;

const nameOf = ({ Bucket, Key }: { Bucket?: string; Key?: string }) => `${Bucket}/${Key}`;

/**
 * Lets a mocked client read and write these objects.
 * @param times when each was written, by `bucket/key`
 */
export function serveS3(mock: Mock, objects: Objects, times = new Map<string, Date>()): void {
  const read = (input: { Bucket?: string; Key?: string }, error: string): string => {
    const text = objects.get(nameOf(input));
    if (text === undefined) throw s3Error(404, error);
    return text;
  };

  mock.on(PutObjectCommand).callsFake((input) => {
    const present = objects.get(nameOf(input));
    if (input.IfMatch !== undefined && present === undefined) throw s3Error(404, 'NoSuchKey');
    const holds =
      (input.IfNoneMatch === undefined || present === undefined) &&
      (input.IfMatch === undefined || input.IfMatch === etagOf(present ?? ''));
    if (!holds) throw s3Error(412, 'PreconditionFailed');
    const { Body } = input;
    objects.set(nameOf(input), Buffer.isBuffer(Body) ? Body.toString('latin1') : String(Body));
    times.set(nameOf(input), new Date());
    return {};
  });
  mock.on(GetObjectCommand).callsFake((input) => {
    const text = read(input, 'NoSuchKey');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(input.Range ?? '') ?? [];
    if (from === undefined) return { ...jsonObject(text), ETag: etagOf(text) };
    const bytes = Buffer.from(text.slice(Number(from), Number(to) + 1), 'latin1');
    return { Body: { transformToByteArray: async () => bytes } };
  });
  mock.on(HeadObjectCommand).callsFake((input) => ({ ETag: etagOf(read(input, 'NotFound')) }));
  mock.on(DeleteObjectCommand).callsFake((input) => {
    const text = objects.get(nameOf(input));
    if (input.IfMatch !== undefined && input.IfMatch !== etagOf(text ?? ''))
      throw s3Error(412, 'PreconditionFailed');
    objects.delete(nameOf(input));
    return {};
  });
  mock.on(DeleteObjectsCommand).callsFake(({ Bucket, Delete }) => {
    for (const { Key } of Delete.Objects) objects.delete(nameOf({ Bucket, Key }));
    return {};
  });
  serveParts(mock, objects, times);
  mock.on(ListObjectsV2Command).callsFake(({ Bucket, Prefix = '', Delimiter, StartAfter = '' }) => {
    const keys = [...objects.keys()]
      .filter((name) => name.startsWith(`${Bucket}/${Prefix}`))
      .map((name) => name.slice(`${Bucket}/`.length))
      .filter((key) => key > StartAfter)
      .sort();
    if (Delimiter === undefined) {
      const contents = keys.map((Key) => {
        const text = objects.get(`${Bucket}/${Key}`) ?? '';
        const LastModified = times.get(`${Bucket}/${Key}`) ?? new Date(0);
        // Characters are bytes, of Latin-1 as of ASCII.
        return { Key, Size: text.length, ETag: etagOf(text), LastModified };
      });
      return { Contents: contents };
    }
    const folders = keys.flatMap((key) => {
      const end = key.indexOf(Delimiter, Prefix.length);
      return end < 0 ? [] : [key.slice(0, end + 1)];
    });
    return { CommonPrefixes: [...new Set(folders)].map((folder) => ({ Prefix: folder })) };
  });
}

/** Uploads in parts; one that is not completed leaves nothing. */
function serveParts(mock: Mock, objects: Objects, times: Map<string, Date>): void {
  const uploads = new Map<string, Map<number, string>>();
  mock.on(CreateMultipartUploadCommand).callsFake(() => {
    const UploadId = `upload-${uploads.size}`;
    uploads.set(UploadId, new Map());
    return { UploadId };
  });
  mock.on(UploadPartCommand).callsFake(({ UploadId, PartNumber, Body }) => {
    uploads.get(UploadId)?.set(PartNumber, Buffer.from(Body).toString('latin1'));
    return { ETag: `"${PartNumber}"` };
  });
  mock.on(CompleteMultipartUploadCommand).callsFake((input) => {
    const parts = [...(uploads.get(input.UploadId) ?? [])].toSorted(([a], [b]) => a - b);
    objects.set(nameOf(input), parts.map(([, text]) => text).join(''));
    times.set(nameOf(input), new Date());
    return {};
  });
  mock.on(AbortMultipartUploadCommand).resolves({});
}
