/** Uploads: handed out, signed part by part, resumed, completed, aborted. */
import { isDeepStrictEqual } from 'node:util';
import { inBatches } from '../jobs/batches.ts';
import { readClaim } from '../jobs/claim.ts';
import { isDeleted } from '../jobs/deleted.ts';
import { deleteVideo } from '../jobs/deletion.ts';
import { idUnderKey } from '../jobs/idempotency.ts';
import { jobKeys, newVideoId, sourceKey, type VideoId } from '../jobs/names.ts';
import { type PendingUpload, readPending, recordPending } from '../jobs/pending.ts';
import {
  completeMultipart,
  listUploadedParts,
  presignPart,
  presignPut,
  type SourceTarget,
  sizeAt,
  startMultipart,
  type UploadedPart,
} from '../jobs/source-upload.ts';
import { giveBack } from '../jobs/usage.ts';
import { mayAll, type Principal, type UploadGrant } from './access.ts';
import type { ApiContext } from './context.ts';
import { ONE_PUT, partCountOf, partSizeFor, sizeOfPart } from './parts.ts';
import { ProblemError } from './problems.ts';
import { requireRoom } from './quota.ts';
import type { CreateUpload, Parts, SignedParts, Upload } from './schemas.ts';

/** Seconds that a presigned URL is good for. Role credentials may end it sooner; a client then asks for another. */
const EXPIRES_IN = 3600;

/** URLs that are signed at once. */
const SIGNED_AT_ONCE = 50;

/** Numbers of missing parts that a problem names. */
const NAMED_MISSING = 100;

/** Milliseconds that dropping an upload may take: it is a handful of objects. */
const ABORT_MS = 10_000;

type Multipart = NonNullable<PendingUpload['multipart']>;

const targetOf = ({ s3, stores }: ApiContext, id: VideoId): SourceTarget => ({
  s3,
  bucket: stores.uploads.bucket,
  key: sourceKey(id),
});

const expiry = () => new Date(Date.now() + EXPIRES_IN * 1000).toISOString();

/** What an upload is to be, with what its token says of it. Throws a `ProblemError` where the token forbids it. */
function grantedUpload(input: CreateUpload, grant: UploadGrant | undefined): CreateUpload {
  if (!grant) return input;
  if (input.size > grant.maxBytes)
    throw new ProblemError(
      'too-large',
      `This token is for at most ${grant.maxBytes} bytes, not ${input.size}`,
    );
  if (input.options)
    throw new ProblemError('forbidden', 'This token does not let an upload choose its options');
  const given = { fileName: grant.fileName, type: grant.type, title: grant.title, metadata: grant.metadata };
  for (const [name, value] of Object.entries(given)) {
    const wanted = input[name as keyof typeof given]; // the keys of `given`
    if (value !== undefined && wanted !== undefined && !isDeepStrictEqual(wanted, value))
      throw new ProblemError(
        'forbidden',
        `This token is for an upload whose ${name} is ${JSON.stringify(value)}`,
      );
  }
  const { title = input.title, metadata = input.metadata } = grant;
  return { ...input, ...(title !== undefined && { title }), ...(metadata && { metadata }) };
}

/** Under which id an upload is created: of its token, of its repetition, or a new one. */
async function idFor(
  { stores }: ApiContext,
  who: Principal,
  input: CreateUpload,
  idempotencyKey: string | undefined,
): Promise<VideoId> {
  if (who.grant) return who.grant.video;
  if (idempotencyKey === undefined) return newVideoId();
  const request = { caller: who.id, key: idempotencyKey, body: input };
  const id = await idUnderKey(stores.uploads, request, newVideoId());
  if (id) return id;
  throw new ProblemError('idempotency-mismatch', `'${idempotencyKey}' was used with another body before`);
}

/** Whether what is kept is what is asked for now. */
function isSame(pending: PendingUpload, input: CreateUpload): boolean {
  const { fileName, size, type, title, metadata, sha256 } = pending;
  const kept = { fileName, size, type, title, metadata, sha256, options: pending.settings };
  const asked = { title: undefined, metadata: undefined, sha256: undefined, options: undefined, ...input };
  return isDeepStrictEqual(JSON.parse(JSON.stringify(kept)), JSON.parse(JSON.stringify(asked)));
}

