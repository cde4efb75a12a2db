/** Marks of revisions that were replaced, `old/<id>/<revision>`: written by who asks for another, read by `old-revisions.ts`. */
import { z } from 'zod';
import type { Encode } from './messages.ts';
import { oldKey } from './names.ts';
import type { ObjectStore } from './store.ts';

const markSchema = z.object({ leaving: z.boolean() });
type Mark = z.infer<typeof markSchema>;

const write = (uploads: ObjectStore, { video, revision }: Encode, mark: Mark): Promise<void> =>
  uploads.putJson(oldKey(video, revision), mark);

/** Says that a revision is replaced from now on. */
export const markOld = (uploads: ObjectStore, encode: Encode): Promise<void> =>
  write(uploads, encode, { leaving: false });

/** Says that a revision is about to be deleted. */
export const markLeaving = (uploads: ObjectStore, encode: Encode): Promise<void> =>
  write(uploads, encode, { leaving: true });

/** Whether a revision is about to be deleted, so that it can not be asked for. */
export async function isLeaving(uploads: ObjectStore, { video, revision }: Encode): Promise<boolean> {
  return (await uploads.getJson(oldKey(video, revision), markSchema))?.leaving ?? false;
}
