/**
 * `spotreel/client`: the platform from TypeScript, in Node and in browsers, with nothing but `fetch`.
 *
 *     const client = new SpotreelClient({ url: 'https://video.example.org', token: 'spr_…' });
 *     const { id } = await client.upload(file, {                  // a browser's File; in Node, `await openAsBlob(path)`
 *       fileName: 'holidays.mov',                                 // a File has one
 *       onCreated: ({ id }) => remember(id),                      // then `upload(file, { resume: id })` goes on
 *       onProgress: ({ sentBytes, totalBytes }) => draw(sentBytes / totalBytes),
 *       signal,
 *     });
 *     const video = await client.showVideo(id);                   // state, percent, playbackUrl, failure
 *     for await (const { title } of client.eachVideo({ state: 'ready' })) …
 *
 * Endpoints are methods: uploads (`createUpload`, `showUpload`, `signParts`, `listParts`, `completeUpload`,
 * `abortUpload`), videos (`listVideos`, `showVideo`, `showTrace`, `showOembed`, `updateVideo`, `deleteVideo`, `retryVideo`,
 * `reencodeVideo`, `rollbackVideo`, `liveAccess`), private videos (`createPlaybackToken`, `rotatePlaybackKey`), posters (`setPoster`, `unsetPoster`), subtitles (`addSubtitles`,
 * `listSubtitles`, `removeSubtitles`), tokens (`createToken`, `listTokens`, `revokeToken`, `createUploadToken`),
 * webhooks (`createWebhook`, `listWebhooks`, `removeWebhook`, `rotateWebhookSecret`, `testWebhook`, `listUndelivered`,
 * `replayWebhook`), spending (`showSpending`, `resumeSpending`). Each takes `{ signal }` last. What passes by itself (no
 * connection, 429, 502 to 504) is tried again with growing pauses. A refusal is an `ApiError` with `status`, `code` and `problem` (RFC 9457); a platform that does
 * not answer a `ConnectionError`; a file that does not get to S3 an `UploadError`.
 *
 * `spotreel/client/live` follows videos while they are made: `follow(client, { video: id, onState })`.
 *
 * It imports only types from the API, so that a page which bundles it carries no schemas.
 */
export type {
  CreateUpload,
  Deleted,
  Parts,
  PlaybackToken,
  Problem,
  SignedParts,
  SpendingAnswer,
  TraceAnswer,
  Upload,
  Video,
  Videos,
} from '../schemas.ts';
export { SpotreelClient } from './client.ts';
export type { CallOptions, CreateOptions, EncodeOptions, ListQuery, SubtitlesQuery } from './endpoints.ts';
export { ApiError, ConnectionError, UploadError } from './errors.ts';
export type { Platform } from './http.ts';
export type { BytesToPut, PutBytes, UploadOptions, UploadProgress, UploadSource } from './upload.ts';
