/**
 * CloudFront's key-value store, which functions at the edge read: what is written is at every edge within seconds.
 * https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { type Credentials, signedHeaders } from './sigv4a.ts';

const SERVICE = 'cloudfront-keyvaluestore';

/** Tries of an update. Each that fails is a success of another's. */
const UPDATE_TRIES = 20;

/** Milliseconds for an answer. */
const ANSWER_MS = 10_000;

const valueSchema = z.object({ Value: z.string() });

export interface KeyValueStoreOptions {
  readonly arn: string;
  /** Where it answers. @default the account's own address */
  readonly endpoint?: string | undefined;
  readonly credentials: () => Promise<Credentials>;
}

/** The store refused, or failed. */
export class KeyValueStoreError extends Error {
  override readonly name = 'KeyValueStoreError';
}

/** The account's address, by the ARN `arn:aws:cloudfront::<account>:key-value-store/<id>`. */
const addressOf = (arn: string): string => `https://${arn.split(':')[4]}.cloudfront-kvs.global.api.aws`;

export class KeyValueStore {
  readonly #base: string;
  readonly #credentials: KeyValueStoreOptions['credentials'];

  constructor({ arn, endpoint = addressOf(arn), credentials }: KeyValueStoreOptions) {
    this.#base = `${endpoint}/key-value-stores/${encodeURIComponent(arn)}`;
    this.#credentials = credentials;
  }

  /**
   * Puts values, and deletes the keys whose value is undefined: all or none. What is there already costs no write.
   * @throws a `KeyValueStoreError` where the store refuses, as it does when it is full
   */
  async update(changes: Readonly<Record<string, string | undefined>>): Promise<void> {
    const differing: [string, string | undefined][] = [];
    for (const [key, value] of Object.entries(changes))
      if ((await this.#get(key)) !== value) differing.push([key, value]);
    if (differing.length === 0) return;
    const body = JSON.stringify({
      Puts: differing.flatMap(([Key, Value]) => (Value === undefined ? [] : [{ Key, Value }])),
      Deletes: differing.flatMap(([Key, Value]) => (Value === undefined ? [{ Key }] : [])),
    });
    for (let tries = 1; ; tries++) {
      const version = await this.#version();
      const answer = await this.#send('POST', '/keys', body, { 'if-match': version });
      if (answer.ok) return;
      // Whatever it calls the refusal: where another has written meanwhile, that is why.
      if (tries === UPDATE_TRIES || (await this.#version()) === version)
        throw await refused('update', answer);
    }
  }

  async #get(key: string): Promise<string | undefined> {
    const answer = await this.#send('GET', `/keys/${encodeURIComponent(key)}`);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw await refused('read', answer);
    return valueSchema.parse(await answer.json()).Value;
  }

  /** The ETag of the whole. */
  async #version(): Promise<string> {
    const answer = await this.#send('GET', '');
    if (!answer.ok) throw await refused('describe', answer);
    return answer.headers.get('etag') ?? '';
  }

  async #send(
    method: string,
    path: string,
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const url = new URL(`${this.#base}${path}`);
    const signed = signedHeaders(await this.#credentials(), {
      method,
      url,
      body,
      service: SERVICE,
      date: new Date(),
    });
    return fetch(url, {
      method,
      headers: { ...headers, ...signed, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  }
}

/** The store that the environment names, with the credentials that a client of the SDK found. */
export const keyValueStoreOf = (
  environment: {
    readonly KEY_VALUE_STORE: string;
    readonly AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE?: string | undefined;
  },
  { config }: S3Client,
): KeyValueStore =>
  new KeyValueStore({
    arn: environment.KEY_VALUE_STORE,
    endpoint: environment.AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE,
    credentials: () => config.credentials(),
  });

/** What the store said, which no caller of ours may read: it names the account. */
async function refused(action: string, answer: Response): Promise<KeyValueStoreError> {
  const said = (await answer.text()).slice(0, 500);
  return new KeyValueStoreError(`The key-value store does not ${action}: ${answer.status} ${said}`);
}
