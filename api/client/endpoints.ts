/** The API as methods: one an endpoint, typed by the schemas that parse its requests. */
import type { z } from 'zod';
import type {
  CreateUpload,
  completedSchema,
  createdTokenSchema,
  createdWebhookSchema,
  createPlaybackTokenSchema,
  createTokenSchema,
  createUploadTokenSchema,
  createWebhookSchema,
  Deleted,
  LiveAccess,
  listQuerySchema,
  oembedSchema,
  Parts,
  PlaybackToken,
  patchVideoSchema,
  playbackKeySchema,
  reencodeSchema,
  replayedSchema,
  requeuedSchema,
  rolledBackSchema,
  SignedParts,
  SpendingAnswer,
  subtitlesListSchema,
  subtitlesQuerySchema,
  subtitlesSchema,
  TraceAnswer,
  testedWebhookSchema,
  tokensSchema,
  Upload,
  undeliveredPageSchema,
  uploadTokenSchema,
  Video,
  Videos,
  webhookSecretSchema,
  webhooksSchema,
} from '../schemas.ts';
import { Connection, type Platform, type Request } from './http.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface CreateOptions extends CallOptions {
  /** A repetition under the same key, within a day, creates nothing new. @default a random one */
  readonly idempotencyKey?: string;
}

export interface ListQuery {
  /** Videos of a page. @default 20 */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  readonly state?: z.infer<typeof listQuerySchema>['state'];
}
export type EncodeOptions = NonNullable<z.input<typeof reencodeSchema>['settings']>;
export type SubtitlesQuery = z.input<typeof subtitlesQuerySchema>;

export class Endpoints {
  readonly #connection: Connection;

  constructor(platform: Platform) {
    this.#connection = new Connection(platform);
  }

  // Each caller names the type that the API's schema of this path gives its answer.
  async #ask<T>(path: string, request: Request = {}): Promise<T> {
    return (await this.#connection.send(path, request)) as T; // the API answers by its schemas
  }

  // Uploads

  createUpload(upload: CreateUpload, options: CreateOptions = {}): Promise<Upload> {
    const { idempotencyKey = crypto.randomUUID(), signal } = options;
    const headers = { 'idempotency-key': idempotencyKey };
    return this.#ask('/api/uploads', { method: 'POST', json: upload, headers, signal });
  }

  /** With a fresh URL where it is one PUT. */
  showUpload(id: string, { signal }: CallOptions = {}): Promise<Upload> {
    return this.#ask(uploadPath(id), { signal });
  }

  /** URLs for parts. */
  signParts(id: string, numbers: readonly number[], { signal }: CallOptions = {}): Promise<SignedParts> {
    return this.#ask(`${uploadPath(id)}/parts`, { method: 'POST', json: { numbers }, signal });
  }

  /** The parts that are there. */
  listParts(id: string, { signal }: CallOptions = {}): Promise<Parts> {
    return this.#ask(`${uploadPath(id)}/parts`, { signal });
  }

  /** Makes the file of what is there. May be repeated. */
  completeUpload(id: string, { signal }: CallOptions = {}): Promise<z.infer<typeof completedSchema>> {
    return this.#ask(`${uploadPath(id)}/complete`, { method: 'POST', json: {}, signal });
  }

  /** Drops what was sent. May be repeated. */
  abortUpload(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#ask(uploadPath(id), { method: 'DELETE', signal });
  }

  // Videos

  /** A page of videos, newest first. */
  listVideos(query: ListQuery = {}, { signal }: CallOptions = {}): Promise<Videos> {
    return this.#ask('/api/videos', { query: { ...query }, signal });
  }

  showVideo(id: string, { signal }: CallOptions = {}): Promise<Video> {
    return this.#ask(videoPath(id), { signal });
  }

  /** What an encode did from upload to publish. @param revision which; otherwise the one that was asked for last */
  showTrace(id: string, revision?: string, { signal }: CallOptions = {}): Promise<TraceAnswer> {
    return this.#ask(`${videoPath(id)}/trace`, { query: { revision }, signal });
  }

  /** How another site embeds a video (oEmbed). @param url of the video's page */
  showOembed(url: string, { signal }: CallOptions = {}): Promise<z.infer<typeof oembedSchema>> {
    return this.#ask('/api/oembed', { query: { url }, signal });
  }

  /** Changes what is named; the rest stays. */
  updateVideo(
    id: string,
    changes: z.input<typeof patchVideoSchema>,
    { signal }: CallOptions = {},
  ): Promise<Video> {
    return this.#ask(videoPath(id), { method: 'PATCH', json: changes, signal });
  }

  /** Deletes a video with everything that belongs to it. May be repeated. */
  deleteVideo(id: string, { signal }: CallOptions = {}): Promise<Deleted> {
    return this.#ask(videoPath(id), { method: 'DELETE', signal });
  }

  /** Lets a video that failed go on. */
  retryVideo(id: string, { signal }: CallOptions = {}): Promise<z.infer<typeof requeuedSchema>> {
    return this.#ask(`${videoPath(id)}/retry`, { method: 'POST', json: {}, signal });
  }

