/** `/api/tokens` and `/api/upload-tokens`: who may do what from now on. */
import { createRoute, z } from '@hono/zod-openapi';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { ProblemError } from './problems.ts';
import { answer, body, newApp, refusals } from './routes.ts';
import {
  createdTokenSchema,
  createTokenSchema,
  createUploadTokenSchema,
  tokenIdSchema,
  tokensSchema,
  uploadTokenSchema,
} from './schemas.ts';
import { createUploadToken } from './upload-tokens.ts';

const tags = ['Tokens'];

const create = createRoute({
  method: 'post',
  path: '/api/tokens',
  summary: 'Make an API token',
  tags,
  request: body(createTokenSchema),
  responses: {
    201: answer('The token, told this once.', createdTokenSchema),
    ...refusals('unsupported-media-type'),
  },
});

const list = createRoute({
  method: 'get',
  path: '/api/tokens',
  summary: 'List the API tokens',
  tags,
  responses: { 200: answer('Oldest first.', tokensSchema), ...refusals() },
});

const revoke = createRoute({
  method: 'delete',
  path: '/api/tokens/{id}',
  summary: 'Revoke an API token',
  description: 'It may work for another minute.',
  tags,
  request: { params: z.object({ id: tokenIdSchema }) },
  responses: { 204: { description: 'It is revoked.' }, ...refusals('not-found') },
});

const createForUpload = createRoute({
  method: 'post',
  path: '/api/upload-tokens',
  summary: 'Make a token for one upload',
  description:
    'For a browser: it creates, sends, completes or aborts the upload of its id, and opens nothing else.',
  tags,
  request: body(createUploadTokenSchema),
  responses: { 201: answer('The token.', uploadTokenSchema), ...refusals('unsupported-media-type') },
});

/** Adds the routes. */
export function tokenRoutes({ tokens }: ApiContext) {
  return newApp()
    .openapi(create, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { name, scopes } = c.req.valid('json');
      return c.json(await tokens.create(name, [...new Set(scopes)]), 201);
    })
    .openapi(list, async (c) => {
      requireScope(c.get('who'), 'admin');
      return c.json({ tokens: await tokens.list() }, 200);
    })
    .openapi(revoke, async (c) => {
      requireScope(c.get('who'), 'admin');
      const { id } = c.req.valid('param');
      if (!(await tokens.revoke(id))) throw new ProblemError('not-found', `There is no token ${id}`);
      return c.body(null, 204);
    })
    .openapi(createForUpload, async (c) => {
      const who = requireScope(c.get('who'), 'upload');
      return c.json(await createUploadToken(await tokens.secret(), who, c.req.valid('json')), 201);
    });
}
