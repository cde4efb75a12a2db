/** `/api/videos/{id}/subtitles`: added to a video and taken away, without encoding anything again. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  addSubtitles,
  listSubtitles,
  removeSubtitles,
  type Subtitles,
  SubtitlesError,
} from '../jobs/subtitles.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { orProblem, type ProblemCode } from './problems.ts';
import { answer, idParam, newApp, refusals } from './routes.ts';
import { subtitlesListSchema, subtitlesQuerySchema, subtitlesSchema, trackIdSchema } from './schemas.ts';

const tags = ['Subtitles'];
const path = '/api/videos/{id}/subtitles';

const add = createRoute({
  method: 'post',
  path,
  summary: 'Add a subtitle file',
  description: 'SubRip, WebVTT or ASS in any usual encoding. It appears at once where the video plays.',
  tags,
  request: {
    ...idParam,
    query: subtitlesQuerySchema,
    body: {
      required: true,
      content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
    },
  },
  responses: {
    201: answer('What was added.', subtitlesSchema),
    ...refusals('not-found', 'conflict', 'too-large', 'unusable-file'),
  },
});

const list = createRoute({
  method: 'get',
  path,
  summary: 'List the subtitles that were added',
  tags,
  request: idParam,
  responses: {
    200: answer('In the order in which they were added.', subtitlesListSchema),
    ...refusals('not-found'),
  },
});

const remove = createRoute({
  method: 'delete',
  path: `${path}/{track}`,
  summary: 'Take added subtitles away',
  tags,
  request: { params: idParam.params.extend({ track: trackIdSchema }) },
  responses: { 200: answer('They are gone.', z.object({})), ...refusals('not-found') },
});

const PROBLEM_OF: Readonly<Record<SubtitlesError['code'], ProblemCode>> = {
  'no-such-video': 'not-found',
  'no-such-subtitles': 'not-found',
  'not-subtitles': 'unusable-file',
  'too-large': 'too-large',
  'too-many': 'conflict',
};

const told = <T>(work: Promise<T>): Promise<T> => orProblem(SubtitlesError, PROBLEM_OF, work);

/** Adds the routes. */
export function subtitleRoutes({ stores }: ApiContext) {
  return newApp()
    .openapi(add, async (c) => {
      requireScope(c.get('who'), 'admin');
      const bytes = new Uint8Array(await c.req.arrayBuffer());
      const { default: isDefault, ...said } = c.req.valid('query');
      const request = { ...said, default: isDefault === 'true' };
      const added: Subtitles = await told(addSubtitles(stores, c.req.valid('param').id, request, bytes));
      return c.json(added, 201);
    })
    .openapi(list, async (c) => {
      requireScope(c.get('who'), 'read');
      return c.json({ subtitles: await told(listSubtitles(stores, c.req.valid('param').id)) }, 200);
    })
    .openapi(remove, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id, track } = c.req.valid('param');
      await told(removeSubtitles(stores, id, track));
      return c.json({}, 200);
    });
}
