/** `/api/...`: what the pages ask for. The answers' content comes from whoever starts the edge. */
import { isVideoId, type VideoId } from '../../jobs/names.ts';
import { type Answer, whole } from './answer.ts';

export interface EdgeApi {
  /** The answer to `/api/videos`: `{ videos: [...] }`, newest first. */
  listVideos(): Promise<unknown>;
  /** The answer to `/api/videos/<id>`; `undefined` where there is no such video. */
  showVideo(id: VideoId): Promise<unknown>;
}

const json = (status: number, value: unknown) =>
  whole(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }, JSON.stringify(value));

/** Answers a path below `/api/`. */
export async function apiAnswer(path: string, api: EdgeApi): Promise<Answer> {
  if (path === '/api/videos') return json(200, await api.listVideos());
  const id = /^\/api\/videos\/([^/]+)$/.exec(path)?.[1];
  const video = id !== undefined && isVideoId(id) ? await api.showVideo(id) : undefined;
  return video === undefined ? json(404, { error: `There is nothing at ${path}` }) : json(200, video);
}
