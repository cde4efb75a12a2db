/** `/api/oembed`: what another site needs to show a video in its page (https://oembed.com). */
import { createRoute } from '@hono/zod-openapi';
import { html } from 'hono/html';
import { isVideoId, type VideoId } from '../jobs/names.ts';
import { EMBED_PATH, ORIGIN_HEADER } from '../jobs/platform.ts';
import { videoStatus } from '../jobs/status.ts';
import type { ApiContext } from './context.ts';
import { ProblemError } from './problems.ts';
import { answer, newApp, refusals } from './routes.ts';
import { oembedQuerySchema, oembedSchema } from './schemas.ts';

/** Pixels of a frame whose video tells no size: it has sound alone. */
const DEFAULT_SIZE = { width: 640, height: 360 };

const route = createRoute({
  method: 'get',
  path: '/api/oembed',
  summary: 'Tell how a video is embedded (oEmbed)',
  description: 'Needs no token. A private video, and a page of another site, is as one that is not there.',
  tags: ['Videos'],
  request: { query: oembedQuerySchema },
  responses: { 200: answer('oEmbed, of type `video`.', oembedSchema), ...refusals('not-found') },
});

/** The video that the address of a page is about: `/watch?v=<id>` or `/embed/<id>`. */
function videoOf({ pathname, searchParams }: URL): VideoId | undefined {
  const id = pathname.startsWith(EMBED_PATH) ? pathname.slice(EMBED_PATH.length) : searchParams.get('v');
  return id !== null && isVideoId(id) ? id : undefined;
}

/** A size within limits, in its shape. */
function fitted({ width, height }: typeof DEFAULT_SIZE, most: { width: number; height: number }) {
  const scale = Math.min(1, most.width / width, most.height / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Adds the route. */
export function oembedRoutes({ stores }: ApiContext) {
  return newApp().openapi(route, async (c) => {
    const {
      url,
      maxwidth = Number.POSITIVE_INFINITY,
      maxheight = Number.POSITIVE_INFINITY,
    } = c.req.valid('query');
    const page = new URL(url);
    // The answer is a frame of the page's origin: it must be ours.
    const id = page.origin === c.req.header(ORIGIN_HEADER) ? videoOf(page) : undefined;
    const video = id && (await videoStatus(stores, id));
    if (!video || video.visibility === 'private' || video.state === 'uploading')
      throw new ProblemError('not-found', `There is no video at ${page.origin}${page.pathname}`);
    const { title, width, height, poster } = video;
    const size = fitted(width && height ? { width, height } : DEFAULT_SIZE, {
      width: maxwidth,
      height: maxheight,
    });
    const frame = new URL(`${EMBED_PATH}${video.id}`, page.origin).href;
    const iframe =
      await html`<iframe src="${frame}" width="${size.width}" height="${size.height}" title="${title}" allow="fullscreen; picture-in-picture" style="border:0"></iframe>`;
    return c.json(
      {
        version: '1.0' as const,
        type: 'video' as const,
        provider_name: 'Spotreel',
        provider_url: page.origin,
        title,
        html: String(iframe),
        ...size,
        ...(poster !== undefined && { thumbnail_url: new URL(poster, page.origin).href }),
      },
      200,
    );
  });
}
