/** Lists of what was stored: one object that can not be read must not take the others with it. */
import { log } from './log.ts';
import { UnreadableObjectError } from './store.ts';

/** What is read; `unreadable` where an object does not hold what it should, which the log tells under `event`. */
export async function unlessUnreadable<T>(
  event: string,
  fields: Readonly<Record<string, string>>,
  read: () => Promise<T>,
): Promise<T | 'unreadable'> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnreadableObjectError)) throw error;
    log('error', event, { ...fields, error: error.message });
    return 'unreadable';
  }
}
