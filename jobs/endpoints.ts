/**
 * Webhooks' endpoints: `webhooks/endpoints/<id>.json` says where each is and how it fares; its secrets are in SSM's
 * Parameter Store, `<prefix>/webhooks/<id>`, encrypted, where whoever may read the bucket does not see them.
 */
import { randomBytes } from 'node:crypto';
import { GetParameterCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { webhookKeys } from './names.ts';
import { deleteParameter } from './parameters.ts';
import type { ObjectStore } from './store.ts';
import { unlessUnreadable } from './unreadable.ts';

const HOUR = 3_600_000;

/** Bytes of a secret: the spec asks for 24 to 64. */
const SECRET_BYTES = 32;
/** What a secret begins with, as the spec has it. */
const SECRET_PREFIX = 'whsec_';
/** Milliseconds for which the secret before a new one still signs, beside it. */
const OVERLAP_MS = 24 * HOUR;
/** Milliseconds for which secrets are not read again: the parameter store answers 40 requests a second, to all. */
const FRESH_MS = 60_000;
/** Endpoints at most: each event is sent to every one. */
export const MOST_ENDPOINTS = 20;

const keptSchema = z.object({
  url: z.url(),
  /** ISO 8601. */
  createdAt: z.iso.datetime(),
  /** While deliveries come to nothing: since when, and what the last one met. */
  failing: z.object({ since: z.iso.datetime(), problem: z.string() }).exactOptional(),
  /** Nothing is sent there any more, and why. */
  disabled: z.object({ at: z.iso.datetime(), reason: z.string() }).exactOptional(),
});
type Kept = z.infer<typeof keptSchema>;

export interface Endpoint extends Kept {
  /** 12 hexadecimal digits. */
  readonly id: string;
}

const secretsSchema = z.array(
  z.object({
    secret: z.string(),
    /** ISO 8601: when it ends; absent of the newest. */
    until: z.iso.datetime().exactOptional(),
  }),
);
type Secrets = z.infer<typeof secretsSchema>;

/** More endpoints than an event is sent to. */
export class TooManyEndpointsError extends Error {
  override readonly name = 'TooManyEndpointsError';
}

/** The ids of all endpoints. */
export async function* endpointIds(uploads: ObjectStore): AsyncGenerator<string> {
  const { endpoints: prefix } = webhookKeys;
  for await (const { key } of uploads.list(prefix)) yield key.slice(prefix.length, -'.json'.length);
}

export class Endpoints {
  readonly #uploads: ObjectStore;
  readonly #ssm: SSMClient;
  readonly #prefix: string;
  readonly #known = new Map<string, { readonly at: number; readonly secrets: Promise<Secrets> }>();

  /** @param prefix `/spotreel/<platform>` */
  constructor(uploads: ObjectStore, ssm: SSMClient, prefix: string) {
    this.#uploads = uploads;
    this.#ssm = ssm;
    this.#prefix = prefix;
  }

  /** Makes an endpoint. Its secret is told this once. Throws a `TooManyEndpointsError`. */
  async create(url: string): Promise<Endpoint & { readonly secret: string }> {
    if ((await this.list()).length >= MOST_ENDPOINTS)
      throw new TooManyEndpointsError(`There are ${MOST_ENDPOINTS} endpoints already; remove one first`);
    const id = randomBytes(6).toString('hex');
    const kept: Kept = { url, createdAt: new Date().toISOString() };
    const secret = newSecret();
    // The secret comes first: what is listed can be signed for.
    await this.#putSecrets(id, [{ secret }]);
    await this.#uploads.putJson(webhookKeys.endpoint(id), kept);
    return { id, ...kept, secret };
  }

  /** An endpoint; undefined where there is none. */
  async read(id: string): Promise<Endpoint | undefined> {
    const kept = await this.#uploads.getJson(webhookKeys.endpoint(id), keptSchema);
    return kept && { id, ...kept };
  }

  /** Every endpoint that can be read, oldest first. */
  async list(): Promise<Endpoint[]> {
    const endpoints: Endpoint[] = [];
    for await (const id of endpointIds(this.#uploads)) {
      const read = () => this.read(id);
      const endpoint = await unlessUnreadable('endpoint-unreadable', { endpoint: id }, read);
      if (endpoint && endpoint !== 'unreadable') endpoints.push(endpoint);
    }
    return endpoints.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** Removes an endpoint with what was not delivered to it. @param deadline milliseconds since 1970 */
  async remove(id: string, deadline: number): Promise<void> {
    await this.#uploads.delete(webhookKeys.endpoint(id));
    await this.#uploads.deleteAll(webhookKeys.undelivered(id), { whole: false, deadline });
    await deleteParameter(this.#ssm, this.#parameter(id));
    this.#known.delete(id);
  }

  /** Gives an endpoint a new secret. For a day the one before signs beside it. */
  async rotate(id: string): Promise<string> {
    const secret = newSecret();
    const until = new Date(Date.now() + OVERLAP_MS).toISOString();
    const [newest] = await this.#readSecrets(id);
    await this.#putSecrets(id, [{ secret }, ...(newest ? [{ ...newest, until }] : [])]);
    return secret;
  }

  /** The secrets that sign now. One that another process made may be missing for a minute; the one before still signs. */
  async secrets(id: string): Promise<string[]> {
    const now = new Date().toISOString();
    const secrets = await this.#knownSecrets(id);
    return secrets.filter(({ until }) => until === undefined || until > now).map(({ secret }) => secret);
  }

  /** Takes an endpoint into use again, whatever went wrong there. */
  async enable(id: string): Promise<void> {
    await this.#change(id, ({ url, createdAt }) => ({ url, createdAt }));
  }

  /** Sends nothing more to an endpoint. */
  async disable(id: string, reason: string): Promise<void> {
    const disabled = { at: new Date().toISOString(), reason };
    await this.#change(id, (kept) => (kept.disabled ? undefined : { ...kept, disabled }));
  }

  /** Remembers that a delivery came to nothing. */
  async failing(id: string, problem: string): Promise<void> {
    await this.#change(id, ({ failing, ...kept }) => {
      if (failing?.problem === problem) return undefined;
      return { ...kept, failing: { since: failing?.since ?? new Date().toISOString(), problem } };
    });
  }

  async #change(id: string, change: (kept: Kept) => Kept | undefined): Promise<void> {
    const key = webhookKeys.endpoint(id);
    await this.#uploads.updateJson(key, keptSchema, (kept) => kept && change(kept));
  }

  #parameter(id: string): string {
    return `${this.#prefix}/webhooks/${id}`;
  }

  async #putSecrets(id: string, secrets: Secrets): Promise<void> {
    const Value = JSON.stringify(secrets);
    await this.#ssm.send(
      new PutParameterCommand({ Name: this.#parameter(id), Type: 'SecureString', Value, Overwrite: true }),
    );
    this.#known.delete(id);
  }

  #knownSecrets(id: string): Promise<Secrets> {
    const known = this.#known.get(id);
    if (known && Date.now() - known.at < FRESH_MS) return known.secrets;
    const secrets = this.#readSecrets(id).catch((error: unknown) => {
      this.#known.delete(id);
      throw error;
    });
    this.#known.set(id, { at: Date.now(), secrets });
    return secrets;
  }

  async #readSecrets(id: string): Promise<Secrets> {
    const { Parameter } = await this.#ssm.send(
      new GetParameterCommand({ Name: this.#parameter(id), WithDecryption: true }),
    );
    return secretsSchema.parse(JSON.parse(Parameter?.Value ?? ''));
  }
}

const newSecret = (): string => `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
