/** Follows a video until it is ready or has failed: told by the platform as things happen. */
import type { SpotreelClient, Video } from '../api/client/index.ts';
import { follow as followLive, hasEnded, type Live } from '../api/client/live.ts';
import { EncodeProgress, type ProgressLines, type Shown } from './progress.ts';
import { watchUrl } from './remote.ts';

/** Milliseconds without a word from the platform after which it is taken to be gone: a restart takes less. */
const PATIENCE_MS = 120_000;

/** What is being made of a video: the encode that will take the place of the one that plays, if there is one. */
const inTheMaking = (video: Video): Video => (video.next ? { ...video, ...video.next } : video);

/**
 * Follows a video to its end.
 * @param onChange hears of each change
 * @returns the video as the API shows it then
 * @throws `ApiError` where there is no such video, or it is deleted meanwhile
 * @throws `ConnectionError` where the platform does not answer, or no longer
 */
export async function follow(
  client: SpotreelClient,
  id: string,
  onChange: (live: Live & { title: string }) => void,
): Promise<Video> {
  const { title } = await client.showVideo(id);
  const { promise, resolve, reject } = Promise.withResolvers<Video>();
  // The end may be that of an encode before: the API is the truth.
  const settle = async () => {
    const video = inTheMaking(await client.showVideo(id));
    if (hasEnded(video)) resolve(video);
  };
  const following = followLive(client, {
    video: id,
    patience: PATIENCE_MS,
    onRefused: reject,
    onState: ({ next, ...playing }) => {
      const live = next ?? playing;
      onChange({ ...live, title });
      if (hasEnded(live)) settle().catch(reject);
    },
  });
  return promise.finally(() => following.close());
}

/** Follows a video on a line of the screen. */
export async function followOnLine(
  client: SpotreelClient,
  id: string,
  lines: ProgressLines,
  platform: string,
): Promise<Video> {
  const progress = new EncodeProgress();
  const textOf = (video: Shown & { readonly playbackUrl?: string | undefined }) =>
    progress.textOf(video, Date.now() / 1000, {
      watchUrl: watchUrl(platform, id),
      playbackUrl: `${platform}${video.playbackUrl ?? ''}`,
    });
  const video = await follow(client, id, (live) =>
    lines.set(id, textOf(live), `${live.state} ${Math.floor(live.percent)}`),
  );
  lines.finish(id, textOf(video));
  return video;
}
