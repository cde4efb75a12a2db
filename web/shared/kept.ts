/**
 * What this browser keeps for us. Where a person lets sites keep nothing, `localStorage` can not even be looked at: then
 * it is kept for as long as the page is open.
 */

const memory = new Map<string, string>();

/** Does something with the storage; otherwise where there is none. */
function within<T>(work: (storage: Storage) => T, otherwise: () => T): T {
  try {
    return work(localStorage);
  } catch {
    return otherwise();
  }
}

export const kept = (key: string): string | undefined =>
  within(
    (storage) => storage.getItem(key) ?? undefined,
    () => memory.get(key),
  );

export const keep = (key: string, value: string): void =>
  within(
    (storage) => storage.setItem(key, value),
    () => void memory.set(key, value),
  );

export const unkeep = (key: string): void =>
  within(
    (storage) => storage.removeItem(key),
    () => void memory.delete(key),
  );
