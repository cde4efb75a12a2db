/** The API: every route, who asks, and how what goes wrong is told. */
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { KeyValueStoreError } from '../jobs/key-value-store.ts';
import { type LogFields, log, withLogFields } from '../jobs/log.ts';
import { isVideoId } from '../jobs/names.ts';
import { MAX_POSTER_BYTES } from '../jobs/posters.ts';
import { BusyObjectError } from '../jobs/store.ts';
import { MAX_SUBTITLE_BYTES } from '../jobs/subtitles.ts';
import type { ApiContext } from './context.ts';
import { liveRoutes } from './live-routes.ts';
import { oembedRoutes } from './oembed-routes.ts';
import { playbackRoutes } from './playback-routes.ts';
import { posterRoutes } from './poster-routes.ts';
import { PROBLEMS_PATH, ProblemError, problemResponse, problemsPage } from './problems.ts';
import { newApp } from './routes.ts';
import { spendingRoutes } from './spending-routes.ts';
import { subtitleRoutes } from './subtitle-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { traceRoutes } from './trace-routes.ts';
import { uploadRoutes } from './upload-routes.ts';
import { videoRoutes } from './video-routes.ts';
import { describeEvents, webhookRoutes } from './webhook-routes.ts';

/** Bytes of the longest request body: a picture or a subtitle file. */
const BODY_LIMIT = Math.max(MAX_POSTER_BYTES, MAX_SUBTITLE_BYTES);

/** Seconds after which an object that others keep changing may be free. */
const BUSY_SECONDS = 1;

/** Seconds after which the edge's store may answer, or have room. */
const STORE_SECONDS = 30;

/** How the API describes itself. */
const INFO = {
  title: 'Spotreel',
  version: '1',
  description: 'Upload videos, follow them, play them. Errors are problem details (RFC 9457).',
};

/** What went wrong, as the answer tells it. What nobody foresaw is logged, and its words stay inside. */
function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof HTTPException) {
    if (error.status === 413) return new ProblemError('too-large', `A body may have ${BODY_LIMIT} bytes`);
    if (error.status === 415) return new ProblemError('unsupported-media-type', 'The body must be JSON');
    if (error.status === 400) return new ProblemError('invalid-request', error.message);
  }
  if (error instanceof BusyObjectError)
    return new ProblemError('unavailable', 'Too many change the same at this moment', {
      retryAfter: BUSY_SECONDS,
    });
  if (error instanceof KeyValueStoreError) {
    log('error', 'key-value-store-failed', { error: error.message });
    return new ProblemError('unavailable', 'CloudFront’s key-value store does not answer, or has no room', {
      retryAfter: STORE_SECONDS,
    });
  }
  log('error', 'api-failed', {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new ProblemError('internal', 'Something failed that should not; it was logged');
}

/** The video that a path is about, for the log: `/api/videos/<id>/…`, `/api/uploads/<id>/…`. */
function videoOf(path: string): LogFields {
  const [, , , id = ''] = path.split('/');
  return isVideoId(id) ? { video: id } : {};
}

/** The whole API over its context. */
export function createApi(context: ApiContext) {
  const app = newApp();
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  describeEvents(app);
  app.onError((error) => problemResponse(problemOf(error)));
  app.notFound((c) =>
    problemResponse(new ProblemError('not-found', `There is nothing at ${c.req.method} ${c.req.path}`)),
  );
  if (context.corsOrigins.length > 0)
    app.use(
      cors({
        origin: [...context.corsOrigins],
        allowHeaders: ['authorization', 'content-type', 'idempotency-key'],
        allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        exposeHeaders: ['location', 'retry-after'],
        maxAge: 3600,
      }),
    );
  app.use(async (c, next) => {
    await next();
    c.res.headers.set('cache-control', 'no-store');
  });
  app.use(bodyLimit({ maxSize: BODY_LIMIT, onError: () => refuseLargeBody() }));

  app.get('/api/health', (c) => c.json({ status: 'ok' }));
  app.get(PROBLEMS_PATH, (c) => c.html(problemsPage()));
  app.get('/api/openapi.json', (c) => c.json(documentOf(app)));

  app.use(async (c, next) => {
    c.set('who', await context.authenticate(c.req.raw));
    await next();
  });
  app.use('/api/*', (c, next) => withLogFields(videoOf(c.req.path), next));
  return app
    .route('/', uploadRoutes(context))
    .route('/', videoRoutes(context))
    .route('/', traceRoutes(context))
    .route('/', oembedRoutes(context))
    .route('/', liveRoutes(context))
    .route('/', playbackRoutes(context))
    .route('/', posterRoutes(context))
    .route('/', subtitleRoutes(context))
    .route('/', tokenRoutes(context))
    .route('/', webhookRoutes(context))
    .route('/', spendingRoutes(context));
}

function refuseLargeBody(): never {
  throw new ProblemError('too-large', `A body may have ${BODY_LIMIT} bytes`);
}

/** The OpenAPI 3.1 document of an app, made of the schemas that parse its requests. */
export function documentOf(app: ReturnType<typeof newApp>) {
  return app.getOpenAPI31Document({ openapi: '3.1.0', info: INFO, security: [{ token: [] }, {}] });
}
