/** Uploads a file as any client would: with presigned URLs and plain HTTP, in parts where S3 asks for parts. */
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { UPLOADS_PREFIX, type VideoId, videoIdOf } from '../jobs/names.ts';

/** Bytes up to which one PUT does; S3's limit is 5 GiB. */
const ONE_PUT = 1024 ** 3;
/** Bytes of a part; S3 allows 10,000 of them. */
const PART = 512 * 1024 ** 2;
/** Seconds that a presigned URL is good for. */
const EXPIRES_IN = 3600;

/** PUTs a stretch of a file to a presigned URL and returns the ETag. Throws with S3's own words on refusal. */
async function put(url: string, file: string, start: number, length: number): Promise<string> {
  const handle = await open(file);
  try {
    const body =
      length === 0 ? '' : Readable.toWeb(handle.createReadStream({ start, end: start + length - 1 }));
    const headers = { 'content-length': String(length) };
    const response = await fetch(url, { method: 'PUT', body, headers, duplex: 'half' });
    if (!response.ok)
      throw new Error(`The upload of ${file} was refused: ${response.status} ${await response.text()}`);
    return (response.headers.get('etag') ?? '').replaceAll('"', '');
  } finally {
    await handle.close();
  }
}

async function putInParts(
  s3: S3Client,
  Bucket: string,
  Key: string,
  file: string,
  size: number,
): Promise<string> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const parts: { PartNumber: number; ETag: string }[] = [];
  for (let start = 0; start < size; start += PART) {
    const PartNumber = parts.length + 1;
    const command = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber });
    const url = await getSignedUrl(s3, command, { expiresIn: EXPIRES_IN });
    parts.push({ PartNumber, ETag: await put(url, file, start, Math.min(PART, size - start)) });
  }
  const complete = new CompleteMultipartUploadCommand({
    Bucket,
    Key,
    UploadId,
    MultipartUpload: { Parts: parts },
  });
  const { ETag = '' } = await s3.send(complete);
  return ETag.replaceAll('"', '');
}

/**
 * Uploads a file to `uploads/<its name>`.
 * @returns the id of its video: the same file uploaded again is the same video
 */
export async function uploadFile(s3: S3Client, bucket: string, file: string): Promise<VideoId> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new Error(`'${file}' can not be read; check its path`, { cause });
  });
  const key = UPLOADS_PREFIX + basename(file);
  const url = () =>
    getSignedUrl(s3, new PutObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: EXPIRES_IN });
  const etag =
    size <= ONE_PUT ? await put(await url(), file, 0, size) : await putInParts(s3, bucket, key, file, size);
  return videoIdOf({ bucket, key, etag });
}
