/**
 * Reads the production bucket as CloudFront does: signed GETs and HEADs by the real SDK, with the viewer's range
 * and condition passed on.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { type Answer, whole } from './answer.ts';

export interface OriginRequest {
  readonly method: string;
  readonly key: string;
  readonly headers: IncomingHttpHeaders;
}

/** What S3 is asked: compressed answers carry a weak ETag, which S3 knows only in its strong form. */
function conditionsOf({ headers }: OriginRequest) {
  const ifNoneMatch = headers['if-none-match']?.replaceAll('W/', '');
  const since = headers['if-modified-since'];
  return {
    ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
    ...(since !== undefined && !Number.isNaN(Date.parse(since)) && { IfModifiedSince: new Date(since) }),
    ...(headers.range !== undefined && { Range: headers.range }),
  };
}

function headersOf(output: GetObjectCommandOutput | HeadObjectCommandOutput): Record<string, string> {
  const headers = {
    'content-type': output.ContentType,
    'content-length': output.ContentLength?.toString(),
    'content-range': output.ContentRange,
    'content-encoding': output.ContentEncoding,
    'content-disposition': output.ContentDisposition,
    'cache-control': output.CacheControl,
    'last-modified': output.LastModified?.toUTCString(),
    'accept-ranges': output.AcceptRanges,
    etag: output.ETag,
  };
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
}

const statusOf = (output: GetObjectCommandOutput | HeadObjectCommandOutput) =>
  output.ContentRange === undefined ? 200 : 206;

/** Headers that S3 sends with "not modified" and "range not satisfiable". */
const ERROR_HEADERS = ['etag', 'cache-control', 'last-modified', 'content-range'];

function errorAnswer(error: S3ServiceException): Answer {
  const status = error.$metadata.httpStatusCode ?? 500;
  if (status === 403 || status === 404)
    return whole(status, { 'content-type': 'application/xml' }, `<Error><Code>${error.name}</Code></Error>`);
  if (status !== 304 && status !== 416) throw error;
  const sent = error.$response?.headers ?? {};
  const headers = ERROR_HEADERS.flatMap((name) => (sent[name] ? [[name, sent[name]]] : []));
  return { status, headers: Object.fromEntries(headers) };
}

/**
 * Whether a part is of another version than the viewer's `If-Range` names; the SDK has no such parameter. Chromium
 * sends one with each range of a file that it has other ranges of in its cache.
 */
function isOutdated(ifRange: string | string[] | undefined, answer: Answer): boolean {
  const { etag, 'last-modified': date } = answer.headers;
  return answer.status === 206 && ifRange !== undefined && ifRange !== etag && ifRange !== date;
}

/**
 * Answers with an object of the production bucket, or with what S3 says where there is none.
 * @param signal ends the request to S3 when the viewer is gone
 * @throws whatever the SDK throws where S3 fails or cannot be reached
 */
export async function originAnswer(
  s3: S3Client,
  bucket: string,
  request: OriginRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const input = { Bucket: bucket, Key: request.key, ...conditionsOf(request) };
  try {
    if (request.method === 'HEAD') {
      const output = await s3.send(new HeadObjectCommand(input), { abortSignal: signal });
      return { status: statusOf(output), headers: headersOf(output) };
    }
    const output = await s3.send(new GetObjectCommand(input), { abortSignal: signal });
    const body = output.Body as Readable; // on Node; the other types are a browser's
    const answer = { status: statusOf(output), headers: headersOf(output), body };
    if (!isOutdated(request.headers['if-range'], answer)) return answer;
    body.destroy();
    const { range: _, ...headers } = request.headers;
    return originAnswer(s3, bucket, { ...request, headers }, signal);
  } catch (error) {
    if (error instanceof S3ServiceException) return errorAnswer(error);
    throw error;
  }
}
