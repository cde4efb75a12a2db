/** Videos by time, a page at a time: read from the index, so that a page costs the same among ten videos or a million. */
import { listedStatus } from './listed-status.ts';
import { INDEX_PREFIX, type VideoId, videoOfIndexKey } from './names.ts';
import type { Stores } from './publish.ts';
import type { VideoState, VideoStatus } from './status.ts';

/** Videos whose status is read at once: each takes about eight requests. */
const READ_AT_ONCE = 10;

/** Videos that a page looks at, at most, for those in the state that is asked for. */
const LOOKED_AT = 200;

export interface PageQuery {
  /** Videos of a page, at most. */
  readonly limit: number;
  /** Where the page before this one ended. */
  readonly after?: string | undefined;
  readonly state?: VideoState | undefined;
}

export interface VideoPage {
  readonly videos: readonly VideoStatus[];
  /** Where this page ended; none where there are no more videos. */
  readonly next?: string;
}

interface Entry {
  readonly key: string;
  readonly id: VideoId;
}

/**
 * A page of videos, newest first. Those that come while somebody turns the pages come before them and move nothing. With
 * a state a page may hold fewer than `limit`, and even none, though more follow.
 * @param query `after` is a `next` of an earlier page
 */
export async function pageOfVideos(stores: Stores, { limit, after, state }: PageQuery): Promise<VideoPage> {
  const videos: VideoStatus[] = [];
  const entries = entriesAfter(stores, after);
  let next: string | undefined;
  for (let seen = 0; ; ) {
    const wanted = limit - videos.length;
    if (wanted === 0 || seen >= LOOKED_AT) {
      const more = !(await entries.next()).done;
      return { videos, ...(more && next !== undefined && { next }) };
    }
    const batch = await take(entries, Math.min(wanted, READ_AT_ONCE));
    if (batch.length === 0) return { videos };
    const statuses = await Promise.all(batch.map(({ id }) => listedStatus(stores, id)));
    for (const status of statuses)
      if (status && (state === undefined || status.state === state)) videos.push(status);
    seen += batch.length;
    next = batch.at(-1)?.key.slice(INDEX_PREFIX.length);
  }
}

async function* entriesAfter({ uploads }: Stores, after: string | undefined): AsyncGenerator<Entry> {
  const start = after === undefined ? undefined : `${INDEX_PREFIX}${after}`;
  for await (const { key } of uploads.list(INDEX_PREFIX, start)) {
    const id = videoOfIndexKey(key);
    if (id) yield { key, id };
  }
}

async function take(entries: AsyncGenerator<Entry>, count: number): Promise<Entry[]> {
  const taken: Entry[] = [];
  while (taken.length < count) {
    const { value, done } = await entries.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}
