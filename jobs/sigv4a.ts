/**
 * AWS Signature Version 4A: asymmetric, for services of every region, of which CloudFront's key-value store is one. The SDK's signer is
 * for S3 and symmetric alone.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createECDH, createHash, createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';

const ALGORITHM = 'AWS4-ECDSA-P256-SHA256';
const CURVE = { node: 'prime256v1', jwk: 'P-256' };
/** The order of the curve P-256, less two (FIPS 186-4, D.1.2.3): no secret number is larger than one more. */
const LARGEST = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f', 'hex');
/** Bits of a derived key. */
const KEY_BITS = Buffer.from([0, 0, 1, 0]);
const FIRST_BLOCK = Buffer.from([0, 0, 0, 1]);

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  /** As the service is called in signatures. */
  readonly service: string;
  readonly date: Date;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** One more than a number. */
const successor = (bytes: Buffer): Buffer =>
  Buffer.from((BigInt(`0x${bytes.toString('hex')}`) + 1n).toString(16).padStart(64, '0'), 'hex');

/** The private key that AWS derives of an access key, too (NIST SP 800-108, counter mode). */
export function derivedKey({ accessKeyId, secretAccessKey }: Credentials): KeyObject {
  for (let counter = 1; ; counter++) {
    const candidate = createHmac('sha256', `AWS4A${secretAccessKey}`)
      .update(FIRST_BLOCK)
      .update(`${ALGORITHM}\0${accessKeyId}`)
      .update(Buffer.from([counter]))
      .update(KEY_BITS)
      .digest();
    if (candidate.compare(LARGEST) > 0) continue; // one in four billion
    const number = successor(candidate);
    const point = createECDH(CURVE.node);
    point.setPrivateKey(number);
    const publicKey = point.getPublicKey(); // 4, x, y
    const word = (bytes: Buffer) => bytes.toString('base64url');
    return createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: CURVE.jwk,
        d: word(number),
        x: word(publicKey.subarray(1, 33)),
        y: word(publicKey.subarray(33)),
      },
    });
  }
}

/** What is signed: the words of the request, and their hash with its scope. */
export function stringToSign(
  { method, url, body, service }: SignedRequest,
  headers: Readonly<Record<string, string>>,
  at: string,
): { readonly text: string; readonly names: string; readonly scope: string } {
  const sorted = Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = sorted.map(([name]) => name).join(';');
  // The path is encoded once more, as for all services but S3.
  const path = url.pathname.split('/').map(encodeURIComponent).join('/');
  const lines = sorted.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = [method, path, '', lines, names, sha256(body)].join('\n');
  const scope = `${at.slice(0, 8)}/${service}/aws4_request`;
  return { text: [ALGORITHM, at, scope, sha256(canonical)].join('\n'), names, scope };
}

/** The headers that sign a request without a query for every region. */
export function signedHeaders(credentials: Credentials, request: SignedRequest): Record<string, string> {
  const at = request.date.toISOString().replace(/[-:]|\.\d+/g, '');
  const { accessKeyId, sessionToken } = credentials;
  const headers = {
    'x-amz-date': at,
    'x-amz-region-set': '*',
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  };
  const { text, names, scope } = stringToSign(request, { ...headers, host: request.url.host }, at);
  const signature = sign('sha256', Buffer.from(text), derivedKey(credentials)).toString('hex');
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
