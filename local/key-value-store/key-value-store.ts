/**
 * CloudFront's key-value store on a laptop: get, describe and update over HTTP for the platform, and reads for the function at the
 * edge. One small file, replaced whole.
 * https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
 */
import { join } from 'node:path';
import { z } from 'zod';
import { type ApiAnswer, type ApiRequest, apiListener, listen } from '../aws/http.ts';
import { JsonFile } from '../aws/json-file.ts';
import { type Authorize, accessKeyOf, allowAll } from '../iam/iam.ts';

export interface KeyValueStoreOptions {
  /** Folder of the file; made where it is missing. One process at a time may use it. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
}

/** What a function at the edge sees of it. */
export interface EdgeStore {
  exists(key: string): Promise<boolean>;
  /** Rejects where there is no such key. */
  get(key: string): Promise<string>;
}

export interface LocalKeyValueStore extends EdgeStore {
  readonly url: string;
  readonly arn: string;
  close(): Promise<void>;
}

const ARN = 'arn:aws:cloudfront::000000000000:key-value-store/local';
const BASE = `/key-value-stores/${encodeURIComponent(ARN)}`;
const KEY_PATH = /\/keys\/([^/]+)$/;

/** What a request asks for; undefined where there is no such thing. */
function actionOf(method: string, path: string) {
  if (method === 'POST' && path === `${BASE}/keys`) return 'UpdateKeys';
  if (method !== 'GET' || !path.startsWith(BASE)) return undefined;
  const rest = path.slice(BASE.length);
  if (rest === '') return 'DescribeKeyValueStore';
  return KEY_PATH.exec(rest)?.index === 0 ? 'GetKey' : undefined;
}

const itemsSchema = z.record(z.string(), z.string());
const updateSchema = z.object({
  Puts: z.array(z.object({ Key: z.string().min(1).max(512), Value: z.string().max(1024) })).default([]),
  Deletes: z.array(z.object({ Key: z.string() })).default([]),
});

const reply = (status: number, value: object, headers: Readonly<Record<string, string>> = {}): ApiAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

const refusal = (status: number, type: string, Message: string): ApiAnswer =>
  reply(status, { Message }, { 'x-amzn-errortype': type });

/** Starts it on the loopback interface. Rejects where the port is taken. */
export async function startKeyValueStore({
  dataDir,
  port,
  authorize = allowAll,
}: KeyValueStoreOptions): Promise<LocalKeyValueStore> {
  const file = new JsonFile(join(dataDir, 'items.json'));
  const items = new Map(Object.entries(itemsSchema.parse((await file.read()) ?? {})));
  let version = 1;

  const described = () => ({
    ItemCount: items.size,
    TotalSizeInBytes: [...items].reduce((sum, [key, value]) => sum + key.length + value.length, 0),
  });

  async function update({ headers, body }: ApiRequest): Promise<ApiAnswer> {
    const changes = updateSchema.safeParse(JSON.parse(body));
    if (!changes.success) return refusal(400, 'ValidationException', changes.error.message);
    if (headers['if-match'] !== String(version))
      return refusal(409, 'ConflictException', 'Another version is the current one');
    version++;
    for (const { Key, Value } of changes.data.Puts) items.set(Key, Value);
    for (const { Key } of changes.data.Deletes) items.delete(Key);
    await file.write(() => Object.fromEntries(items));
    return reply(200, described(), { etag: String(version) });
  }

  function find(path: string): ApiAnswer {
    const [, name = ''] = KEY_PATH.exec(path) ?? [];
    const key = decodeURIComponent(name);
    const value = items.get(key);
    if (value === undefined) return refusal(404, 'ResourceNotFoundException', `There is no key ${key}`);
    return reply(200, { Key: key, Value: value, ...described() });
  }

  async function answer(request: ApiRequest): Promise<ApiAnswer> {
    const { method, path, headers } = request;
    if (!headers.authorization?.startsWith('AWS4-ECDSA-P256-SHA256 '))
      return refusal(403, 'AccessDeniedException', 'Sign by Signature Version 4A');
    const action = actionOf(method, path);
    if (!action) return refusal(404, 'ResourceNotFoundException', `There is nothing at ${path}`);
    if (!authorize(accessKeyOf(headers), { action: `cloudfront-keyvaluestore:${action}`, resource: ARN }))
      return refusal(403, 'AccessDeniedException', `Not authorized to perform ${action}`);
    if (action === 'UpdateKeys') return update(request);
    if (action === 'GetKey') return find(path);
    return reply(200, described(), { etag: String(version) });
  }

  const listening = await listen(port, apiListener(answer, ['GET', 'POST']));
  return {
    close: () => listening.close(),
    // Of the client's own making is a name below this one (jobs/key-value-store.ts).
    url: `http://localhost:${listening.port}`,
    arn: ARN,
    exists: async (key) => items.has(key),
    async get(key) {
      const value = items.get(key);
      if (value === undefined) throw new Error(`Key not found: ${key}`); // the runtime's words may differ
      return value;
    },
  };
}
