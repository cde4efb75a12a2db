/** The addresses of a private video, for who may see it. */
import { type PlaybackGrant, signPlayback, withToken } from '../jobs/playback-tokens.ts';
import type { ApiContext } from './context.ts';
import type { Video } from './schemas.ts';

/** Seconds that the addresses of an answer are good for, at least: longer than anybody watches. */
const VIEW_SECONDS = 12 * 3600;
/** Seconds within which they stay the same, so that what a browser keeps of a video is good for the next look. */
const SAME_SECONDS = 3600;

/** Makes a token, and the second since 1970 at which it ends. */
export async function playbackToken(
  { playbackKeys }: Pick<ApiContext, 'playbackKeys'>,
  grant: PlaybackGrant,
): Promise<{ token: string; expiresAt: string }> {
  const token = signPlayback(await playbackKeys.current(), grant);
  return { token, expiresAt: new Date(grant.expires * 1000).toISOString() };
}

/** A video as it is shown to somebody: a private one with addresses that play. */
export async function withPlayback(context: Pick<ApiContext, 'playbackKeys'>, video: Video): Promise<Video> {
  const { id, visibility, playbackUrl, poster } = video;
  if (visibility !== 'private' || (playbackUrl === undefined && poster === undefined)) return video;
  const hour = Math.ceil(Date.now() / 1000 / SAME_SECONDS) * SAME_SECONDS;
  const { token } = await playbackToken(context, { video: id, expires: hour + VIEW_SECONDS });
  return {
    ...video,
    ...(playbackUrl !== undefined && { playbackUrl: withToken(token, playbackUrl) }),
    ...(poster !== undefined && { poster: withToken(token, poster) }),
  };
}
