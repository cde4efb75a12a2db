/** `/api/uploads`: how any client brings a file, with nothing but HTTP. */
import { createRoute, z } from '@hono/zod-openapi';
import { requireUpload } from './access.ts';
import type { ApiContext } from './context.ts';
import { answer, body, idParam, newApp, refusals } from './routes.ts';
import {
  completedSchema,
  completeSchema,
  createUploadSchema,
  idempotencyKeySchema,
  partsSchema,
  signedPartsSchema,
  signPartsSchema,
  uploadSchema,
} from './schemas.ts';
import { abortUpload, completeUpload, createUpload, showParts, showUpload, signParts } from './uploads.ts';

const tags = ['Uploads'];
const path = '/api/uploads/{id}';

const create = createRoute({
  method: 'post',
  path: '/api/uploads',
  summary: 'Create an upload',
  description:
    'Answers how to send the file: by one PUT to a presigned `url`, or in parts (`POST …/parts` gives their URLs).',
  tags,
  request: { ...body(createUploadSchema), headers: z.object({ 'idempotency-key': idempotencyKeySchema }) },
  responses: {
    201: answer('Created, or found by its `Idempotency-Key`.', uploadSchema),
    ...refusals('conflict', 'gone', 'too-large', 'unsupported-media-type', 'idempotency-mismatch'),
  },
});

const show = createRoute({
  method: 'get',
  path,
  summary: 'Show an upload, with a fresh URL where it is one PUT',
  tags,
  request: idParam,
  responses: { 200: answer('The upload.', uploadSchema), ...refusals('not-found') },
});

const sign = createRoute({
  method: 'post',
  path: `${path}/parts`,
  summary: 'Get URLs for parts',
  tags,
  request: { ...idParam, ...body(signPartsSchema) },
  responses: {
    200: answer('A URL a part, in the order asked for.', signedPartsSchema),
    ...refusals('not-found', 'conflict', 'unsupported-media-type'),
  },
});

const parts = createRoute({
  method: 'get',
  path: `${path}/parts`,
  summary: 'List the parts that are there, to resume',
  tags,
  request: idParam,
  responses: { 200: answer('The parts.', partsSchema), ...refusals('not-found', 'conflict', 'gone') },
});

const complete = createRoute({
  method: 'post',
  path: `${path}/complete`,
  summary: 'Complete an upload',
  description: 'Repeatable. Of an upload in one PUT it only sees that the file is there.',
  tags,
  request: { ...idParam, ...body(completeSchema) },
  responses: {
    200: answer('The source is there; its video comes.', completedSchema),
    ...refusals('not-found', 'conflict', 'parts-missing', 'gone', 'unsupported-media-type'),
  },
});

const abort = createRoute({
  method: 'delete',
  path,
  summary: 'Abort an upload',
  description: 'Repeatable. What was sent of it is dropped.',
  tags,
  request: idParam,
  responses: { 204: { description: 'There is no such upload any more.' }, ...refusals('conflict') },
});

/** Adds the routes. */
export function uploadRoutes(context: ApiContext) {
  return newApp()
    .openapi(create, async (c) => {
      const who = requireUpload(c.get('who'), undefined);
      const upload = await createUpload(
        context,
        who,
        c.req.valid('json'),
        c.req.valid('header')['idempotency-key'],
      );
      return c.json(upload, 201, { location: `/api/uploads/${upload.id}` });
    })
    .openapi(show, async (c) => {
      const { id } = c.req.valid('param');
      const who = requireUpload(c.get('who'), id);
      return c.json(await showUpload(context, who, id), 200);
    })
    .openapi(sign, async (c) => {
      const { id } = c.req.valid('param');
      const who = requireUpload(c.get('who'), id);
      return c.json(await signParts(context, who, id, c.req.valid('json').numbers), 200);
    })
    .openapi(parts, async (c) => {
      const { id } = c.req.valid('param');
      const who = requireUpload(c.get('who'), id);
      return c.json(await showParts(context, who, id), 200);
    })
    .openapi(complete, async (c) => {
      const { id } = c.req.valid('param');
      const who = requireUpload(c.get('who'), id);
      await completeUpload(context, who, id, c.req.valid('json').parts);
      return c.json({ id }, 200);
    })
    .openapi(abort, async (c) => {
      const { id } = c.req.valid('param');
      const who = requireUpload(c.get('who'), id);
      await abortUpload(context, who, id);
      return c.body(null, 204);
    });
}
