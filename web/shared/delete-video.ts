/** Deletes a video, if its owner means it. */
import type { Video } from '../../api/client/index.ts';
import { confirmed } from './dialogs.ts';
import { client } from './session.ts';

/** Asks first. Says whether the video is deleted. */
export async function deleteVideo({ id, title }: Pick<Video, 'id' | 'title'>): Promise<boolean> {
  const words = `“${title}” and everything made of it is removed for good.`;
  if (!(await confirmed({ heading: 'Delete this video?', words, yes: 'Delete' }))) return false;
  await client().deleteVideo(id);
  return true;
}
