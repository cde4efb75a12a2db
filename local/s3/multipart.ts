/** Multipart uploads. Completing one names the parts' bodies in the object's record; nothing is copied. */
import { createHash } from 'node:crypto';
import { receive, receiveText } from './body.ts';
import type { ObjectRecord } from './bucket.ts';
import { ALGORITHMS, type Algorithm, checksum, composite, isAlgorithm } from './checksums.ts';
import { checkWrite, readRange } from './conditions.ts';
import { S3Error } from './errors.ts';
import { copySource, readBytes, sendXml } from './objects.ts';
import { type S3Request, storedHeaders } from './request.ts';
import type { PartRecord } from './storage.ts';
import { answerXml, children, childText, parseXml } from './xml.ts';

/** Every part but the last has at least so many bytes. */
const SMALLEST_PART = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;
const PAGE = 1000;

function partNumber(query: URLSearchParams): number {
  const number = Number(query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MOST_PARTS) {
    throw new S3Error(
      'InvalidArgument',
      `partNumber is '${query.get('partNumber')}', not 1 to ${MOST_PARTS}`,
    );
  }
  return number;
}

const openUpload = ({ storage, query, bucket, key }: S3Request) =>
  storage.upload(query.get('uploadId') ?? '', bucket, key);

export async function createMultipartUpload({
  storage,
  bucket,
  key,
  headers,
  response,
}: S3Request): Promise<void> {
  storage.bucket(bucket);
  const algorithm = headers['x-amz-checksum-algorithm']?.toString();
  const type = headers['x-amz-checksum-type']?.toString();
  const upload = await storage.startUpload({
    bucket,
    key,
    initiated: new Date().toISOString(),
    headers: storedHeaders(headers),
    ...(algorithm !== undefined && { checksumAlgorithm: algorithm.toLowerCase() }),
    ...(type !== undefined && { checksumType: type }),
  });
  const answered = {
    ...(algorithm !== undefined && { 'x-amz-checksum-algorithm': algorithm }),
    ...(type !== undefined && { 'x-amz-checksum-type': type }),
  };
  const content = { Bucket: bucket, Key: key, UploadId: upload.id };
  sendXml(response, 200, answerXml('InitiateMultipartUploadResult', content), answered);
}

export async function uploadPart(request: S3Request): Promise<void> {
  const { storage, query, headers, signed, body, response } = request;
  const upload = openUpload(request);
  const number = partNumber(query);
  const { blob, result } = await storage.blobs.write((write) => receive(body, headers, signed, write));
  const part: PartRecord = {
    number,
    blob,
    size: result.size,
    etag: result.md5,
    lastModified: new Date().toISOString(),
    ...(result.checksum && { checksum: result.checksum }),
  };
  await storage.putPart(upload, part);
  const sums = result.checksum && { [`x-amz-checksum-${result.checksum.algorithm}`]: result.checksum.value };
  response.writeHead(200, { etag: `"${part.etag}"`, ...sums }).end();
}

export async function uploadPartCopy(request: S3Request): Promise<void> {
  const { storage, query, headers, response } = request;
  const upload = openUpload(request);
  const source = copySource(request);
  const range = readRange(headers['x-amz-copy-source-range']?.toString(), source.size) ?? {
    start: 0,
    end: source.size,
  };
  const md5 = createHash('md5');
  const { blob } = await storage.blobs.write(async (write) => {
    for await (const bytes of readBytes(storage.blobs, source, range)) {
      md5.update(bytes);
      await write(bytes);
    }
  });
  const lastModified = new Date().toISOString();
  const etag = md5.digest('hex');
  await storage.putPart(upload, {
    number: partNumber(query),
    blob,
    size: range.end - range.start,
    etag,
    lastModified,
  });
  sendXml(response, 200, answerXml('CopyPartResult', { LastModified: lastModified, ETag: `"${etag}"` }));
}

