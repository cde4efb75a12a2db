/** Multipart uploads. Completing one names the parts' bodies in the object's record; nothing is copied or read. */
import { createHash } from 'node:crypto';
import { receive, receiveText, requireAlgorithm } from './body.ts';
import type { ChecksumType, ObjectRecord } from './bucket.ts';
import { ALGORITHMS, type Algorithm, composite, fullObject, isCrc } from './checksums.ts';
import { checkWrite, copyRange } from './conditions.ts';
import { S3Error } from './errors.ts';
import { checksumHeaders, copyBody, copySource } from './objects.ts';
import { type Answer, emptyAnswer, type S3Request, storedHeaders, xmlAnswer } from './request.ts';
import type { OpenUpload, PartRecord, UploadRecord } from './state.ts';
import { children, childText, parseXml, type XmlNode } from './xml.ts';

/** Every part but the last has at least so many bytes. */
const SMALLEST_PART = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;
/** Entries of a page, at most. */
const PAGE = 1000;

/** A whole number of the query. Throws `InvalidArgument`. */
function numberOf(
  query: URLSearchParams,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = query.get(name);
  const number = text === null ? fallback : Number(text);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new S3Error('InvalidArgument', `${name} is '${text}', not ${least} to ${most}`);
  return number;
}

const partNumberOf = (query: URLSearchParams) => numberOf(query, 'partNumber', 0, 1, MOST_PARTS);

const openUpload = ({ storage, query, bucket, key }: S3Request): OpenUpload =>
  storage.upload(query.get('uploadId') ?? '', bucket, key);

/** The checksum that an upload is made with. CRC-64/NVME is always of the full object, SHA never can be. */
function uploadChecksum(headers: S3Request['headers']): UploadRecord['checksum'] {
  const name = headers['x-amz-checksum-algorithm']?.toString();
  if (name === undefined) return undefined;
  const algorithm = requireAlgorithm(name);
  const type =
    headers['x-amz-checksum-type']?.toString() ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  const types: ChecksumType[] = [
    ...(algorithm === 'crc64nvme' ? [] : ['COMPOSITE' as const]),
    ...(isCrc(algorithm) ? ['FULL_OBJECT' as const] : []),
  ];
  const known = types.find((one) => one === type);
  if (!known) throw new S3Error('InvalidRequest', `the ${type} checksum type can not be used with ${name}`);
  return { algorithm, type: known };
}

export async function createMultipartUpload({ storage, bucket, key, headers }: S3Request): Promise<Answer> {
  storage.bucket(bucket);
  const checksum = uploadChecksum(headers);
  const { id } = storage.startUpload({
    bucket,
    key,
    initiated: new Date().toISOString(),
    headers: storedHeaders(headers),
    ...(checksum && { checksum }),
  });
  return xmlAnswer(
    'InitiateMultipartUploadResult',
    { Bucket: bucket, Key: key, UploadId: id },
    checksum && {
      'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(),
      'x-amz-checksum-type': checksum.type,
    },
  );
}

export async function uploadPart(request: S3Request): Promise<Answer> {
  const { storage, query } = request;
  const { checksum: wanted } = openUpload(request);
  const number = partNumberOf(query);
  return storage.blobs.write(
    (write) => receive(request, write, wanted?.algorithm),
    (blob, { size, md5, checksum }) => {
      if (wanted && checksum && checksum.algorithm !== wanted.algorithm)
        throw new S3Error(
          'InvalidRequest',
          `Checksum Type mismatch occurred, expected ${wanted.algorithm}, actual ${checksum.algorithm}`,
        );
      const part = { number, blob, size, etag: md5, lastModified: new Date().toISOString() };
      storage.putPart(openUpload(request).id, { ...part, ...(checksum && { checksum }) });
      return emptyAnswer(200, { etag: `"${md5}"`, ...checksumHeaders(checksum) });
    },
  );
}

