/** The API over local S3, SQS and SSM, with tokens: what a caller meets, without machines. */
import { join } from 'node:path';
import { createApi } from '../../api/app.ts';
import { tokenAccess } from '../../api/token-access.ts';
import { Endpoints } from '../../jobs/endpoints.ts';
import { type OidcInput, oidcSchema, type Quota } from '../../jobs/environment.ts';
import { KeyValueStore, keyValueStoreClient } from '../../jobs/key-value-store.ts';
import { QUEUES, UPLOAD_CORS } from '../../jobs/platform.ts';
import { PlaybackKeys } from '../../jobs/playback-keys.ts';
import type { Scope } from '../../jobs/tokens.ts';
import { Tokens } from '../../jobs/tokens.ts';
import { startKeyValueStore } from '../../local/key-value-store/key-value-store.ts';
import { LIST_PRICES } from '../../video/prices.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { AWS, startAws } from './aws.ts';
import { silentAnnouncer } from './live.ts';

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
  const bucket = { cors: UPLOAD_CORS, notifications: [] };
  const aws = await startAws({ uploads: bucket, production: bucket }, [
    { name: 'uploads', settings: QUEUES.uploads },
    { name: 'events', settings: QUEUES.uploads },
  ]);
  const { s3, stores, sqs, clients } = aws;
  const edgeStore = await startKeyValueStore({ dataDir: join(aws.dataDir, 'edge'), port: 0 });
  const edge = new KeyValueStore(keyValueStoreClient({ ...AWS, endpoint: edgeStore.url }), edgeStore.arn);
  const parameters = '/spotreel/test';
  const tokens = new Tokens(clients.ssm, parameters);
  const context = {
    s3,
    stores,
    sqs: clients.sqs,
    uploadsQueueUrl: sqs.queueUrl('uploads'),
    settings: encodeSettingsSchema.parse({}),
    authenticate: tokenAccess(tokens, oidcSchema.optional().parse(oidc)),
    tokens,
    edge,
    playbackKeys: new PlaybackKeys(clients.ssm, parameters, edge),
    webhooks: {
      endpoints: new Endpoints(stores.uploads, clients.ssm, parameters),
      eventsQueueUrl: sqs.queueUrl('events'),
      reach: 'public' as const,
    },
    live: { url: 'ws://127.0.0.1/mqtt', topics: 'spotreel/test' },
    announcer: silentAnnouncer,
    corsOrigins: [],
    quota,
    prices: LIST_PRICES,
    ceilings: { daily: 10, monthly: undefined },
  };
  const app = createApi(context);
  return {
    context,
    /** As the function at the edge sees it. */
    edgeStore,
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
      await edgeStore.close();
      await aws.close();
    },
  };
}
export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