/** The parts that a CompleteMultipartUpload names, as they were uploaded. */
function chosenParts(xml: string, uploaded: ReadonlyMap<number, PartRecord>): PartRecord[] {
  const named = children(parseXml(xml, 'CompleteMultipartUpload'), 'Part');
  if (named.length === 0) throw new S3Error('MalformedXML', 'no part is named');
  const parts = named.map((node) => {
    const number = Number(childText(node, 'PartNumber'));
    const part = uploaded.get(number);
    const etag = childText(node, 'ETag')?.replaceAll(/"|&quot;/g, '');
    const wrongSum = ALGORITHMS.some((algorithm) => {
      const claimed = childText(node, `Checksum${algorithm.toUpperCase()}`);
      return (
        claimed !== undefined && part?.checksum?.algorithm === algorithm && part.checksum.value !== claimed
      );
    });
    if (!part || part.etag !== etag || wrongSum)
      throw new S3Error('InvalidPart', `part ${number}, ETag ${etag}`);
    return part;
  });
  for (const [index, part] of parts.entries()) {
    if (part.number <= (parts[index - 1]?.number ?? 0)) throw new S3Error('InvalidPartOrder');
  }
  const small = parts.slice(0, -1).find(({ size }) => size < SMALLEST_PART);
  if (small) {
    throw new S3Error(
      'EntityTooSmall',
      `part ${small.number} has ${small.size} bytes of at least ${SMALLEST_PART}`,
    );
  }
  return parts;
}

/** The whole object's checksum where the client claims one: computed from the bodies and compared. */
async function verifyWhole(
  { storage, headers }: S3Request,
  record: ObjectRecord,
): Promise<ObjectRecord['checksum']> {
  for (const algorithm of ALGORITHMS) {
    const claimed = headers[`x-amz-checksum-${algorithm}`]?.toString();
    if (claimed === undefined || claimed.includes('-')) continue;
    const sum = checksum(algorithm);
    for await (const bytes of readBytes(storage.blobs, record, { start: 0, end: record.size }))
      sum.update(bytes);
    const value = sum.digest();
    if (value !== claimed) throw new S3Error('BadDigest', algorithm);
    return { algorithm, value, type: 'FULL_OBJECT' };
  }
  return undefined;
}

/** The checksum of the parts' checksums, where all have one of the upload's algorithm. */
function compositeOf(algorithm: string | undefined, parts: readonly PartRecord[]): ObjectRecord['checksum'] {
  const sums = parts.map((part) =>
    part.checksum?.algorithm === algorithm ? part.checksum?.value : undefined,
  );
  if (algorithm === undefined || !isAlgorithm(algorithm) || algorithm === 'crc64nvme') return undefined;
  const present = sums.filter((sum) => sum !== undefined);
  if (present.length < parts.length) return undefined;
  return {
    algorithm: algorithm satisfies Algorithm,
    value: composite(algorithm, present),
    type: 'COMPOSITE',
  };
}

export async function completeMultipartUpload(request: S3Request): Promise<void> {
  const { storage, bucket, key, headers, signed, body, response } = request;
  const upload = openUpload(request);
  const parts = chosenParts(await receiveText(body, withoutChecksums(headers), signed), upload.parts);
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')));
  const plain: ObjectRecord = {
    key,
    size: parts.reduce((sum, { size }) => sum + size, 0),
    etag: `${createHash('md5').update(digests).digest('hex')}-${parts.length}`,
    lastModified: new Date().toISOString(),
    bodies: parts.map(({ blob, size }) => ({ blob, size })),
    headers: upload.record.headers,
  };
  const isFull = upload.record.checksumType === 'FULL_OBJECT';
  const sum =
    (await verifyWhole(request, plain)) ??
    (isFull ? undefined : compositeOf(upload.record.checksumAlgorithm, parts));
  const record = { ...plain, ...(sum && { checksum: sum }) };
  await storage.commit(bucket, record, 'ObjectCreated:CompleteMultipartUpload', (existing) =>
    checkWrite(headers, existing),
  );
  await storage.endUpload(upload, new Set(parts.map(({ blob }) => blob)));
  const content = { Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: `"${record.etag}"` };
  const sums = sum && { [`Checksum${sum.algorithm.toUpperCase()}`]: sum.value, ChecksumType: sum.type };
  sendXml(response, 200, answerXml('CompleteMultipartUploadResult', { ...content, ...sums }));
}

/** CompleteMultipartUpload's checksum headers speak of the object, not of the request's body. */
function withoutChecksums(headers: S3Request['headers']): S3Request['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')));
}

export async function abortMultipartUpload(request: S3Request): Promise<void> {
  await request.storage.endUpload(openUpload(request), new Set());
  request.response.writeHead(204).end();
}

export async function listParts(request: S3Request): Promise<void> {
  const { query, bucket, key, response } = request;
  const upload = openUpload(request);
  const marker = Number(query.get('part-number-marker') ?? 0);
  const most = Math.min(PAGE, Number(query.get('max-parts') ?? PAGE));
  const after = [...upload.parts.values()]
    .toSorted((a, b) => a.number - b.number)
    .filter(({ number }) => number > marker);
  const page = after.slice(0, most);
  const content = {
    Bucket: bucket,
    Key: key,
    UploadId: upload.record.id,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: most,
    IsTruncated: after.length > page.length,
    Part: page.map(({ number, lastModified, etag, size, checksum: sum }) => ({
      PartNumber: number,
      LastModified: lastModified,
      ETag: `"${etag}"`,
      Size: size,
      ...(sum && { [`Checksum${sum.algorithm.toUpperCase()}`]: sum.value }),
    })),
  };
  sendXml(response, 200, answerXml('ListPartsResult', content));
}

export async function listMultipartUploads({ storage, bucket, query, response }: S3Request): Promise<void> {
  storage.bucket(bucket);
  const prefix = query.get('prefix') ?? '';
  const uploads = storage.uploads(bucket).filter(({ key }) => key.startsWith(prefix));
  const content = {
    Bucket: bucket,
    Prefix: prefix,
    IsTruncated: false,
    Upload: uploads.map(({ key, id, initiated }) => ({ Key: key, UploadId: id, Initiated: initiated })),
  };
  sendXml(response, 200, answerXml('ListMultipartUploadsResult', content));
}
