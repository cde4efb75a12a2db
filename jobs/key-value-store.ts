/**
 * CloudFront's key-value store, which functions at the edge read: what is written is at every edge within seconds.
 * https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
 */
import { lookup } from 'node:dns';
import { Agent } from 'node:http';
import type { LookupFunction } from 'node:net';
import '@aws-sdk/signature-v4a'; // signs for every region at once, as the store asks
import {
  CloudFrontKeyValueStoreClient,
  type CloudFrontKeyValueStoreClientConfig,
  CloudFrontKeyValueStoreServiceException,
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  ResourceNotFoundException,
  UpdateKeysCommand,
} from '@aws-sdk/client-cloudfront-keyvaluestore';

/** Tries of an update. Each that fails is a success of another's. */
const UPDATE_TRIES = 20;

/** Milliseconds for an answer. */
const ANSWER_MS = 10_000;

/**
 * Names below `localhost` are the loopback interface's (RFC 6761, 6.3), though not every resolver knows it: the client puts
 * the account before the host of whatever endpoint it is given.
 */
const lookUp: LookupFunction = (host, options, done) =>
  lookup(host.endsWith('.localhost') ? 'localhost' : host, options, done);

/** A client of the store. @param config beside what the environment says */
export const keyValueStoreClient = (
  config: CloudFrontKeyValueStoreClientConfig = {},
): CloudFrontKeyValueStoreClient =>
  new CloudFrontKeyValueStoreClient({
    ...config,
    requestHandler: { requestTimeout: ANSWER_MS, httpAgent: new Agent({ keepAlive: true, lookup: lookUp }) },
  });

/** The store refused, or failed. */
export class KeyValueStoreError extends Error {
  override readonly name = 'KeyValueStoreError';
}

export class KeyValueStore {
  readonly #client: CloudFrontKeyValueStoreClient;
  readonly #arn: string;

  constructor(client: CloudFrontKeyValueStoreClient, arn: string) {
    this.#client = client;
    this.#arn = arn;
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
    const Puts = differing.flatMap(([Key, Value]) => (Value === undefined ? [] : [{ Key, Value }]));
    const Deletes = differing.flatMap(([Key, Value]) => (Value === undefined ? [{ Key }] : []));
    for (let tries = 1; ; tries++) {
      const IfMatch = await this.#version();
      try {
        await this.#client.send(new UpdateKeysCommand({ KvsARN: this.#arn, IfMatch, Puts, Deletes }));
        return;
      } catch (error) {
        // Whatever it calls the refusal: where another has written meanwhile, that is why.
        if (tries === UPDATE_TRIES || (await this.#version()) === IfMatch) throw refused('update', error);
      }
    }
  }

  async #get(Key: string): Promise<string | undefined> {
    try {
      const { Value } = await this.#client.send(new GetKeyCommand({ KvsARN: this.#arn, Key }));
      return Value;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw refused('read', error);
    }
  }

  /** The ETag of the whole. */
  async #version(): Promise<string> {
    try {
      const { ETag } = await this.#client.send(new DescribeKeyValueStoreCommand({ KvsARN: this.#arn }));
      return ETag ?? '';
    } catch (error) {
      throw refused('describe', error);
    }
  }
}

/** What the store said, which no caller of ours may read: it names the account. */
function refused(action: string, cause: unknown): KeyValueStoreError {
  const status =
    cause instanceof CloudFrontKeyValueStoreServiceException ? `${cause.$metadata.httpStatusCode} ` : '';
  return new KeyValueStoreError(`The key-value store does not ${action}: ${status}${cause}`, { cause });
}