  /** Encodes a video anew; the present one plays until the new one is whole. */
  reencodeVideo(
    id: string,
    settings: EncodeOptions = {},
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof requeuedSchema>> {
    return this.#ask(`${videoPath(id)}/reencode`, { method: 'POST', json: { settings }, signal });
  }

  /** Lets an earlier revision play, at once. @param revision which; otherwise the one before */
  rollbackVideo(
    id: string,
    revision?: string,
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof rolledBackSchema>> {
    const once = revision === undefined; // twice would go back two
    return this.#ask(`${videoPath(id)}/rollback`, { method: 'POST', json: { revision }, once, signal });
  }

  /** How to follow a video, or all; `follow` of `live.ts` does. */
  liveAccess(video: string | undefined, { signal }: CallOptions = {}): Promise<LiveAccess> {
    return this.#ask('/api/live', { query: { video }, signal });
  }

  /** An address that plays a private video, for a time, and for one viewer or site where that is said. */
  createPlaybackToken(
    id: string,
    limits: z.input<typeof createPlaybackTokenSchema> = {},
    { signal }: CallOptions = {},
  ): Promise<PlaybackToken> {
    return this.#ask(`${videoPath(id)}/playback-tokens`, { method: 'POST', json: limits, signal });
  }

  /** Makes a new key for such addresses; those of the key before stay good, those of any older key end. */
  rotatePlaybackKey({ signal }: CallOptions = {}): Promise<z.infer<typeof playbackKeySchema>> {
    // Twice would end the addresses of now.
    return this.#ask('/api/playback-keys', { method: 'POST', json: {}, once: true, signal });
  }

  /** Gives a video a poster of its owner's: JPEG, PNG or WebP. */
  setPoster(id: string, file: Blob | Uint8Array<ArrayBuffer>, { signal }: CallOptions = {}): Promise<void> {
    return this.#ask(`${videoPath(id)}/poster`, { method: 'PUT', bytes: file, signal });
  }

  /** Goes back to the poster that was chosen from the video. */
  unsetPoster(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#ask(`${videoPath(id)}/poster`, { method: 'DELETE', signal });
  }

  // Subtitles

  /** Adds a subtitle file: SubRip, WebVTT or ASS, in any usual encoding. The same file twice is one. */
  addSubtitles(
    id: string,
    said: SubtitlesQuery,
    file: Blob | Uint8Array<ArrayBuffer>,
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof subtitlesSchema>> {
    return this.#ask(`${videoPath(id)}/subtitles`, { method: 'POST', query: said, bytes: file, signal });
  }

  listSubtitles(id: string, { signal }: CallOptions = {}): Promise<z.infer<typeof subtitlesListSchema>> {
    return this.#ask(`${videoPath(id)}/subtitles`, { signal });
  }

  /** @param track its id, as adding and listing tell it */
  removeSubtitles(id: string, track: string, { signal }: CallOptions = {}): Promise<object> {
    const path = `${videoPath(id)}/subtitles/${encodeURIComponent(track)}`;
    return this.#ask(path, { method: 'DELETE', signal });
  }

  // Tokens

  /** Makes an API token, which is told this once. */
  createToken(
    token: z.input<typeof createTokenSchema>,
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof createdTokenSchema>> {
    return this.#ask('/api/tokens', { method: 'POST', json: token, once: true, signal });
  }

  listTokens({ signal }: CallOptions = {}): Promise<z.infer<typeof tokensSchema>> {
    return this.#ask('/api/tokens', { signal });
  }

  /** Ends a token; it may work for another minute. */
  revokeToken(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#ask(`/api/tokens/${encodeURIComponent(id)}`, { method: 'DELETE', signal });
  }

  /** Makes a token for one upload, to give to a browser. */
  createUploadToken(
    token: z.input<typeof createUploadTokenSchema>,
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof uploadTokenSchema>> {
    return this.#ask('/api/upload-tokens', { method: 'POST', json: token, once: true, signal });
  }

  // Webhooks

  /** Adds an endpoint. Its secret is told this once. */
  createWebhook(
    webhook: z.input<typeof createWebhookSchema>,
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof createdWebhookSchema>> {
    return this.#ask('/api/webhooks', { method: 'POST', json: webhook, once: true, signal });
  }

  listWebhooks({ signal }: CallOptions = {}): Promise<z.infer<typeof webhooksSchema>> {
    return this.#ask('/api/webhooks', { signal });
  }

  /** Removes an endpoint with what it did not get. */
  removeWebhook(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#ask(webhookPath(id), { method: 'DELETE', signal });
  }

  /** Gives an endpoint a new secret, told this once; for a day the one before signs, too. */
  rotateWebhookSecret(
    id: string,
    { signal }: CallOptions = {},
  ): Promise<z.infer<typeof webhookSecretSchema>> {
    return this.#ask(`${webhookPath(id)}/secret`, { method: 'POST', once: true, signal });
  }

  /** Sends an endpoint a `webhook.test`. */
  testWebhook(id: string, { signal }: CallOptions = {}): Promise<z.infer<typeof testedWebhookSchema>> {
    return this.#ask(`${webhookPath(id)}/test`, { method: 'POST', signal });
  }

  /** What an endpoint did not get. */
  listUndelivered(id: string, { signal }: CallOptions = {}): Promise<z.infer<typeof undeliveredPageSchema>> {
    return this.#ask(`${webhookPath(id)}/undelivered`, { signal });
  }

  /** Sends an endpoint again what it did not get. */
  replayWebhook(id: string, { signal }: CallOptions = {}): Promise<z.infer<typeof replayedSchema>> {
    return this.#ask(`${webhookPath(id)}/replay`, { method: 'POST', signal });
  }

  // Spending

  /** What machines cost, and what they may. */
  showSpending({ signal }: CallOptions = {}): Promise<SpendingAnswer> {
    return this.#ask('/api/spending', { signal });
  }

  /** Lifts the spending ceilings until the day ends, by UTC. */
  resumeSpending({ signal }: CallOptions = {}): Promise<SpendingAnswer> {
    return this.#ask('/api/spending/resume', { method: 'POST', signal });
  }
}

const uploadPath = (id: string): string => `/api/uploads/${encodeURIComponent(id)}`;
const webhookPath = (id: string): string => `/api/webhooks/${encodeURIComponent(id)}`;
const videoPath = (id: string): string => `/api/videos/${encodeURIComponent(id)}`;
