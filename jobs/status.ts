/** Where a video stands, read from its objects: what pages, API and command line show. */
import type { Finding } from '../video/plan.ts';
import { durationOf, type Plan } from '../video/plan.ts';
import { claimSchema } from './claim.ts';
import { failedSchema } from './failed.ts';
import { asVideoId, JOBS_PREFIX, jobKeys, type VideoId, videoKeys } from './names.ts';
import { doneTasks, mediaTasks, readPlan, taskName } from './progress.ts';
import type { ObjectStore } from './store.ts';

export type VideoState = 'queued' | 'encoding' | 'ready' | 'failed';

export interface VideoStatus {
  readonly id: VideoId;
  readonly state: VideoState;
  /** The file's name, or the id. */
  readonly title: string;
  /** ISO 8601. */
  readonly uploadedAt: string;
  /** 0 to 100, of the media made. */
  readonly percent: number;
  /** Seconds of the finished video that are encoded in every rung. */
  readonly encodedSeconds?: number;
  readonly durationSeconds?: number;
  /** Of the highest rung, in pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Path of the multivariant playlist below the playback domain. */
  readonly playbackUrl?: string;
  readonly findings?: readonly Finding[];
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface Stores {
  readonly uploads: ObjectStore;
  readonly production: ObjectStore;
}

/** Frames of the chunks that are done. */
async function encodedFrames({ uploads }: Stores, id: VideoId, plan: Plan): Promise<number> {
  const done = await doneTasks(uploads, id, plan);
  const frames = mediaTasks(id, plan).map((task) => {
    const chunk = task.kind === 'chunk' ? plan.chunks[task.index] : undefined;
    return chunk && done.has(taskName(task)) ? chunk.to - chunk.from : 0;
  });
  return frames.reduce((sum, count) => sum + count, 0);
}

/** A video's status; undefined where no upload of that id was ever claimed. */
export async function videoStatus(stores: Stores, id: VideoId): Promise<VideoStatus | undefined> {
  const [claim, failure, plan, published] = await Promise.all([
    stores.uploads.getJson(jobKeys.claim(id), claimSchema),
    stores.uploads.getJson(jobKeys.failed(id), failedSchema),
    readPlan(stores.uploads, id),
    stores.production.exists(videoKeys.master(id)),
  ]);
  if (!claim) return undefined;
  const known = { id, title: claim.fileName ?? id, uploadedAt: claim.uploadedAt };
  if (failure && !published) return { ...known, state: 'failed', percent: 0, failure };
  if (!plan) return { ...known, state: 'queued', percent: 0 };
  const [highest] = plan.rungs;
  const planned = {
    durationSeconds: durationOf(plan),
    ...(highest && { width: highest.width, height: highest.height }),
    findings: plan.findings,
  };
  if (published) {
    const playbackUrl = `/${videoKeys.master(id)}`;
    return {
      ...known,
      ...planned,
      state: 'ready',
      percent: 100,
      encodedSeconds: durationOf(plan),
      playbackUrl,
    };
  }
  const frames = await encodedFrames(stores, id, plan);
  return {
    ...known,
    ...planned,
    state: 'encoding',
    // The last percent is publishing.
    percent: Math.floor((99 * frames) / plan.frames),
    encodedSeconds: durationOf({ frames, rate: plan.rate }),
  };
}

/** Every video, newest first. */
export async function listVideos(stores: Stores): Promise<VideoStatus[]> {
  const videos: VideoStatus[] = [];
  for await (const prefix of stores.uploads.listPrefixes(JOBS_PREFIX)) {
    const video = await videoStatus(stores, asVideoId(prefix.slice(JOBS_PREFIX.length, -1)));
    if (video) videos.push(video);
  }
  return videos.toSorted((a, b) => b.uploadedAt.localeCompare(a.uploadedAt));
}
