/**
 * The instance metadata service of one instance, version 2 only, as our launch templates ask for: every read needs
 * a token that a PUT hands out.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, listen } from '../aws/http.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface MetadataOptions {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly lifecycle: 'spot' | 'on-demand';
  readonly region: string;
  readonly availabilityZone: string;
  readonly launchTime: Date;
  /** Those of the instance's role. */
  readonly credentials: Credentials;
}

export interface Metadata {
  readonly url: string;
  /** From now on tells that the instance will be interrupted at this time. */
  announceInterruption(at: Date): void;
  close(): Promise<void>;
}

const ROLE = 'spotreel-worker';
const TOKEN_PATH = '/latest/api/token';
const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';
const MAX_TTL_SECONDS = 21_600;
/** How long credentials hold that are read now; SDKs come again before. */
const CREDENTIALS_MS = 6 * 3600 * 1000;

/** EC2 writes its times without milliseconds. */
const isoSeconds = (time: Date) => `${time.toISOString().slice(0, 19)}Z`;

/** Starts the service on a loopback port of its own. */
export async function startMetadata(options: MetadataOptions): Promise<Metadata> {
  /** Tokens with the time at which each expires. */
  const tokens = new Map<string, number>();
  let interruption: { readonly announced: Date; readonly at: Date } | undefined;

  const server: Listening = await listen(0, (request, response) => {
    const send = (status: number, body = '', headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
    if (request.method === 'PUT' && request.url === TOKEN_PATH) return issueToken(request, response, tokens);
    if (request.method !== 'GET') return send(405);
    const expiry = tokens.get(String(request.headers[TOKEN_HEADER]));
    if (expiry === undefined || expiry < Date.now()) return send(401);
    const document = documents(options, interruption)[request.url ?? ''];
    return document === undefined ? send(404) : send(200, document);
  });
  return {
    url: server.url,
    announceInterruption(at) {
      interruption = { announced: new Date(), at };
    },
    close: () => server.close(),
  };
}

function issueToken(request: IncomingMessage, response: ServerResponse, tokens: Map<string, number>): void {
  // What a proxy forwards comes from elsewhere: the service guards against server-side request forgery so.
  if (request.headers['x-forwarded-for'] !== undefined) {
    response.writeHead(403).end();
    return;
  }
  const ttl = Number(request.headers[TTL_HEADER]);
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL_SECONDS) {
    response.writeHead(400).end();
    return;
  }
  const token = randomBytes(32).toString('base64url');
  for (const [old, expiry] of tokens) if (expiry < Date.now()) tokens.delete(old);
  tokens.set(token, Date.now() + ttl * 1000);
  response.writeHead(200, { 'content-type': 'text/plain', [TTL_HEADER]: String(ttl) }).end(token);
}

/**
 * All that can be read now, by path.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
 */
function documents(
  { instanceId, instanceType, lifecycle, region, availabilityZone, launchTime, credentials }: MetadataOptions,
  interruption: { readonly announced: Date; readonly at: Date } | undefined,
): Readonly<Record<string, string | undefined>> {
  const now = new Date();
  return {
    '/latest/meta-data/instance-id': instanceId,
    '/latest/meta-data/instance-type': instanceType,
    '/latest/meta-data/instance-life-cycle': lifecycle,
    '/latest/meta-data/placement/region': region,
    '/latest/meta-data/placement/availability-zone': availabilityZone,
    '/latest/meta-data/iam/security-credentials/': ROLE,
    [`/latest/meta-data/iam/security-credentials/${ROLE}`]: JSON.stringify({
      Code: 'Success',
      LastUpdated: isoSeconds(now),
      Type: 'AWS-HMAC',
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      Token: credentials.sessionToken,
      Expiration: isoSeconds(new Date(now.getTime() + CREDENTIALS_MS)),
    }),
    '/latest/dynamic/instance-identity/document': JSON.stringify({
      instanceId,
      instanceType,
      region,
      availabilityZone,
      architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
      pendingTime: isoSeconds(launchTime),
      privateIp: '127.0.0.1',
      version: '2017-09-30',
    }),
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    '/latest/meta-data/spot/instance-action':
      interruption && JSON.stringify({ action: 'terminate', time: isoSeconds(interruption.at) }),
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
    '/latest/meta-data/events/recommendations/rebalance':
      interruption && JSON.stringify({ noticeTime: isoSeconds(interruption.announced) }),
  };
}
