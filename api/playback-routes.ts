/** `/api/videos/{id}/playback-tokens` and `/api/playback-keys`: who may play private videos, and until when. */
import { createRoute } from '@hono/zod-openapi';
import { PlaybackKeysError } from '../jobs/playback-keys.ts';
import { withToken } from '../jobs/playback-tokens.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { playbackToken } from './playback.ts';
import { orProblem } from './problems.ts';
import { answer, body, idParam, newApp, refusals } from './routes.ts';
import { createPlaybackTokenSchema, playbackKeySchema, playbackTokenSchema } from './schemas.ts';
import { requireVisible } from './video-routes.ts';

const tags = ['Playback'];

const createToken = createRoute({
  method: 'post',
  path: '/api/videos/{id}/playback-tokens',
  summary: 'Make an address that plays a private video',
  description:
    'For any player, for a time, and, where that is said, for one viewer or one site. It can not be taken back alone: see the keys.',
  tags,
  request: { ...idParam, ...body(createPlaybackTokenSchema) },
  responses: {
    201: answer('The token, and the address with it.', playbackTokenSchema),
    ...refusals('not-found', 'unsupported-media-type'),
  },
});

const rotateKeys = createRoute({
  method: 'post',
  path: '/api/playback-keys',
  summary: 'Make a new key for playback tokens',
  description:
    'Within a minute it signs all tokens. Those of the key before stay good, those of any older key end: called twice, all tokens that were made before end. Between two keys are five minutes at least.',
  tags,
  responses: { 201: answer('The new key’s id.', playbackKeySchema), ...refusals('conflict') },
});

const PROBLEM_OF = { 'too-soon': 'conflict', 'at-once': 'conflict' } as const;

/** Adds the routes. */
export function playbackRoutes(context: ApiContext) {
  return newApp()
    .openapi(createToken, async (c) => {
      const who = requireScope(c.get('who'), 'read');
      const { id: video } = c.req.valid('param');
      const { playbackUrl } = await requireVisible(context, who, video);
      const { expiresIn, ip, referrer } = c.req.valid('json');
      const expires = Math.floor(Date.now() / 1000) + expiresIn;
      const made = await playbackToken(context, { video, expires, ip, referrer });
      const url = playbackUrl && { playbackUrl: withToken(made.token, playbackUrl) };
      return c.json({ ...made, ...url }, 201);
    })
    .openapi(rotateKeys, async (c) => {
      requireScope(c.get('who'), 'admin');
      const rotated = context.playbackKeys.rotate();
      const id = await orProblem(PlaybackKeysError, PROBLEM_OF, rotated);
      return c.json({ id }, 201);
    });
}
