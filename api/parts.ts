/** How a file is cut for S3: its limits, and the size of parts. Pure. */

const MiB = 1024 ** 2;

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: 10,000 parts of at most 5 GiB, which is S3's
 * largest object, 48.8 TiB.
 */
export const MOST_PARTS = 10_000;
export const LARGEST_PART = 5 * 1024 * MiB;
/** Bytes of the largest file that can be uploaded. */
export const LARGEST_UPLOAD = MOST_PARTS * LARGEST_PART;

/** Bytes up to which a file goes in one PUT: less is lost if it breaks off than a multipart upload's requests cost. */
export const ONE_PUT = 64 * MiB;

/** Bytes of a part where the file allows it: enough of them to send in parallel and to resume finely. */
const USUAL_PART = 16 * MiB;

/** Bytes of each part but the last: whole mebibytes, and no more parts than S3 takes. */
export function partSizeFor(size: number): number {
  return Math.max(USUAL_PART, Math.ceil(size / MOST_PARTS / MiB) * MiB);
}

/** Parts of a file. */
export const partCountOf = (size: number, partSize: number): number => Math.ceil(size / partSize);

/** Bytes of one part; undefined where the file has no part of this number. @param number from 1 on */
export function sizeOfPart(size: number, partSize: number, number: number): number | undefined {
  const start = (number - 1) * partSize;
  return number >= 1 && start < size ? Math.min(partSize, size - start) : undefined;
}
