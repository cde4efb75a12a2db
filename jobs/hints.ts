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

/**
 * Replaces a hint by what `change` makes of it; leaves it where that is undefined. Where another writes meanwhile it
 * tries again, as often as is said. Never throws.
 */
export async function updateHint<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
  change: (before: z.infer<T> | undefined) => z.infer<T> | undefined | Promise<z.infer<T> | undefined>,
  tries = 1,
): Promise<void> {
  try {
    for (let left = tries; left > 0; left--) {
      // The version comes first: what is read after it may be newer, and then nothing is written.
      const etag = await store.etag(key);
      const after = await change(await readHint(store, key, schema));
      if (after === undefined) return;
      const headers = { contentType: 'application/json' };
      if ((await store.replace(key, toStoredJson(after), headers, etag)) === 'written') return;
    }
    log('info', 'hint-not-written', { key, reason: 'another was faster' });
  } catch (error) {
    log('warn', 'hint-not-written', { key, error: String(error) });
  }
}