/** Creates an upload, or finds the one that the same request, or the same token, created before. */
export async function createUpload(
  context: ApiContext,
  who: Principal,
  request: CreateUpload,
  idempotencyKey?: string,
): Promise<Upload> {
  const input = grantedUpload(request, who.grant);
  if (input.sha256 !== undefined && input.size > ONE_PUT)
    throw new ProblemError('invalid-request', `sha256 is for files of at most ${ONE_PUT} bytes`, {
      errors: [{ field: '/sha256', message: `is for files of at most ${ONE_PUT} bytes` }],
    });
  const { uploads } = context.stores;
  const id = await idFor(context, who, input, idempotencyKey);
  if (await isDeleted(uploads, id)) throw new ProblemError('gone', `The upload ${id} was deleted`);
  const pending = (await readPending(uploads, id)) ?? (await createPending(context, who, id, input));
  if (!isSame(pending, input))
    throw new ProblemError('conflict', `The upload ${id} was created for another file before`);
  return uploadOf(context, id, pending);
}

/** Counts a new upload, and begins it. Throws a `ProblemError` where its caller's quota has no room for it. */
async function createPending(
  context: ApiContext,
  who: Principal,
  id: VideoId,
  input: CreateUpload,
): Promise<PendingUpload> {
  const { uploads } = context.stores;
  await requireRoom(context, who, { video: id, bytes: input.size });
  try {
    return await recordPending(uploads, id, await begin(context, who, id, input));
  } catch (error) {
    await giveBack(uploads, who.id, id);
    throw error;
  }
}

async function begin(
  context: ApiContext,
  who: Principal,
  id: VideoId,
  { options, ...described }: CreateUpload,
): Promise<PendingUpload> {
  const { size, type } = described;
  const inParts = size > ONE_PUT && {
    uploadId: await startMultipart(targetOf(context, id), type),
    partSize: partSizeFor(size),
  };
  return {
    ...described,
    ...(options && { settings: options }),
    createdAt: new Date().toISOString(),
    createdBy: who.id,
    ...(inParts && { multipart: inParts }),
  };
}

/** How a client goes on with an upload. */
async function uploadOf(context: ApiContext, id: VideoId, pending: PendingUpload): Promise<Upload> {
  const { fileName, size, type, multipart } = pending;
  const identity = { id, fileName, size, type };
  if (multipart) {
    const { partSize } = multipart;
    return { ...identity, method: 'multipart', partSize, partCount: partCountOf(size, partSize) };
  }
  const { url, headers } = await presignPut(targetOf(context, id), pending, EXPIRES_IN);
  const put = { ...identity, method: 'put' as const, headers: { ...headers }, expiresAt: expiry() };
  // The source of a video is not to be replaced under its encodes.
  const isVideo = await context.stores.uploads.exists(jobKeys.claim(id));
  return isVideo ? put : { ...put, url };
}

/** An upload is its creator's: ids of videos are public. Throws a `ProblemError` where somebody else asks. */
function requireOwn(who: Principal, id: VideoId, { createdBy }: PendingUpload): void {
  if (createdBy !== who.id && !mayAll(who.scopes, 'admin'))
    throw new ProblemError('forbidden', `The upload ${id} is another's; this needs the scope 'admin'`);
}

/** An upload of which somebody may know and change everything. Throws a `ProblemError`. */
async function requirePending({ stores }: ApiContext, who: Principal, id: VideoId): Promise<PendingUpload> {
  const pending = await readPending(stores.uploads, id);
  if (!pending) throw new ProblemError('not-found', `There is no upload ${id}`);
  requireOwn(who, id, pending);
  return pending;
}

async function requireMultipart(context: ApiContext, who: Principal, id: VideoId) {
  const pending = await requirePending(context, who, id);
  if (!pending.multipart) throw new ProblemError('conflict', `The upload ${id} is one PUT and has no parts`);
  return { ...pending, multipart: pending.multipart };
}

/** An upload as it was created; a URL that expired comes anew. */
export async function showUpload(context: ApiContext, who: Principal, id: VideoId): Promise<Upload> {
  return uploadOf(context, id, await requirePending(context, who, id));
}

