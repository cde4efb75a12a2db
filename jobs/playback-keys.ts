/**
 * The keys that sign playback tokens: two at most, newest first, in SSM's Parameter Store as `<prefix>/playback-keys`. The edge has
 * them by their ids in the key-value store, so that tokens of the key before stay good when a new one is made.
 */
import { randomBytes } from 'node:crypto';
import {
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { z } from 'zod';
import type { KeyValueStore } from './key-value-store.ts';
import type { PlaybackKey } from './playback-tokens.ts';

const keysSchema = z
  .array(
    z.object({
      id: z.string(),
      secret: z.string(),
      /** Milliseconds since 1970. */
      madeAt: z.number(),
    }),
  )
  .min(1);
type Keys = z.infer<typeof keysSchema>;

/** Milliseconds for which what was read is good. */
const FRESH_MS = 60_000;
/** Milliseconds after which every edge knows a new key; until then the one before signs. */
const KNOWN_MS = 60_000;

const nameOf = (id: string): string => `key-${id}`;

const newKey = (): Keys[number] => ({
  id: randomBytes(4).toString('hex'),
  secret: randomBytes(32).toString('base64url'),
  madeAt: Date.now(),
});

export class PlaybackKeys {
  readonly #ssm: SSMClient;
  readonly #name: string;
  readonly #store: KeyValueStore;
  #known: { readonly at: number; readonly keys: Keys } | undefined;

  /** @param prefix `/spotreel/<platform>` */
  constructor(ssm: SSMClient, prefix: string, store: KeyValueStore) {
    this.#ssm = ssm;
    this.#name = `${prefix}/playback-keys`;
    this.#store = store;
  }

  /** The key to sign with; the first is made by whoever needs it first. */
  async current(): Promise<PlaybackKey> {
    const now = Date.now();
    if (!this.#known || now - this.#known.at > FRESH_MS)
      this.#know((await this.#read()) ?? (await this.#make()));
    const { keys } = this.#known ?? { keys: [] };
    const key = keys.find(({ madeAt }) => now - madeAt > KNOWN_MS) ?? keys[0];
    if (!key) throw new Error(`${this.#name} holds no key`); // the schema asks for one
    return key;
  }

  /** Makes a new key, beside which the last one stays good; tokens of any before end. Returns its id. */
  async rotate(): Promise<string> {
    const [last, ...older] = (await this.#read()) ?? [];
    const key = newKey();
    const gone = older.map(({ id }) => [nameOf(id), undefined]);
    await this.#store.update({ ...Object.fromEntries(gone), [nameOf(key.id)]: key.secret });
    const keys = last ? [key, last] : [key];
    await this.#write(keys, true);
    this.#know(keys);
    return key.id;
  }

  #know(keys: Keys): void {
    this.#known = { at: Date.now(), keys };
  }

  async #read(): Promise<Keys | undefined> {
    const command = new GetParameterCommand({ Name: this.#name, WithDecryption: true });
    try {
      const { Parameter } = await this.#ssm.send(command);
      return keysSchema.parse(JSON.parse(Parameter?.Value ?? ''));
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  }

  /** Makes the first key, unless another was first. The edge has it before anybody signs with it. */
  async #make(): Promise<Keys> {
    const key = newKey();
    await this.#store.update({ [nameOf(key.id)]: key.secret });
    try {
      await this.#write([key], false);
      return [key];
    } catch (error) {
      const keys = error instanceof ParameterAlreadyExists ? await this.#read() : undefined;
      if (!keys) throw error;
      await this.#store.update({ [nameOf(key.id)]: undefined });
      return keys;
    }
  }

  async #write(keys: Keys, Overwrite: boolean): Promise<void> {
    const Value = JSON.stringify(keys);
    const input = { Name: this.#name, Type: 'SecureString', Value, Overwrite } as const;
    await this.#ssm.send(new PutParameterCommand(input));
  }
}
