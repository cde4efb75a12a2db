/**
 * Signature version 4, as S3 checks it in headers, presigned URLs, chunked bodies and POST policies.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { S3Error, type S3ErrorCode } from './errors.ts';

export interface Credential {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
export type Credentials = (accessKeyId: string) => Credential | undefined;

export interface Verifier {
  readonly region: string;
  readonly credentials: Credentials;
}

/** A request whose signature was right: how its body is signed. */
export interface Signed {
  readonly accessKeyId: string;
  /** `x-amz-content-sha256`: a digest in hexadecimal, or one of the words for bodies that sign themselves. */
  readonly payload: string;
  /** For chunk signatures. */
  readonly key: Buffer;
  readonly scope: string;
  readonly date: string;
  readonly signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** S3 refuses requests signed more than 15 minutes ago or ahead. */
const SKEW_MS = 15 * 60 * 1000;
/** Seconds that a presigned URL can be good for, at most. */
const LONGEST_EXPIRY = 7 * 24 * 3600;

export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Percent-encodes as SigV4 asks: everything but unreserved characters (RFC 3986, 2.3). */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

export const isEqual = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

/** `20260102T030405Z` as milliseconds since 1970; NaN where it is none. */
function parseDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/** The key that signs within a scope such as `20260102/us-east-1/s3/aws4_request`. */
function signingKey(secret: string, scope: string): Buffer {
  return scope.split('/').reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));
}

/** The key that must have signed. @param date `X-Amz-Date`; its day is in the scope */
function find(
  { region, credentials }: Verifier,
  credential: string,
  date: string,
  token: string | undefined,
  malformed: S3ErrorCode,
) {
  const [accessKeyId = '', ...parts] = credential.split('/');
  const scope = parts.join('/');
  const expected = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  if (scope !== expected) throw new S3Error(malformed, `the scope is '${scope}', expecting '${expected}'`);
  const found = credentials(accessKeyId);
  if (!found) throw new S3Error('InvalidAccessKeyId', accessKeyId);
  if (!isEqual(found.sessionToken ?? '', token ?? '')) throw new S3Error('InvalidToken');
  return { accessKeyId, key: signingKey(found.secretAccessKey, scope), scope };
}

