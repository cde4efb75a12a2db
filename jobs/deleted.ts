/** The mark of a deleted video, `deleted/<id>`: while it stands, nothing that comes late brings the video back. */
import { z } from 'zod';
import { deletedKey, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

const markSchema = z.object({
  /** ISO 8601. */
  at: z.iso.datetime(),
  /** The source of a dropped file, whose key does not name its video. */
  source: z.string().optional(),
  /** When its claim was made, which says where it stands in the index; absent of an upload that never became a video. */
  uploadedAt: z.string().optional(),
  /** Whether workers may have been busy with it. */
  busy: z.boolean(),
  /** It is private again where its file is dropped again. */
  private: z.boolean().default(false),
});
export type Mark = z.infer<typeof markSchema>;

export const readMark = (uploads: ObjectStore, video: VideoId): Promise<Mark | undefined> =>
  uploads.getJson(deletedKey(video), markSchema);

/** Whether a video was deleted and is not to come back. */
export async function isDeleted(uploads: ObjectStore, video: VideoId): Promise<boolean> {
  return uploads.exists(deletedKey(video));
}
