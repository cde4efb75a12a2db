/** The pages, as a viewer meets them: an edge before an origin in memory, and videos in states as a test wants. */
import { asVideoId, videoKeys } from '../../jobs/names.ts';
import { type Answer, whole } from '../../local/edge/answer.ts';
import { startEdge } from '../../local/edge.ts';
import { hlsTree } from './hls-tree.ts';
import { BUCKET, type Origin, type StoredObject, startOrigin } from './origin.ts';

/** A video as the API shows it. */
export interface ListedVideo {
  readonly id: string;
  readonly state: 'queued' | 'encoding' | 'ready' | 'failed';
  readonly title: string;
  /** ISO 8601 */
  readonly uploadedAt: string;
  readonly percent: number;
  readonly durationSeconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly playbackUrl?: string;
  readonly chapters?: ReadonlyArray<{ readonly startSeconds: number; readonly title: string }>;
  readonly findings?: ReadonlyArray<{ readonly code: string; readonly text: string }>;
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface Site {
  readonly url: string;
  readonly origin: Origin;
  /** The stream, by key. */
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** What the API answers from now on, newest first. */
  videos: readonly ListedVideo[];
  close(): Promise<void>;
}

/** The video whose stream the site really has. */
export const PLAYABLE = asVideoId('p1ayab1e000000000000');

export const READY: ListedVideo = {
  id: PLAYABLE,
  state: 'ready',
  title: 'Test pattern with a tone.mp4',
  uploadedAt: '2025-03-14T15:09:26Z',
  percent: 100,
  durationSeconds: 8,
  width: 640,
  height: 360,
  playbackUrl: `/${videoKeys.master(PLAYABLE)}`,
};

/** What the API answers with: the page of all videos, or one of them. */
function apiAnswer(path: string, videos: readonly ListedVideo[]): Answer {
  const id = path.slice('/api/videos/'.length);
  const value = id === '' ? { videos } : videos.find((video) => video.id === id);
  return whole(value ? 200 : 404, { 'content-type': 'application/json' }, JSON.stringify(value ?? {}));
}

/** Starts a site that has the stream of `READY`. Needs ffmpeg. */
export async function startSite(): Promise<Site> {
  const objects = await hlsTree(videoKeys.root(PLAYABLE));
  const origin = await startOrigin(objects);
  const site: Site = {
    url: '',
    origin,
    objects,
    videos: [],
    async close() {
      await edge.close();
      await origin.close();
    },
  };
  const edge = await startEdge({
    port: 0,
    s3: origin.s3,
    bucket: BUCKET,
    api: async ({ url = '' }) => apiAnswer(url, site.videos),
    connect: [],
  });
  return Object.assign(site, { url: edge.url });
}
