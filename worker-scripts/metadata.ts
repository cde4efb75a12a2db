/**
 * What the machine knows of itself: EC2's instance metadata, version 2, whose every read needs a token.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
import { z } from 'zod';

/** Link-local, on every machine of EC2. */
export const METADATA_ENDPOINT = 'http://169.254.169.254';

/** EC2's longest. A token is renewed when half of its time is over. */
const TOKEN_SECONDS = 21_600;
/** The service answers within milliseconds, or is not there. */
const TIMEOUT_MS = 2000;

const identitySchema = z.object({ pendingTime: z.iso.datetime() });

export class InstanceMetadata {
  readonly #endpoint: string;
  #token: { readonly value: string; readonly renewAt: number } | undefined;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /**
   * The text at a path below `/latest/meta-data/`; undefined where there is none. Throws where the service cannot
   * be reached or answers anything else.
   */
  async read(path: string): Promise<string | undefined> {
    return this.#read(`meta-data/${path}`);
  }

  /**
   * When EC2 launched the machine, to the second; undefined where that is not told. Throws as `read` does.
   * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
   */
  async launchedAt(): Promise<string | undefined> {
    const document = await this.#read('dynamic/instance-identity/document');
    return document === undefined ? undefined : identitySchema.parse(JSON.parse(document)).pendingTime;
  }

  async #read(path: string): Promise<string | undefined> {
    const headers = { 'x-aws-ec2-metadata-token': await this.#tokenForRead() };
    const response = await this.#fetch(path, { headers });
    if (response.status === 404) return undefined;
    if (response.status === 401) this.#token = undefined; // it was given up early: the next read gets a new one
    return textOf(response, path);
  }

  async #tokenForRead(): Promise<string> {
    if (this.#token && Date.now() < this.#token.renewAt) return this.#token.value;
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) };
    const value = await textOf(await this.#fetch('api/token', { method: 'PUT', headers }), 'api/token');
    this.#token = { value, renewAt: Date.now() + (TOKEN_SECONDS * 1000) / 2 };
    return value;
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    return fetch(`${this.#endpoint}/latest/${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  }
}

async function textOf(response: Response, path: string): Promise<string> {
  const text = await response.text(); // also of a refusal, or its connection could not be used again
  if (!response.ok) throw new Error(`Instance metadata answered ${response.status} to ${path}`);
  return text;
}
