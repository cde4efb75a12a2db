/** The API over local S3, SQS and SSM, with tokens: what a caller meets, without machines. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { createApi } from '../../api/app.ts';
import { tokenAccess } from '../../api/token-access.ts';
import { Endpoints } from '../../jobs/endpoints.ts';
import { type OidcInput, oidcSchema, type Quota } from '../../jobs/environment.ts';
import { QUEUES, UPLOAD_CORS } from '../../jobs/platform.ts';
import { ObjectStore } from '../../jobs/store.ts';
import type { Scope } from '../../jobs/tokens.ts';
import { Tokens } from '../../jobs/tokens.ts';
import { startS3 } from '../../local/s3/server.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import { startSsm } from '../../local/ssm/ssm.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { silentAnnouncer } from './live.ts';

const REGION = 'us-east-1';
const KEY = { accessKeyId: 'owner', secretAccessKey: 'secret' };
const BUCKETS = ['uploads', 'production'] as const;

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  /** What the body holds; tests check what they use. */
  readonly body: ReturnType<typeof JSON.parse>;
}

/** Starts it. `ask` sends a request as the API's Lambda gets it. */
export async function startTestApi({
  quota,
  oidc,
}: {
  readonly quota?: Quota;
  readonly oidc?: OidcInput;
} = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-api-'));
  const sqs = await startSqs({
    dataDir: join(dataDir, 'sqs'),
    port: 0,
    region: REGION,
    queues: [
      { name: 'uploads', settings: QUEUES.uploads },
      { name: 'events', settings: QUEUES.uploads },
    ],
  });
  const server = await startS3({
    dataDir: join(dataDir, 's3'),
    port: 0,
    region: REGION,
    incompleteUploadDays: 1,
    credentials: (id) => (id === KEY.accessKeyId ? KEY : undefined),
    buckets: BUCKETS.map((name) => ({ name, cors: UPLOAD_CORS, notifications: [] })),
    notify: async () => {},
  });
  const ssm = await startSsm({ dataDir: join(dataDir, 'ssm'), port: 0 });
  const aws = { region: REGION, credentials: KEY };
  const s3 = new S3Client({
    ...aws,
    endpoint: server.url,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const stores = { uploads: new ObjectStore(s3, 'uploads'), production: new ObjectStore(s3, 'production') };
  const parameters = '/spotreel/test';
  const ssmClient = new SSMClient({ ...aws, endpoint: ssm.url });
  const tokens = new Tokens(ssmClient, parameters);
  const context = {
    s3,
    stores,
    sqs: new SQSClient({ ...aws, endpoint: sqs.url }),
    uploadsQueueUrl: sqs.queueUrl('uploads'),
    settings: encodeSettingsSchema.parse({}),
    authenticate: tokenAccess(tokens, oidcSchema.optional().parse(oidc)),
    tokens,
    webhooks: {
      endpoints: new Endpoints(stores.uploads, ssmClient, parameters),
      eventsQueueUrl: sqs.queueUrl('events'),
      reach: 'public' as const,
    },
    live: { url: 'ws://127.0.0.1/mqtt', topics: 'spotreel/test' },
    announcer: silentAnnouncer,
    corsOrigins: [],
    quota,
  };
  const app = createApi(context);
  return {
    context,
    sqs,
    app,
    async ask(method: string, path: string, token?: string, body?: unknown, headers = {}): Promise<Reply> {
      const response = await app.request(path, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      return {
        status: response.status,
        type,
        headers: response.headers,
        body: /json/.test(type) ? JSON.parse(text) : text,
      };
    },
    token: async (...scopes: Scope[]) => (await tokens.create('test', scopes)).token,
    /** Every key of both buckets that names a video. */
    async keysOf(id: string): Promise<string[]> {
      const keys: string[] = [];
      for (const store of Object.values(stores))
        for await (const { key } of store.list('')) if (key.includes(id)) keys.push(`${store.bucket}/${key}`);
      return keys;
    },
    async close() {
      await Promise.all([server.close(), sqs.close(), ssm.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
