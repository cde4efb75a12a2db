/**
 * Marks of revisions that were replaced, `old/<id>/<revision>`: written by who asks for another, read by `old-revisions.ts`.
 * Each says `old` or `leaving`, and when: so that no two are the same, and a listing tells them apart by their size.
 */
import type { Encode } from './messages.ts';
import { oldKey } from './names.ts';
import type { ListedObject, ObjectStore } from './store.ts';

type Word = 'old' | 'leaving';

const textOf = (word: Word): string => `${word} ${new Date().toISOString()}\n`;

const write = (uploads: ObjectStore, { video, revision }: Encode, word: Word): Promise<void> =>
  uploads.put(oldKey(video, revision), textOf(word), { contentType: 'text/plain' });

/** Says that a revision is replaced from now on. */
export const markOld = (uploads: ObjectStore, encode: Encode): Promise<void> => write(uploads, encode, 'old');

/** Says that a revision is about to be deleted. */
export const markLeaving = (uploads: ObjectStore, encode: Encode): Promise<void> =>
  write(uploads, encode, 'leaving');

/** Whether a revision is about to be deleted, so that it can not be asked for. */
export async function isLeaving(uploads: ObjectStore, { video, revision }: Encode): Promise<boolean> {
  return (await uploads.getText(oldKey(video, revision)))?.startsWith('leaving ') ?? false;
}

/** Whether a mark says so, by its line in a listing. */
export const isOfLeaving = ({ size }: ListedObject): boolean => size === textOf('leaving').length;
