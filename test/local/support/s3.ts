/** What the tests of the S3 emulator share. */
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { UPLOAD_CORS, UPLOAD_NOTIFICATIONS } from '../../../jobs/platform.ts';
import { type S3Options, type S3Server, startS3 } from '../../../local/s3/server.ts';

export const REGION = 'us-east-1';
export const BUCKET = 'videos';
export const OWNER = { accessKeyId: 'OWNER', secretAccessKey: 'a-secret' };
export const ROLE = {
  accessKeyId: 'ROLE',
  secretAccessKey: 'another-secret',
  sessionToken: 'a-session-token',
};

export interface Bench {
  readonly folder: string;
  server: S3Server;
  /** Gives up at the first error. */
  s3: S3Client;
  /** The events that were delivered, as their queue gets them. */
  readonly events: string[];
  /** Stops S3 and starts it again on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const newClient = (endpoint: string, credentials: object = OWNER, more: object = {}): S3Client =>
  new S3Client({
    region: REGION,
    endpoint,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { ...OWNER, ...credentials },
    ...more,
  });

/** S3 in a folder of its own. */
export async function openBench(more: Partial<S3Options> = {}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-s3-'));
  const events: string[] = [];
  const start = () =>
    startS3({
      dataDir: folder,
      port: 0,
      region: REGION,
      incompleteUploadDays: 1,
      credentials: (id) => [OWNER, ROLE].find(({ accessKeyId }) => accessKeyId === id),
      buckets: [{ name: BUCKET, cors: UPLOAD_CORS, notifications: UPLOAD_NOTIFICATIONS }],
      notify: async (_, event) => void events.push(event),
      ...more,
    });
  const server = await start();
  const bench: Bench = {
    folder,
    server,
    s3: newClient(server.url),
    events,
    async restart() {
      bench.s3.destroy();
      await bench.server.close();
      bench.server = await start();
      bench.s3 = newClient(bench.server.url);
    },
    async close() {
      bench.s3.destroy();
      await bench.server.close();
      await rm(folder, { recursive: true });
    },
  };
  return bench;
}

export const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex');
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** `20260102T030405Z` */
export const amzDate = (): string => new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
export const scopeOf = (date: string): string => `${date.slice(0, 8)}/${REGION}/s3/aws4_request`;

/** What signs for the owner within a scope: a hexadecimal signature of a text. */
export function signer(scope: string): (text: string) => string {
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${OWNER.secretAccessKey}`);
  return (text) => hmac(key, text).toString('hex');
}

export interface SignedRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly scope: string;
  readonly date: string;
  readonly signature: string;
}

/**
 * Signs a request by hand, to send what no SDK would.
 * @param target key and query, percent-encoded, the query in order
 * @param payload `x-amz-content-sha256`
 */
export function sign(
  endpoint: string,
  method: string,
  target: string,
  payload: string,
  more: Record<string, string> = {},
): SignedRequest {
  const date = amzDate();
  const scope = scopeOf(date);
  const url = `${endpoint}/${BUCKET}/${target}`;
  const [path = '', query = ''] = `/${BUCKET}/${target}`.split('?');
  const headers = {
    ...more,
    host: new URL(endpoint).host,
    'x-amz-content-sha256': payload,
    'x-amz-date': date,
  };
  const sorted = Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = sorted.map(([name]) => name).join(';');
  const lines = sorted.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonicalQuery = query === '' || query.includes('=') ? query : `${query}=`;
  const canonical = [method, path, canonicalQuery, lines, names, payload].join('\n');
  const signature = signer(scope)(['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'));
  const authorization = `AWS4-HMAC-SHA256 Credential=${OWNER.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { url, headers: { ...headers, authorization }, scope, date, signature };
}

/** Fetches with a signature in the headers. */
export const signedFetcher =
  (endpoint: string) =>
  (
    method: string,
    target: string,
    more: { payload?: string; body?: string; headers?: Record<string, string> } = {},
  ) => {
    const { payload = 'UNSIGNED-PAYLOAD', body, headers } = more;
    const signed = sign(endpoint, method, target, payload, headers);
    return fetch(signed.url, { method, headers: signed.headers, ...(body !== undefined && { body }) });
  };

/** The error code of an answer in XML. */
export const codeOf = async (response: Response): Promise<string> =>
  /<Code>(.*?)<\/Code>/.exec(await response.text())?.[1] ?? `no code, status ${response.status}`;
