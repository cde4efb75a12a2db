/** `/api/spending`: what machines cost, and what may be spent. */
import { createRoute } from '@hono/zod-openapi';
import { readSpending, resumeSpending, type Spending } from '../jobs/spending.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { answer, newApp, refusals } from './routes.ts';
import { type SpendingAnswer, spendingSchema } from './schemas.ts';

const tags = ['Spending'];

const show = createRoute({
  method: 'get',
  path: '/api/spending',
  summary: 'Show what machines cost, and what they may',
  tags,
  responses: { 200: answer('What was spent, and the ceilings.', spendingSchema), ...refusals() },
});

const resume = createRoute({
  method: 'post',
  path: '/api/spending/resume',
  summary: 'Lift the ceilings until the day ends, by UTC',
  description: 'What waits goes on within a minute or two.',
  tags,
  responses: { 200: answer('What was spent, and the ceilings.', spendingSchema), ...refusals() },
});

/** Adds the routes. */
export function spendingRoutes({ stores: { uploads }, ceilings }: ApiContext) {
  const wireOf = ({ heldBy, ...spending }: Spending): SpendingAnswer => ({
    ...spending,
    ...(ceilings.daily !== undefined && { dailyCeiling: ceilings.daily }),
    ...(ceilings.monthly !== undefined && { monthlyCeiling: ceilings.monthly }),
    ...(heldBy !== undefined && { heldBy }),
  });
  return newApp()
    .openapi(show, async (c) => {
      requireScope(c.get('who'), 'read');
      return c.json(wireOf(await readSpending(uploads, Date.now())), 200);
    })
    .openapi(resume, async (c) => {
      requireScope(c.get('who'), 'admin');
      return c.json(wireOf(await resumeSpending(uploads, Date.now())), 200);
    });
}
