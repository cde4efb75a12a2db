/**
 * Hints: small objects that make a guess better. Nothing depends on them, so one that cannot be read counts as absent
 * and one that cannot be written, or that another writes at the same moment, stays as it is.
 */
import type { z } from 'zod';
import { log } from './log.ts';
import { type ObjectStore, toStoredJson } from './store.ts';

/** What a hint says; undefined where there is none that can be read. */
export async function readHint<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<z.infer<T> | undefined> {
  try {
    return await store.getJson(key, schema);
  } catch (error) {
    log('warn', 'hint-not-read', { key, error: String(error) });
    return undefined;
  }
}

/** Replaces a hint by what `change` makes of it, unless another does so meanwhile. Never throws. */
export async function updateHint<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
  change: (before: z.infer<T> | undefined) => z.infer<T>,
): Promise<void> {
  try {
    // The version comes first: what is read after it may be newer, and then nothing is written.
    const etag = await store.etag(key);
    const after = change(await readHint(store, key, schema));
    const result = await store.replace(key, toStoredJson(after), { contentType: 'application/json' }, etag);
    if (result === 'changed') log('info', 'hint-not-written', { key, reason: 'another was faster' });
  } catch (error) {
    log('warn', 'hint-not-written', { key, error: String(error) });
  }
}
