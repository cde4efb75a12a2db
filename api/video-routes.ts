/** `/api/videos`: what there is, how far it is, and what its owner does with it. */
import { createRoute, z } from '@hono/zod-openapi';
import { announcePublished, deletedLive } from '../jobs/announcer.ts';
import { deleteVideo } from '../jobs/deletion.ts';
import { pageOfVideos } from '../jobs/index-pages.ts';
import type { VideoId } from '../jobs/names.ts';
import { republishDetails } from '../jobs/publish.ts';
import { RedriveError, reencode, retry, rollback } from '../jobs/redrive.ts';
import { type VideoStatus, videoStatus } from '../jobs/status.ts';
import { recordChanges } from '../jobs/visibility.ts';
import { costOf } from '../video/cost.ts';
import type { Prices } from '../video/prices.ts';
import { mayAll, type Principal, requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { withPlayback } from './playback.ts';
import { orProblem, type ProblemCode, ProblemError } from './problems.ts';
import { answer, body, idParam, newApp, refusals, refuse } from './routes.ts';
import {
  deletedSchema,
  listQuerySchema,
  patchVideoSchema,
  reencodeSchema,
  requeuedSchema,
  rollbackSchema,
  rolledBackSchema,
  type Video,
  videoSchema,
  videosSchema,
} from './schemas.ts';

const tags = ['Videos'];
const path = '/api/videos/{id}';

const list = createRoute({
  method: 'get',
  path: '/api/videos',
  summary: 'List videos, newest first',
  tags,
  request: { query: listQuerySchema },
  responses: { 200: answer('A page of videos.', videosSchema), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path,
  summary: 'Show a video',
  description: 'Needs no token where the video is not private.',
  tags,
  request: idParam,
  responses: { 200: answer('The video.', videoSchema), ...refusals('not-found') },
});

const patch = createRoute({
  method: 'patch',
  path,
  summary: 'Change title, visibility or metadata',
  tags,
  request: { ...idParam, ...body(patchVideoSchema) },
  responses: {
    200: answer('The video as it is now.', videoSchema),
    ...refusals('not-found', 'unsupported-media-type'),
  },
});

const remove = createRoute({
  method: 'delete',
  path,
  summary: 'Delete a video with everything that belongs to it',
  description:
    'Also while it is being encoded. Repeatable. 200 says that a listing found nothing left, nothing can come any more, and the edge refuses what caches hold; 202 that the platform goes on by itself.',
  tags,
  request: idParam,
  responses: {
    200: answer('Nothing is left.', deletedSchema),
    202: answer('It is being deleted.', deletedSchema),
    ...refusals('not-found'),
  },
});

const retryRoute = createRoute({
  method: 'post',
  path: `${path}/retry`,
  summary: 'Let a video that failed go on',
  description: 'What is made is kept, what is missing is queued.',
  tags,
  request: idParam,
  responses: { 200: answer('What will play.', requeuedSchema), ...refusals('not-found') },
});

const reencodeRoute = createRoute({
  method: 'post',
  path: `${path}/reencode`,
  summary: 'Encode a video anew',
  description: 'The present revision plays until the new one is whole.',
  tags,
  request: { ...idParam, ...body(reencodeSchema) },
  responses: {
    200: answer('What will play.', requeuedSchema),
    ...refusals('not-found', 'unsupported-media-type'),
  },
});

const rollbackRoute = createRoute({
  method: 'post',
  path: `${path}/rollback`,
  summary: 'Let an earlier revision play, at once',
  tags,
  request: { ...idParam, ...body(rollbackSchema) },
  responses: {
    200: answer('What plays.', rolledBackSchema),
    ...refusals('not-found', 'conflict', 'unsupported-media-type'),
  },
});

/** Milliseconds that a request deletes; what is left then is `mend`'s. */
const DELETE_MS = 15_000;

const nothing = (id: VideoId) => new ProblemError('not-found', `There is no video ${id}`);

/** What the encode that plays took, and what that costs. */
function spentOf({ spent, durationSeconds, sourceBytes }: VideoStatus, prices: Prices) {
  if (!spent) return {};
  const { bill, publishingAt: _, ...rest } = spent;
  const kept = durationSeconds !== undefined && { durationSeconds, bytes: spent.bytes, sourceBytes };
  return { spent: rest, ...(bill && kept && { cost: costOf(bill, kept, prices) }) };
}

const wireOf = (status: VideoStatus, prices: Prices): Video => {
  const { id, findings, spent, ...rest } = status;
  return {
    id,
    ...rest,
    ...spentOf(status, prices),
    metadata: { ...rest.metadata },
    ...(findings && { findings: [...findings] }),
  };
};

/** As a list shows it: hundreds of chapters each would make a page of videos too much for one answer. */
const listed = ({ chapters, ...rest }: VideoStatus, prices: Prices): Video => wireOf(rest, prices);

/** A video as somebody with the scope `read` sees it. */
const ownersView = (who: Principal, video: Video): Video => ({
  ...video,
  ...(mayAll(who.scopes, 'admin') && { mayChange: true }),
});

/** As much of a video as somebody may know. Throws a `ProblemError` where that is nothing. */
function viewFor(who: Principal | undefined, status: VideoStatus, prices: Prices): Video {
  if (who && mayAll(who.scopes, 'read')) return ownersView(who, wireOf(status, prices));
  if (status.visibility === 'private') throw nothing(status.id);
  const { visibility, metadata, sourceBytes, revision, spent, next, heldBy, ...seen } = status;
  return seen;
}

/** The video, as much of it as somebody may know. Throws a `ProblemError` where that is nothing. */
export async function requireVisible(
  context: ApiContext,
  who: Principal | undefined,
  id: VideoId,
): Promise<Video> {
  return viewFor(who, await requireStatus(context, id), context.prices);
}

async function requireStatus({ stores }: ApiContext, id: VideoId): Promise<VideoStatus> {
  const status = await videoStatus(stores, id);
  if (!status) throw nothing(id);
  return status;
}

const PROBLEM_OF: Readonly<Record<RedriveError['code'], ProblemCode>> = {
  'no-such-video': 'not-found',
  'no-such-revision': 'conflict',
  'nothing-to-roll-back-to': 'conflict',
  'revision-leaving': 'conflict',
};

/** Does what `redrive` does, with its refusals as problems. */
async function redriven<T>(work: Promise<T>): Promise<T> {
  try {
    return await orProblem(RedriveError, PROBLEM_OF, work);
  } catch (error) {
    if (error instanceof z.ZodError)
      refuse(
        'json',
        error.issues.map((issue) => ({ ...issue, path: ['settings', ...issue.path] })),
      );
    throw error;
  }
}

/** Adds the routes. */
export function videoRoutes(context: ApiContext) {
  return newApp()
    .openapi(list, async (c) => {
      const who = requireScope(c.get('who'), 'read');
      const { limit, cursor, state } = c.req.valid('query');
      const { videos, next } = await pageOfVideos(context.stores, { limit, after: cursor, state });
      const shown = videos.map((video) =>
        withPlayback(context, ownersView(who, listed(video, context.prices))),
      );
      return c.json(
        { videos: await Promise.all(shown), ...(next !== undefined && { nextCursor: next }) },
        200,
      );
    })
    .openapi(show, async (c) => {
      const video = await requireVisible(context, c.get('who'), c.req.valid('param').id);
      return c.json(await withPlayback(context, video), 200);
    })
    .openapi(patch, async (c) => {
      const who = requireScope(c.get('who'), 'admin');
      const { id } = c.req.valid('param');
      await requireStatus(context, id);
      await recordChanges(context.stores.uploads, context.edge, id, c.req.valid('json'));
      await republishDetails(context.stores, id);
      return c.json(await withPlayback(context, await requireVisible(context, who, id)), 200);
    })
    .openapi(remove, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = c.req.valid('param');
      const deletion = await deleteVideo(context, id, Date.now() + DELETE_MS);
      if (!deletion) throw nothing(id);
      context.announcer.announce(deletedLive(id));
      const { left, settled } = deletion;
      if (settled) return c.json({ id, state: 'deleted' as const, left }, 200);
      return c.json({ id, state: 'deleting' as const, left }, 202);
    })
    .openapi(retryRoute, async (c) => {
      requireScope(c.get('who'), 'admin');
      return c.json(await redriven(retry(context, c.req.valid('param').id)), 200);
    })
    .openapi(reencodeRoute, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { settings } = c.req.valid('json');
      return c.json(await redriven(reencode(context, c.req.valid('param').id, settings)), 200);
    })
    .openapi(rollbackRoute, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = c.req.valid('param');
      const playing = await redriven(rollback(context, id, c.req.valid('json').revision));
      announcePublished(context.announcer, context.stores, { video: id, ...playing });
      return c.json(playing, 200);
    });
}
