/** `/api/videos/{id}/trace`: what an encode did, and what it waited for. */
import { createRoute, z } from '@hono/zod-openapi';
import { readTrace } from '../jobs/trace.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { ProblemError } from './problems.ts';
import { answer, idParam, newApp, refusals } from './routes.ts';
import { revisionSchema, traceSchema } from './schemas.ts';

const show = createRoute({
  method: 'get',
  path: '/api/videos/{id}/trace',
  summary: 'Show what an encode did from upload to publish, and what it waited for',
  description: 'Of the encode that was asked for last, unless another is named.',
  tags: ['Videos'],
  request: { ...idParam, query: z.object({ revision: revisionSchema.optional() }) },
  responses: { 200: answer('The trace.', traceSchema), ...refusals('not-found') },
});

/** Adds the route. */
export function traceRoutes({ stores: { uploads } }: ApiContext) {
  return newApp().openapi(show, async (c) => {
    requireScope(c.get('who'), 'read');
    const { id } = c.req.valid('param');
    const { revision } = c.req.valid('query');
    const trace = await readTrace(uploads, id, revision);
    if (!trace)
      throw new ProblemError(
        'not-found',
        `There is no encode ${revision === undefined ? '' : `${revision} `}of ${id}`,
      );
    return c.json(trace, 200);
  });
}
