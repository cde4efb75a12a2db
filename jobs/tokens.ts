/**
 * API tokens, and the secret that signs upload tokens, in SSM's Parameter Store: `<prefix>/tokens/<hash>` and
 * `<prefix>/upload-token-secret`. Of a token only its SHA-256 is kept; it has 256 random bits, so that is no easier to
 * turn back than to guess.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  paginateGetParametersByPath,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { deleteParameter } from './parameters.ts';

export const scopeSchema = z.enum(['admin', 'upload', 'read']);
export type Scope = z.infer<typeof scopeSchema>;

const keptSchema = z.object({
  name: z.string(),
  scopes: z.array(scopeSchema),
  /** ISO 8601. */
  createdAt: z.string(),
  /** The last four characters, by which its owner tells it from others. */
  lastChars: z.string(),
});

/** A token as it is kept. */
export interface Token extends z.infer<typeof keptSchema> {
  /** The first 12 digits of its hash. */
  readonly id: string;
}

/** What all tokens begin with, so that they are known where they leak. */
export const TOKEN_PREFIX = 'spr_';

const ID_LENGTH = 12;

/** Milliseconds for which a list is good: a revoked token works so much longer, at most. */
const FRESH_MS = 60_000;
/** Milliseconds within which tokens that are not known are not looked up again: guessing must not cost requests. */
const MISS_MS = 5000;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export class Tokens {
  readonly #ssm: SSMClient;
  readonly #prefix: string;
  #known: { readonly at: number; readonly tokens: ReadonlyMap<string, Token> } | undefined;
  #secret: Promise<Uint8Array> | undefined;

  /** @param prefix `/spotreel/<platform>` */
  constructor(ssm: SSMClient, prefix: string) {
    this.#ssm = ssm;
    this.#prefix = prefix;
  }

  /** Makes a token. It is told this once; elsewhere it works within seconds. */
  async create(name: string, scopes: readonly Scope[]): Promise<Token & { readonly token: string }> {
    const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
    const hash = hashOf(token);
    const kept: z.infer<typeof keptSchema> = {
      name,
      scopes: [...scopes],
      createdAt: new Date().toISOString(),
      lastChars: token.slice(-4),
    };
    const Name = `${this.#prefix}/tokens/${hash}`;
    await this.#ssm.send(new PutParameterCommand({ Name, Type: 'String', Value: JSON.stringify(kept) }));
    this.#known = undefined;
    return { id: hash.slice(0, ID_LENGTH), ...kept, token };
  }

  /** Every token, oldest first. */
  async list(): Promise<Token[]> {
    return [...(await this.#read()).values()].toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** Ends a token; it may work for another minute. Says whether there was one. */
  async revoke(id: string): Promise<boolean> {
    const hash = [...(await this.#read()).keys()].find((known) => known.startsWith(id));
    if (hash === undefined) return false;
    await deleteParameter(this.#ssm, `${this.#prefix}/tokens/${hash}`);
    this.#known = undefined;
    return true;
  }

  /** The token that this text is; undefined where it is none, or is revoked. */
  async find(text: string): Promise<Token | undefined> {
    const hash = hashOf(text);
    const age = this.#known ? Date.now() - this.#known.at : Number.POSITIVE_INFINITY;
    const known = age < FRESH_MS ? this.#known?.tokens.get(hash) : undefined;
    if (known || age < MISS_MS) return known;
    return (await this.#read()).get(hash);
  }

  /** The secret that signs upload tokens; made by whoever needs it first. */
  secret(): Promise<Uint8Array> {
    this.#secret ??= this.#readSecret().catch((error: unknown) => {
      this.#secret = undefined;
      throw error;
    });
    return this.#secret;
  }

  async #read(): Promise<ReadonlyMap<string, Token>> {
    const tokens = new Map<string, Token>();
    const path = `${this.#prefix}/tokens/`;
    for await (const { Parameters = [] } of paginateGetParametersByPath(
      { client: this.#ssm },
      { Path: path },
    ))
      for (const { Name = '', Value = '' } of Parameters) {
        const hash = Name.slice(path.length);
        tokens.set(hash, { id: hash.slice(0, ID_LENGTH), ...keptSchema.parse(JSON.parse(Value)) });
      }
    this.#known = { at: Date.now(), tokens };
    return tokens;
  }

  async #readSecret(): Promise<Uint8Array> {
    const Name = `${this.#prefix}/upload-token-secret`;
    const read = async () => {
      const { Parameter } = await this.#ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
      return Buffer.from(Parameter?.Value ?? '', 'base64');
    };
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ParameterNotFound)) throw error;
    }
    const Value = randomBytes(32).toString('base64');
    try {
      await this.#ssm.send(new PutParameterCommand({ Name, Type: 'SecureString', Value }));
    } catch (error) {
      if (!(error instanceof ParameterAlreadyExists)) throw error; // another one was first
    }
    return read();
  }
}
