/** `/api/live`: how to follow videos while they are made, by MQTT over WebSocket. */
import { createRoute, z } from '@hono/zod-openapi';
import { EVERY_VIDEO, liveTopic } from '../jobs/live-message.ts';
import { requireScope } from './access.ts';
import type { ApiContext } from './context.ts';
import { createLiveToken } from './live-tokens.ts';
import { answer, newApp, refusals } from './routes.ts';
import { liveAccessSchema, videoIdSchema } from './schemas.ts';
import { requireVisible } from './video-routes.ts';

const access = createRoute({
  method: 'get',
  path: '/api/live',
  summary: 'Get access to the messages about a video, or about all',
  description:
    'Connect to `url` by MQTT 3.1.1 with the token as password, and subscribe to `topic`: its last message comes at once, the next ones as things happen. Of one video, who may see it needs no other token; of all, the scope `read`.',
  tags: ['Videos'],
  request: { query: z.object({ video: videoIdSchema.optional() }) },
  responses: { 200: answer('Where, as whom and what.', liveAccessSchema), ...refusals('not-found') },
});

/** Adds the routes. */
export function liveRoutes(context: ApiContext) {
  const { live, tokens } = context;
  return newApp().openapi(access, async (c) => {
    const who = c.get('who');
    const { video = EVERY_VIDEO } = c.req.valid('query');
    if (video === EVERY_VIDEO) requireScope(who, 'read');
    else await requireVisible(context, who, video);
    const signed = await createLiveToken(await tokens.secret(), video);
    return c.json({ url: live.url, topic: liveTopic(live.topics, video), ...signed }, 200);
  });
}
