/** Hears how videos fare. Loaded after the page, for it is as large as all of its other scripts. */
import type { SpotreelClient } from '../api/client/index.ts';
import type { Following, FollowOptions, LiveVideo } from '../api/client/live.ts';

/** Follows one video, or all of them, as long as the page is open. */
export async function followVideos(client: SpotreelClient, options: FollowOptions): Promise<Following> {
  const { follow } = await import('../api/client/live.ts');
  return follow(client, options);
}

/** Whether a page has to ask the API what is new: a message tells of progress, and only the API of all the rest. */
export const isTurn = (before: LiveVideo | undefined, now: LiveVideo): boolean =>
  before?.state !== now.state ||
  before.playbackUrl !== now.playbackUrl ||
  before.next?.state !== now.next?.state;