/** A request in the parts that are signed. */
export interface SignableRequest {
  readonly method: string;
  /** Path as it was sent, still percent-encoded. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function canonicalRequest(request: SignableRequest, signedHeaders: string, payload: string): string {
  const query = [...request.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    // By name, then by value: sorting 'name=value' would put 'a-b=' before 'a='.
    .sort(([a, x], [b, y]) => (a === b ? compareText(x, y) : compareText(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const path = request.rawPath
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
  const headers = signedHeaders.split(';').map((name) => {
    const value = request.headers[name];
    return `${name}:${[value ?? ''].flat().join(',').trim().replace(/ +/g, ' ')}\n`;
  });
  return [request.method, path, query, headers.join(''), signedHeaders, payload].join('\n');
}

const stringToSign = (date: string, scope: string, canonical: string): string =>
  [ALGORITHM, date, scope, sha256(canonical)].join('\n');

function compare(
  request: SignableRequest,
  signedHeaders: string,
  payload: string,
  found: ReturnType<typeof find>,
  date: string,
  signature: string,
): Signed {
  if (!signedHeaders.split(';').includes('host')) throw new S3Error('AccessDenied', "'host' must be signed");
  const unsigned = Object.keys(request.headers).find(
    (name) => name.startsWith('x-amz-') && !signedHeaders.split(';').includes(name),
  );
  if (unsigned) throw new S3Error('AccessDenied', `the header '${unsigned}' was not signed`);
  if (!PAYLOAD.test(payload)) throw new S3Error('InvalidArgument', `x-amz-content-sha256 is '${payload}'`);
  const text = stringToSign(date, found.scope, canonicalRequest(request, signedHeaders, payload));
  if (!isEqual(hmac(found.key, text).toString('hex'), signature)) throw new S3Error('SignatureDoesNotMatch');
  return { ...found, payload, date, signature };
}

/** How a body can be signed: by its digest in hexadecimal, not at all, or chunk by chunk. */
const PAYLOAD =
  /^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/;

function verifyPresigned(request: SignableRequest, verifier: Verifier): Signed {
  const get = (name: string) => request.query.get(`X-Amz-${name}`) ?? '';
  if (get('Algorithm') !== ALGORITHM)
    throw new S3Error('AuthorizationQueryParametersError', `X-Amz-Algorithm is not ${ALGORITHM}`);
  const [date, expires] = [get('Date'), Number(get('Expires'))];
  if (!(expires > 0 && expires <= LONGEST_EXPIRY)) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires is '${get('Expires')}', not 1 to ${LONGEST_EXPIRY}`,
    );
  }
  const token = request.query.get('X-Amz-Security-Token') ?? undefined;
  const found = find(verifier, get('Credential'), date, token, 'AuthorizationQueryParametersError');
  const age = Date.now() - parseDate(date);
  if (!(age <= expires * 1000)) throw new S3Error('AccessDenied', 'Request has expired');
  if (age < -SKEW_MS) throw new S3Error('AccessDenied', 'Request is not valid yet');
  // Whoever signed the payload's digest says so in the query or in a signed header; other URLs are for any body.
  const payload =
    request.query.get('X-Amz-Content-Sha256') ??
    request.headers['x-amz-content-sha256']?.toString() ??
    'UNSIGNED-PAYLOAD';
  return compare(request, get('SignedHeaders'), payload, found, date, get('Signature'));
}

function verifyHeader(request: SignableRequest, verifier: Verifier, authorization: string): Signed {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  const [, credential = '', signedHeaders = '', signature = ''] = match ?? [];
  if (!match) throw new S3Error('AuthorizationHeaderMalformed');
  const date = String(request.headers['x-amz-date'] ?? '');
  if (!(Math.abs(Date.now() - parseDate(date)) <= SKEW_MS)) throw new S3Error('RequestTimeTooSkewed', date);
  const token = request.headers['x-amz-security-token']?.toString();
  const found = find(verifier, credential, date, token, 'AuthorizationHeaderMalformed');
  const payload = request.headers['x-amz-content-sha256']?.toString();
  if (payload === undefined) throw new S3Error('InvalidRequest', 'x-amz-content-sha256 is missing');
  return compare(request, signedHeaders, payload, found, date, signature);
}

/** Checks a request's signature. Throws the `S3Error` that S3 answers. */
export function verify(request: SignableRequest, verifier: Verifier): Signed {
  if (request.query.has('X-Amz-Signature')) return verifyPresigned(request, verifier);
  const { authorization } = request.headers;
  if (authorization === undefined) throw new S3Error('AccessDenied', 'the request is not signed');
  return verifyHeader(request, verifier, authorization);
}

/** The signature's own parameters, and checksums. */
const NOT_HOISTED =
  /^x-amz-(checksum-.*|sdk-.*|algorithm|content-sha256|credential|date|expires|security-token|signature|signedheaders)$/;

/**
 * A request's headers, with those that its presigner moved into the query, as SDKs do with metadata. Checksums there
 * are ignored, as S3 does: SDKs put that of an empty body (https://github.com/localstack/localstack/issues/12169).
 */
export function effectiveHeaders({ headers, query }: SignableRequest): IncomingHttpHeaders {
  const hoisted = [...query]
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => name.startsWith('x-amz-') && !NOT_HOISTED.test(name));
  return { ...headers, ...Object.fromEntries(hoisted) };
}

/** The signature of one chunk of a signed streaming body, from the one before. */
export function chunkSignature(signed: Signed, previous: string, digest: string): string {
  const text = ['AWS4-HMAC-SHA256-PAYLOAD', signed.date, signed.scope, previous, sha256(''), digest];
  return hmac(signed.key, text.join('\n')).toString('hex');
}

/** The signature of a signed streaming body's trailer. */
export function trailerSignature(signed: Signed, previous: string, trailer: string): string {
  const text = ['AWS4-HMAC-SHA256-TRAILER', signed.date, signed.scope, previous, sha256(trailer)];
  return hmac(signed.key, text.join('\n')).toString('hex');
}

/** Checks the signature of a POST form's policy. Throws the `S3Error` that S3 answers. */
export function verifyPolicy(fields: ReadonlyMap<string, string>, verifier: Verifier): void {
  const get = (name: string) => fields.get(`x-amz-${name}`) ?? '';
  if (get('algorithm') !== ALGORITHM)
    throw new S3Error('InvalidArgument', `x-amz-algorithm is '${get('algorithm')}', not ${ALGORITHM}`);
  const token = fields.get('x-amz-security-token');
  const { key } = find(verifier, get('credential'), get('date'), token, 'InvalidArgument');
  if (!isEqual(hmac(key, fields.get('policy') ?? '').toString('hex'), get('signature')))
    throw new S3Error('SignatureDoesNotMatch');
}
