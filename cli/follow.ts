/** Follows a video until it is ready or has failed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpotreelClient, Video } from '../api/client/index.ts';
import { EncodeProgress, type ProgressLines } from './progress.ts';
import { watchUrl } from './remote.ts';

/** Milliseconds between two looks. */
const LOOK_EVERY_MS = 2000;

/** What is being made of a video: the encode that will take the place of the one that plays, if there is one. */
const inTheMaking = (video: Video): Video => (video.next ? { ...video, ...video.next } : video);

/**
 * Follows a video to its end.
 * @param onChange hears of each change, the last one included
 */
export async function follow(
  client: SpotreelClient,
  id: string,
  onChange: (video: Video) => void,
): Promise<Video> {
  for (let told = ''; ; await sleep(LOOK_EVERY_MS)) {
    const video = inTheMaking(await client.showVideo(id));
    const text = JSON.stringify(video);
    if (text !== told) onChange(video);
    told = text;
    if (video.state === 'ready' || video.state === 'failed') return video;
  }
}

/** Follows a video on a line of the screen. */
export function followOnLine(
  client: SpotreelClient,
  id: string,
  lines: ProgressLines,
  platform: string,
): Promise<Video> {
  const progress = new EncodeProgress();
  return follow(client, id, (video) => {
    const urls = { watchUrl: watchUrl(platform, id), playbackUrl: `${platform}${video.playbackUrl ?? ''}` };
    const stage = `${video.state} ${video.percent}`;
    lines.set(id, progress.textOf(video, Date.now() / 1000, urls), stage);
  });
}
