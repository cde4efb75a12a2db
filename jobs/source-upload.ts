/** How a source gets to its place: presigned URLs for one PUT or for parts, and S3's multipart upload behind them. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListParts,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

/** Where a source goes: `sourceKey` of its id. */
export interface SourceTarget {
  /** Presigns; must compute no checksums of its own, for it sees no body. */
  readonly s3: S3Client;
  readonly bucket: string;
  readonly key: string;
}

export interface UploadedPart {
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
}

/** A URL that takes exactly one body. */
export interface PresignedPut {
  readonly url: string;
  /** Sent exactly so: they are signed. */
  readonly headers: Readonly<Record<string, string>>;
}

const isError = (error: unknown, ...names: readonly string[]): boolean =>
  error instanceof S3ServiceException && names.includes(error.name);

/** Presigns one PUT of the whole file. Size, type and, where given, SHA-256 are signed: S3 refuses any other body. */
export async function presignPut(
  { s3, bucket, key }: SourceTarget,
  file: { size: number; type: string; sha256?: string | undefined },
  expiresIn: number,
): Promise<PresignedPut> {
  const { size, type, sha256 } = file;
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    ContentLength: size,
    ContentType: type,
    ...(sha256 !== undefined && { ChecksumSHA256: sha256 }),
  });
  const checksum = 'x-amz-checksum-sha256';
  const url = await getSignedUrl(s3, command, {
    expiresIn,
    signableHeaders: new Set(['host', 'content-length', 'content-type', checksum]),
    unhoistableHeaders: new Set([checksum]),
  });
  const headers = { 'content-type': type, 'content-length': String(size) };
  return { url, headers: sha256 === undefined ? headers : { ...headers, [checksum]: sha256 } };
}

/** Presigns the PUT of one part, whose size is signed. */
export function presignPart(
  { s3, bucket, key }: SourceTarget,
  part: { uploadId: string; number: number; size: number },
  expiresIn: number,
): Promise<string> {
  const command = new UploadPartCommand({
    Bucket: bucket,
    Key: key,
    UploadId: part.uploadId,
    PartNumber: part.number,
    ContentLength: part.size,
  });
  return getSignedUrl(s3, command, { expiresIn, signableHeaders: new Set(['host', 'content-length']) });
}

/** Begins a multipart upload. @returns S3's name of it */
export async function startMultipart({ s3, bucket, key }: SourceTarget, type: string): Promise<string> {
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ContentType: type }),
  );
  if (UploadId === undefined) throw new Error(`S3 began an upload of s3://${bucket}/${key} without a name`);
  return UploadId;
}

/** The parts that are there, by number; undefined where the upload was completed or aborted. */
export async function listUploadedParts(
  { s3, bucket, key }: SourceTarget,
  uploadId: string,
): Promise<UploadedPart[] | undefined> {
  const parts: UploadedPart[] = [];
  try {
    const pages = paginateListParts({ client: s3 }, { Bucket: bucket, Key: key, UploadId: uploadId });
    for await (const { Parts = [] } of pages)
      for (const { PartNumber = 0, Size = 0, ETag = '' } of Parts)
        parts.push({ number: PartNumber, size: Size, etag: ETag.replaceAll('"', '') });
  } catch (error) {
    if (isError(error, 'NoSuchUpload')) return undefined;
    throw error;
  }
  return parts;
}

/** Makes the object of its parts. Says `refused` where S3 knows a part by another ETag, `gone` where there is no such upload. */
export async function completeMultipart(
  { s3, bucket, key }: SourceTarget,
  uploadId: string,
  parts: readonly Pick<UploadedPart, 'number' | 'etag'>[],
): Promise<'completed' | 'refused' | 'gone'> {
  const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
  try {
    await s3.send(
      new CompleteMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        MultipartUpload: { Parts },
      }),
    );
    return 'completed';
  } catch (error) {
    if (isError(error, 'NoSuchUpload')) return 'gone';
    if (isError(error, 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall')) return 'refused';
    throw error;
  }
}

/** Bytes of the object that is at the place; undefined where there is none. */
export async function sizeAt({ s3, bucket, key }: SourceTarget): Promise<number | undefined> {
  try {
    return (await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).ContentLength;
  } catch (error) {
    if (isError(error, 'NotFound', 'NoSuchKey')) return undefined;
    throw error;
  }
}
