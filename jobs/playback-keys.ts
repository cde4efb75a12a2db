/**
 * The keys that sign playback tokens: two at most, newest first, in SSM's Parameter Store as `<prefix>/playback-keys`. The edge has
 * them by their ids in the key-value store, so that tokens of the key before stay good when a new one is made. A third is one that
 * ends: it is deleted at the edge before the parameter forgets it.
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
import { RefusedError } from './refused.ts';

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

/**
 * Milliseconds between two keys. Whoever read the keys just before one was made signs by the one before for `FRESH_MS`; that must not
 * end meanwhile.
 */
const BETWEEN_MS = 5 * 60_000;
/** Keys that are good at a time. */
const GOOD_KEYS = 2;

/** A new key that can not be made as things are. */
export class PlaybackKeysError extends RefusedError<'too-soon' | 'at-once'> {
  override readonly name = 'PlaybackKeysError';
}

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

  /**
   * Makes a new key, beside which the last one stays good; tokens of any before end. Returns its id.
   * @throws a `PlaybackKeysError` where the last one is too young, or another is made at the same moment
   */
  async rotate(): Promise<string> {
    const before = await this.#endOld((await this.#read()) ?? []);
    refuseSoon(before);
    const key = newKey();
    await this.#store.update({ [nameOf(key.id)]: key.secret });
    await this.#write([key, ...before], true);
    this.#know(await this.#endOld([key, ...before]));
    const [newest] = (await this.#read()) ?? [];
    if (newest?.id === key.id) return key.id;
    await this.#store.update({ [nameOf(key.id)]: undefined });
    this.#known = undefined;
    throw new PlaybackKeysError('at-once', `Another made the key ${newest?.id} at the same moment.`);
  }

  /** Ends all keys but the newest two: at the edge first, so that one that is left there is still known here. */
  async #endOld(keys: Keys): Promise<Keys> {
    const ended = keys.slice(GOOD_KEYS);
    if (ended.length === 0) return keys;
    await this.#store.update(Object.fromEntries(ended.map(({ id }) => [nameOf(id), undefined])));
    const good = keys.slice(0, GOOD_KEYS);
    await this.#write(good, true);
    return good;
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

function refuseSoon([last]: Keys): void {
  const wait = last ? last.madeAt + BETWEEN_MS - Date.now() : 0;
  if (!last || wait <= 0) return;
  const at = new Date(last.madeAt).toISOString();
  const seconds = Math.ceil(wait / 1000);
  throw new PlaybackKeysError(
    'too-soon',
    `The last key was made at ${at}, and is not known everywhere yet: try again in ${seconds} seconds.`,
  );
}