export async function uploadPartCopy(request: S3Request): Promise<Answer> {
  const { storage, query, headers } = request;
  const { checksum: wanted } = openUpload(request);
  const number = partNumberOf(query);
  const source = copySource(request);
  const range = copyRange(headers['x-amz-copy-source-range']?.toString(), source.size);
  return copyBody(storage, source, range, wanted?.algorithm, (blob, { size, md5, checksum }) => {
    const lastModified = new Date().toISOString();
    const part = { number, blob, size, etag: md5, lastModified, ...(checksum && { checksum }) };
    storage.putPart(openUpload(request).id, part);
    const sum = checksum && { [checksumElement(checksum.algorithm)]: checksum.value };
    return xmlAnswer('CopyPartResult', { LastModified: lastModified, ETag: `"${md5}"`, ...sum });
  });
}

const checksumElement = (algorithm: Algorithm) => `Checksum${algorithm.toUpperCase()}`;

/** Checks one `<Part>` of a CompleteMultipartUpload against what was uploaded. */
function chosenPart(node: XmlNode, upload: OpenUpload): PartRecord {
  const number = Number(childText(node, 'PartNumber'));
  const etag = childText(node, 'ETag')?.replaceAll(/"|&quot;/g, '');
  const part = upload.parts.get(number);
  if (!part || part.etag !== etag) throw new S3Error('InvalidPart', `part ${number} with ETag '${etag}'`);
  for (const algorithm of ALGORITHMS) {
    const claimed = childText(node, checksumElement(algorithm));
    if (claimed === undefined) {
      if (upload.checksum?.type === 'COMPOSITE' && upload.checksum.algorithm === algorithm)
        throw new S3Error('InvalidRequest', `the ${algorithm} checksum of part ${number} is missing`);
    } else if (upload.checksum?.algorithm !== algorithm || part.checksum?.value !== claimed)
      throw new S3Error('InvalidPart', `part ${number} with ${algorithm} checksum '${claimed}'`);
  }
  return part;
}

/** The parts that a CompleteMultipartUpload names, as they were uploaded. */
function chosenParts(xml: string, upload: OpenUpload): PartRecord[] {
  const parts = children(parseXml(xml, 'CompleteMultipartUpload'), 'Part').map((node) =>
    chosenPart(node, upload),
  );
  if (parts.length === 0) throw new S3Error('MalformedXML', 'no part is named');
  for (const [index, { number }] of parts.entries()) {
    const before = parts[index - 1];
    if (!before) continue;
    if (number <= before.number) throw new S3Error('InvalidPartOrder', `${number} after ${before.number}`);
    if (before.size < SMALLEST_PART)
      throw new S3Error(
        'EntityTooSmall',
        `part ${before.number} has ${before.size} bytes of at least ${SMALLEST_PART}`,
      );
  }
  return parts;
}

/** The object's checksum, out of those of its parts. Throws where the request claims another. */
function objectChecksum(
  { headers }: S3Request,
  { checksum: wanted }: OpenUpload,
  parts: readonly PartRecord[],
): ObjectRecord['checksum'] {
  const sums = parts.map(({ checksum, size }) => ({ value: checksum?.value ?? '', size }));
  const { algorithm, type } = wanted ?? {};
  const claimed = Object.keys(headers).find((name) =>
    ALGORITHMS.some((one) => name === `x-amz-checksum-${one}`),
  );
  if (claimed !== undefined && claimed !== `x-amz-checksum-${algorithm}`)
    throw new S3Error(
      'InvalidRequest',
      `${claimed} of an upload that was created with ${algorithm ?? 'no checksum'}`,
    );
  if (algorithm === undefined || type === undefined) return undefined;
  const value =
    type === 'FULL_OBJECT' && isCrc(algorithm)
      ? fullObject(algorithm, sums)
      : composite(
          algorithm,
          sums.map((sum) => sum.value),
        );
  if (claimed !== undefined && headers[claimed] !== value)
    throw new S3Error('BadDigest', `${claimed} is '${headers[claimed]}', but the parts make '${value}'`);
  return { algorithm, value, type };
}

export async function completeMultipartUpload(request: S3Request): Promise<Answer> {
  const { storage, bucket, key, headers } = request;
  openUpload(request);
  // Checksum headers speak of the object here, not of the request's body.
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-'));
  const xml = await receiveText({ ...request, headers: Object.fromEntries(own) });
  // From here on nothing waits, so nothing comes between the checks and the commit.
  const upload = openUpload(request);
  const parts = chosenParts(xml, upload);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const expected = headers['x-amz-mp-object-size'];
  if (expected !== undefined && Number(expected) !== size)
    throw new S3Error('InvalidRequest', `x-amz-mp-object-size is ${expected}, the parts have ${size} bytes`);
  const checksum = objectChecksum(request, upload, parts);
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')));
  const record: ObjectRecord = {
    key,
    size,
    etag: `${createHash('md5').update(digests).digest('hex')}-${parts.length}`,
    lastModified: new Date().toISOString(),
    bodies: parts.map((part) => ({ blob: part.blob, size: part.size })),
    headers: upload.headers,
    ...(checksum && { checksum }),
  };
  checkWrite(headers, storage.bucket(bucket).get(key));
  storage.putObject(bucket, record, 'ObjectCreated:CompleteMultipartUpload', upload.id);
  return xmlAnswer('CompleteMultipartUploadResult', {
    Location: `/${bucket}/${key}`,
    Bucket: bucket,
    Key: key,
    ETag: `"${record.etag}"`,
    ...(checksum && { [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type }),
  });
}

export async function abortMultipartUpload(request: S3Request): Promise<Answer> {
  request.storage.abortUpload(openUpload(request).id);
  return emptyAnswer(204);
}

export async function listParts(request: S3Request): Promise<Answer> {
  const { query, bucket, key } = request;
  const upload = openUpload(request);
  const marker = numberOf(query, 'part-number-marker', 0, 0, MOST_PARTS);
  const most = Math.min(PAGE, numberOf(query, 'max-parts', PAGE, 0, Number.MAX_SAFE_INTEGER));
  const after = [...upload.parts.values()]
    .filter(({ number }) => number > marker)
    .toSorted((a, b) => a.number - b.number);
  const page = after.slice(0, most);
  return xmlAnswer('ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: upload.id,
    StorageClass: 'STANDARD',
    PartNumberMarker: marker,
    MaxParts: most,
    IsTruncated: after.length > page.length,
    // Pagers go on as long as there is one.
    ...(after.length > page.length && { NextPartNumberMarker: page.at(-1)?.number ?? marker }),
    ...(upload.checksum && {
      ChecksumAlgorithm: upload.checksum.algorithm.toUpperCase(),
      ChecksumType: upload.checksum.type,
    }),
    Part: page.map(({ number, lastModified, etag, size, checksum }) => ({
      PartNumber: number,
      LastModified: lastModified,
      ETag: `"${etag}"`,
      Size: size,
      ...(checksum && { [checksumElement(checksum.algorithm)]: checksum.value }),
    })),
  });
}

/** Keys and ids are ordered as UTF-8 bytes. */
const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export async function listMultipartUploads({ storage, bucket, query }: S3Request): Promise<Answer> {
  storage.bucket(bucket);
  const prefix = query.get('prefix') ?? '';
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
  const most = Math.min(PAGE, numberOf(query, 'max-uploads', PAGE, 1, Number.MAX_SAFE_INTEGER));
  const isAfter = ({ key, id }: UploadRecord) =>
    order(key, keyMarker) > 0 || (key === keyMarker && idMarker !== '' && order(id, idMarker) > 0);
  const after = storage
    .uploads(bucket)
    .filter((upload) => upload.key.startsWith(prefix) && isAfter(upload))
    .toSorted((a, b) => order(a.key, b.key) || order(a.id, b.id));
  const page = after.slice(0, most);
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: bucket,
    Prefix: prefix,
    KeyMarker: keyMarker,
    UploadIdMarker: idMarker,
    MaxUploads: most,
    IsTruncated: after.length > page.length,
    ...(after.length > page.length && {
      NextKeyMarker: page.at(-1)?.key,
      NextUploadIdMarker: page.at(-1)?.id,
    }),
    Upload: page.map(({ key, id, initiated }) => ({
      Key: key,
      UploadId: id,
      Initiated: initiated,
      StorageClass: 'STANDARD',
    })),
  });
}
