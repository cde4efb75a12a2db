/** The pages, as a viewer meets them: an edge before an origin in memory, and videos in states as a test wants. */
import type { Live } from '../../jobs/live-message.ts';
import { asVideoId, videoKeys } from '../../jobs/names.ts';
import { type Answer, whole } from '../../local/edge/answer.ts';
import { startEdge } from '../../local/edge.ts';
import { hlsTree } from './hls-tree.ts';
import { type LiveBroker, startLiveBroker } from './live-broker.ts';
import { BUCKET, type Origin, openStore, type StoredObject, startOrigin } from './origin.ts';

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
  readonly early?: true;
  readonly chapters?: ReadonlyArray<{
    readonly startSeconds: number;
    readonly endSeconds: number;
    readonly title: string;
  }>;
  readonly findings?: ReadonlyArray<{ readonly code: string; readonly text: string }>;
  /** Told to whoever may change it. */
  readonly mayChange?: true;
  /** Told to the owner alone. */
  readonly visibility?: 'public' | 'unlisted' | 'private';
  readonly spent?: {
    readonly tasks: number;
    readonly cpuSeconds: number;
    readonly bytes: number;
    readonly startedAt: string;
    readonly finishedAt: string;
    readonly machines: number;
  };
  readonly heldBy?: 'daily' | 'monthly';
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface Site {
  readonly url: string;
  readonly origin: Origin;
  /** The stream, by key. */
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** The broker's address, for who looks at what the pages ask. */
  readonly broker: LiveBroker;
  /** What the API answers, newest first. */
  readonly videos: readonly ListedVideo[];
  /** Changes what the API answers, and tells who follows. */
  show(...videos: ListedVideo[]): Promise<void>;
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

/** The message that goes with a video. */
const liveOf = ({ id, state, percent, playbackUrl, failure }: ListedVideo): Live => ({
  id,
  state,
  percent,
  findings: [],
  ...(playbackUrl !== undefined && { playbackUrl }),
  ...(failure && { failure }),
});

const json = (status: number, value: object): Answer =>
  whole(status, { 'content-type': 'application/json' }, JSON.stringify(value));

/** What the API answers with: the list of all videos, one of them, or how to follow them. */
function apiAnswer(url: URL, { videos, broker }: Site): Answer {
  if (url.pathname === '/api/live')
    return json(200, broker.access(url.searchParams.get('video') ?? undefined));
  if (url.pathname === '/api/videos') return json(200, { videos });
  const video = videos.find(({ id }) => id === url.pathname.split('/')[3]);
  if (!video)
    return json(404, { type: '#not-found', title: '', status: 404, detail: 'There is no such video' });
  return json(200, url.pathname.endsWith('/subtitles') ? { subtitles: [] } : video);
}

/** Starts a site that has the stream of `READY`. Needs ffmpeg. */
export async function startSite(): Promise<Site> {
  const objects = await hlsTree(videoKeys.root(PLAYABLE));
  const origin = await startOrigin(objects);
  const broker = await startLiveBroker();
  let videos: readonly ListedVideo[] = [];
  const site: Site = {
    url: '',
    origin,
    objects,
    broker,
    get videos() {
      return videos;
    },
    async show(...shown) {
      const gone = videos.filter(({ id }) => !shown.some((video) => video.id === id));
      videos = shown;
      for (const { id } of gone) await broker.publish({ id, state: 'deleted', percent: 0, findings: [] });
      for (const video of shown) await broker.publish(liveOf(video));
    },
    async close() {
      await edge.close();
      await broker.close();
      await origin.close();
    },
  };
  const edge = await startEdge({
    port: 0,
    s3: origin.s3,
    bucket: BUCKET,
    api: async ({ url = '' }) => apiAnswer(new URL(url, 'http://site'), site),
    store: openStore,
    connect: [broker.url],
  });
  return Object.defineProperty(site, 'url', { value: edge.url });
}
