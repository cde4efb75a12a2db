/** `/api/videos/{id}/poster`: a picture of the owner's own, without encoding anything again. */
import { createRoute, z } from '@hono/zod-openapi';
import { PosterError, setPoster, unsetPoster } from '../jobs/posters.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { orProblem, type ProblemCode } from './problems.ts';
import { idParam, newApp, refusals } from './routes.ts';

const tags = ['Videos'];
const path = '/api/videos/{id}/poster';

const put = createRoute({
  method: 'put',
  path,
  summary: 'Give a video a poster of your own',
  description: 'JPEG, PNG or WebP. It stays through re-encodes.',
  tags,
  request: {
    ...idParam,
    body: {
      required: true,
      content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
    },
  },
  responses: {
    204: { description: 'It is shown from now on.' },
    ...refusals('not-found', 'too-large', 'unusable-file'),
  },
});

const remove = createRoute({
  method: 'delete',
  path,
  summary: 'Go back to the poster that was chosen from the video',
  description: 'Repeatable.',
  tags,
  request: idParam,
  responses: { 204: { description: 'The chosen one is shown.' }, ...refusals('not-found') },
});

const PROBLEM_OF: Readonly<Record<PosterError['code'], ProblemCode>> = {
  'no-such-video': 'not-found',
  'not-a-picture': 'unusable-file',
  'too-large': 'too-large',
};

const told = <T>(work: Promise<T>): Promise<T> => orProblem(PosterError, PROBLEM_OF, work);

/** Adds the routes. */
export function posterRoutes({ stores }: ApiContext) {
  return newApp()
    .openapi(put, async (c) => {
      requireScope(c.get('who'), 'admin');
      const bytes = new Uint8Array(await c.req.arrayBuffer());
      await told(setPoster(stores, c.req.valid('param').id, bytes));
      return c.body(null, 204);
    })
    .openapi(remove, async (c) => {
      requireScope(c.get('who'), 'admin');
      await told(unsetPoster(stores, c.req.valid('param').id));
      return c.body(null, 204);
    });
}