/** URLs for parts, each good for this part's bytes alone. */
export async function signParts(
  context: ApiContext,
  who: Principal,
  id: VideoId,
  numbers: readonly number[],
): Promise<SignedParts> {
  const { size, multipart } = await requireMultipart(context, who, id);
  const { uploadId, partSize } = multipart;
  const count = partCountOf(size, partSize);
  const target = targetOf(context, id);
  const expiresAt = expiry();
  const sign = async (number: number) => {
    const bytes = sizeOfPart(size, partSize, number);
    if (bytes === undefined)
      throw new ProblemError('invalid-request', `The upload has ${count} parts; there is no part ${number}`);
    const url = await presignPart(target, { uploadId, number, size: bytes }, EXPIRES_IN);
    return { number, url, size: bytes };
  };
  return { parts: await Array.fromAsync(inBatches(numbers, SIGNED_AT_ONCE, sign)), expiresAt };
}

/** The parts that are there. Of an upload that is completed, all. */
export async function showParts(context: ApiContext, who: Principal, id: VideoId): Promise<Parts> {
  const { size, multipart } = await requireMultipart(context, who, id);
  const { uploadId, partSize } = multipart;
  const parts = await listUploadedParts(targetOf(context, id), uploadId);
  if (!parts) throw new ProblemError('gone', `The upload ${id} was completed, or aborted`);
  return { partSize, partCount: partCountOf(size, partSize), parts };
}

/** Numbers of the parts that are not there, or not whole. */
function missingParts(
  { size }: PendingUpload,
  { partSize }: Multipart,
  parts: readonly UploadedPart[],
): number[] {
  const sizes = new Map(parts.map((part) => [part.number, part.size]));
  const numbers = Array.from({ length: partCountOf(size, partSize) }, (_, index) => index + 1);
  return numbers.filter((number) => sizes.get(number) !== sizeOfPart(size, partSize, number));
}

/** Makes the source of its parts; of an upload in one PUT, sees that it is there. Doing it again changes nothing. */
export async function completeUpload(
  context: ApiContext,
  who: Principal,
  id: VideoId,
  claimed: readonly Pick<UploadedPart, 'number' | 'etag'>[] | undefined,
): Promise<void> {
  const pending = await requirePending(context, who, id);
  const target = targetOf(context, id);
  if (!pending.multipart) return requireSource(target, pending);
  const { multipart } = pending;
  const parts = await listUploadedParts(target, multipart.uploadId);
  if (!parts) return requireSource(target, pending);
  const missing = missingParts(pending, multipart, parts);
  if (missing.length > 0)
    throw new ProblemError(
      'parts-missing',
      `${missing.length} of ${partCountOf(pending.size, multipart.partSize)} parts are not there`,
      { missing: missing.slice(0, NAMED_MISSING) },
    );
  const etags = new Map(claimed?.map(({ number, etag }) => [number, etag.replaceAll('"', '')]));
  const differing = parts.filter(({ number, etag }) => claimed && etags.get(number) !== etag);
  const outcome =
    differing.length > 0 ? 'refused' : await completeMultipart(target, multipart.uploadId, parts);
  if (outcome === 'refused')
    throw new ProblemError(
      'conflict',
      'S3 holds other parts than these: list them, and send those that differ',
    );
  if (outcome === 'gone') await requireSource(target, pending);
}

/** Throws a `ProblemError` where the source is not there. */
async function requireSource(target: SourceTarget, { size, multipart }: PendingUpload): Promise<void> {
  if ((await sizeAt(target)) === size) return;
  if (multipart)
    throw new ProblemError('gone', 'The upload was aborted, or its parts expired: create another');
  throw new ProblemError('conflict', 'The file is not there yet: PUT it first');
}

/** Ends an upload that is not to be. Throws a `ProblemError` where it is a video already. */
export async function abortUpload(context: ApiContext, who: Principal, id: VideoId): Promise<void> {
  const { stores } = context;
  const pending = await readPending(stores.uploads, id);
  if (!pending) return;
  requireOwn(who, id, pending);
  if (await readClaim(stores.uploads, id))
    throw new ProblemError(
      'conflict',
      `The upload ${id} is complete; DELETE /api/videos/${id} deletes its video`,
    );
  await deleteVideo(context, id, Date.now() + ABORT_MS);
  await giveBack(stores.uploads, pending.createdBy, id);
}
