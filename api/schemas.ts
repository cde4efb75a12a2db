/**
 * What goes over the wire: every request and response of the API, once. The same schemas parse requests, type the
 * handlers and clients, and make the OpenAPI document.
 */
import { z } from '@hono/zod-openapi';
import { visibilitySchema as storedVisibility } from '../jobs/edits.ts';
import { eventSchema } from '../jobs/events.ts';
import { heldBySchema as keptHeldBy } from '../jobs/ledger.ts';
import { isRevision, isVideoId, type Revision, type VideoId } from '../jobs/names.ts';
import { VIDEO_STATES } from '../jobs/status.ts';
import { subtitlesRequestSchema } from '../jobs/subtitles.ts';
import { scopeSchema as keptScope } from '../jobs/tokens.ts';
import {
  downloadSchema,
  encryptionSchema,
  loudnessSchema,
  presetSchema,
  rungSettingsSchema,
} from '../video/settings.ts';
import { TEXT_KINDS } from '../video/text/made.ts';
import { traceSchema as keptTrace } from '../video/trace/span.ts';
import { LARGEST_PART, LARGEST_UPLOAD, MOST_PARTS } from './parts.ts';

/** Whether a text is whole Unicode without control characters: what may be shown, and sent in a header. */
const isShowable = (text: string) => text.isWellFormed() && !/\p{Cc}/u.test(text);
const showable = (longest: number) =>
  z.string().trim().min(1).max(longest).refine(isShowable, 'has control characters, or is not whole Unicode');

export const videoIdSchema = z
  .string()
  .refine(isVideoId, 'is not the id of a video')
  .openapi({ pattern: '^[0-9a-hjkmnp-tv-z]{20}$', example: '5jz8m2c0xk4t7w9qv1rb' }) as unknown as z.ZodType<
  VideoId,
  string
>; // the refinement is the type's own guard

export const revisionSchema = z
  .string()
  .refine(isRevision, 'is not a revision')
  .openapi({ pattern: '^[0-9a-f]{12}$', example: '0f3c8a91d27b' }) as unknown as z.ZodType<Revision, string>; // as above

const titleSchema = showable(200).openapi({ example: 'Our summer' });

const MOST_METADATA = 32;
const metadataSchema = z
  .record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), z.string().max(512).refine(isShowable))
  .refine((entries) => Object.keys(entries).length <= MOST_METADATA, `has more than ${MOST_METADATA} entries`)
  .openapi({
    description: `What you want to keep with the video: up to ${MOST_METADATA} texts. They are published with it.`,
    example: { album: '2026' },
  });

/**
 * Settings that an upload may choose for itself. What costs several times as much (codecs, HDR beside SDR), needs what
 * only the owner has (models for transcribing), or is a limit, is the platform's.
 */
export const optionsSchema = z
  .strictObject({
    preset: presetSchema.optional(),
    rungs: z.array(rungSettingsSchema).min(1).max(10).optional(),
    audioKbps: z.int().min(32).max(320).optional(),
    loudness: loudnessSchema.optional(),
    download: downloadSchema.optional(),
    encryption: encryptionSchema.optional(),
  })
  .openapi('EncodeOptions', { description: 'Encode settings that differ from the platform’s.' });

/** Types of what may be a video; `octet-stream` is what clients send that know none. */
const typeSchema = z
  .string()
  .regex(
    /^((video|audio)\/[A-Za-z0-9][A-Za-z0-9.+-]{0,100}|image\/gif|application\/(octet-stream|mxf|mp4|ogg|x-matroska))$/,
  )
  .openapi({ description: 'The media type of the file.', example: 'video/mp4' });

const sizeSchema = z
  .int()
  .min(1)
  .max(LARGEST_UPLOAD)
  .openapi({ description: 'Bytes of the file.', example: 20_000_000_000 });

export const createUploadSchema = z
  .strictObject({
    fileName: showable(255).openapi({ example: 'holidays.mov' }),
    size: sizeSchema,
    type: typeSchema,
    title: titleSchema.optional(),
    metadata: metadataSchema.optional(),
    options: optionsSchema.optional(),
    sha256: z
      .string()
      .regex(/^[A-Za-z0-9+/]{43}=$/)
      .optional()
      .openapi({
        description:
          'SHA-256 of the file in base64, for a file that goes in one PUT: S3 refuses any other content.',
      }),
  })
  .openapi('CreateUpload');
export type CreateUpload = z.input<typeof createUploadSchema>;

const uploadIdentity = {
  id: videoIdSchema,
  fileName: z.string(),
  size: z.int(),
  type: z.string(),
};

export const uploadSchema = z
  .discriminatedUnion('method', [
    z.object({
      ...uploadIdentity,
      method: z.literal('put'),
      url: z.url().optional().openapi({
        description: 'PUT the file there, with exactly these `headers`. Absent once the file became a video.',
      }),
      headers: z.record(z.string(), z.string()),
      expiresAt: z.iso.datetime(),
    }),
    z.object({
      ...uploadIdentity,
      method: z.literal('multipart'),
      partSize: z.int().max(LARGEST_PART).openapi({ description: 'Bytes of each part but the last.' }),
      partCount: z.int().max(MOST_PARTS),
    }),
  ])
  .openapi('Upload');
export type Upload = z.infer<typeof uploadSchema>;

const partNumberSchema = z.int().min(1).max(MOST_PARTS);

/** URLs that one request may ask for. */
const PARTS_AT_ONCE = 1000;

export const signPartsSchema = z
  .strictObject({ numbers: z.array(partNumberSchema).min(1).max(PARTS_AT_ONCE) })
  .openapi('SignParts');

export const signedPartsSchema = z
  .object({
    parts: z.array(
      z.object({
        number: partNumberSchema,
        url: z.url().openapi({ description: 'PUT the part’s `size` bytes there.' }),
        size: z.int(),
      }),
    ),
    expiresAt: z.iso.datetime(),
  })
  .openapi('SignedParts');
export type SignedParts = z.infer<typeof signedPartsSchema>;

export const partsSchema = z
  .object({
    partSize: z.int(),
    partCount: z.int(),
    parts: z
      .array(z.object({ number: partNumberSchema, size: z.int(), etag: z.string() }))
      .openapi({ description: 'What is there already: send the others.' }),
  })
  .openapi('Parts');
export type Parts = z.infer<typeof partsSchema>;

export const completeSchema = z
  .strictObject({
    parts: z
      .array(z.strictObject({ number: partNumberSchema, etag: z.string().min(1).max(100) }))
      .max(MOST_PARTS)
      .optional()
      .openapi({ description: 'Each part’s ETag, as S3 answered it. Without them, what is there counts.' }),
  })
  .openapi('CompleteUpload');

export const completedSchema = z.object({ id: videoIdSchema }).openapi('CompletedUpload');

const findingSchema = z.object({ code: z.string(), text: z.string() }).openapi('Finding');
const chapterSchema = z
  .object({ startSeconds: z.number(), endSeconds: z.number(), title: z.string() })
  .openapi('Chapter');
const failureSchema = z.object({ code: z.string(), message: z.string() }).openapi('Failure');

export const stateSchema = z
  .enum(VIDEO_STATES)
  .openapi('VideoState', { description: '`uploading`: its source is not there yet.' });

export const visibilitySchema = z.enum(storedVisibility.options).openapi('Visibility', {
  description:
    '`private`: the API shows it only to tokens with the scope `read`, and it plays only at addresses with a playback token. `unlisted` and `public`: whoever has its id may ask for it.',
});

const progress = {
  state: stateSchema,
  percent: z.number().min(0).max(100),
  encodedSeconds: z.number().optional(),
  durationSeconds: z.number().optional(),
  width: z.int().optional().openapi({ description: 'Of the highest rung, in pixels.' }),
  height: z.int().optional(),
  findings: z
    .array(findingSchema)
    .readonly()
    .optional()
    .openapi({ description: 'What was notable about the source, and what was done about it.' }),
  failure: failureSchema.optional(),
};

/** What anybody may see who has the id of a video that is not private. */
const publicVideo = {
  id: videoIdSchema,
  title: z.string(),
  uploadedAt: z.iso.datetime(),
  ...progress,
  playbackUrl: z.string().optional().openapi({
    description: 'Path of the HLS playlist. Of a private video it is good for 12 hours.',
    example: '/v/5jz8m2c0xk4t7w9qv1rb/master.m3u8',
  }),
  early: z.literal(true).optional().openapi({
    description:
      'The playlist has the beginning of the video, and grows while the rest is encoded. A player that began with it plays on to the end.',
  }),
  poster: z.string().optional().openapi({ description: 'Path of the poster.' }),
  chapters: z.array(chapterSchema).readonly().optional().openapi({
    description: 'That the source names, in seconds of the stream. Lists of videos leave them out.',
  }),
};

/** US dollars of the same video somewhere. */
const usd = {
  storageMonth: z.number().openapi({ description: 'A month, for keeping it.' }),
  watchedHour: z.number().openapi({ description: 'An hour that somebody watches the highest picture.' }),
};
const costSchema = z
  .object({
    machines: z
      .number()
      .openapi({ description: 'CPU time of its encoding, at what each machine cost; `pricedBy` says how.' }),
    requests: z.number().openapi({ description: 'To S3.' }),
    ...usd,
    pricedBy: z.enum(['spot', 'list', 'both']).openapi({
      description: 'Whether EC2 told the price of the machines, or the price list had to.',
    }),
    elsewhere: z
      .array(
        z.object({
          service: z.string(),
          once: z.number().openapi({ description: 'For encoding it.' }),
          ...usd,
        }),
      )
      .readonly()
      .openapi({ description: 'What the same would cost at list prices.' }),
  })
  .openapi('Cost', { description: 'In US dollars. docs/cost.md says how each is counted.' });

const heldBySchema = z.enum(keptHeldBy.options).openapi('HeldBy', {
  description:
    'The spending ceiling that keeps machines from being launched: a video waits until the day or the month is over, or its owner resumes.',
});

/** What its owner sees besides. */
const ownersVideo = {
  mayChange: z.literal(true).optional().openapi({
    description: 'Told to whoever may change the video, and delete it: a token with the scope `admin`.',
  }),
  visibility: visibilitySchema.optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  sourceBytes: z.int().optional(),
  revision: z.string().optional().openapi({ description: 'Of the encode that this tells of.' }),
  spent: z
    .object({
      tasks: z.int(),
      cpuSeconds: z.number(),
      bytes: z.int(),
      startedAt: z.string(),
      finishedAt: z.string(),
      machines: z.int(),
    })
    .optional()
    .openapi({ description: 'What the encode took.' }),
  cost: costSchema.optional(),
  heldBy: heldBySchema.optional(),
  next: z
    .object({ revision: z.string(), ...progress })
    .optional()
    .openapi({ description: 'The encode that will take the place of the one that plays.' }),
};

export const spendingSchema = z
  .object({
    today: z.number().openapi({ description: 'What machines cost since midnight, UTC.' }),
    month: z.number().openapi({ description: 'What they cost since the month began.' }),
    dailyCeiling: z.number().optional(),
    monthlyCeiling: z.number().optional(),
    heldBy: heldBySchema.optional(),
    resumed: z.boolean().openapi({ description: 'Whether the ceilings are lifted for today.' }),
  })
  .openapi('Spending', { description: 'In US dollars.' });
export type SpendingAnswer = z.infer<typeof spendingSchema>;

export const videoSchema = z
  .object({ ...publicVideo, ...ownersVideo })
  .openapi('Video', { description: 'Without a token, as much of it as anybody may know.' });
export type Video = z.infer<typeof videoSchema>;

export const traceSchema = z
  .object(keptTrace.shape)
  .openapi('Trace', { description: 'docs/operations.md says what its spans mean.' });
export type TraceAnswer = z.infer<typeof traceSchema>;

export const listQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z
    .string()
    .regex(/^\d{13}-[0-9a-z]{20}$/)
    .optional()
    .openapi({ description: '`nextCursor` of the page before.' }),
  // What is being uploaded is in no list.
  state: stateSchema.exclude(['uploading']).optional(),
});

export const videosSchema = z
  .object({
    videos: z.array(videoSchema),
    nextCursor: z
      .string()
      .optional()
      .openapi({ description: 'Where more follow. With `state`, a page may be empty though there is one.' }),
  })
  .openapi('Videos');
export type Videos = z.infer<typeof videosSchema>;

export const patchVideoSchema = z
  .strictObject({
    title: titleSchema.optional(),
    visibility: visibilitySchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .openapi('PatchVideo', { description: 'What is not named stays as it is; `metadata` is replaced whole.' });

export const oembedQuerySchema = z.object({
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .openapi({
      description: 'Of the video’s page.',
      example: 'https://video.example.org/watch?v=5jz8m2c0xk4t7w9qv1rb',
    }),
  maxwidth: z.coerce.number().int().min(1).max(100_000).optional().openapi({ description: 'Pixels.' }),
  maxheight: z.coerce.number().int().min(1).max(100_000).optional(),
  format: z.literal('json').optional(),
});

export const oembedSchema = z
  .object({
    version: z.literal('1.0'),
    type: z.literal('video'),
    provider_name: z.string(),
    provider_url: z.string(),
    title: z.string(),
    html: z.string(),
    width: z.int(),
    height: z.int(),
    thumbnail_url: z.string().optional(),
  })
  .openapi('Oembed');

export const deletedSchema = z
  .object({
    id: videoIdSchema,
    state: z.enum(['deleted', 'deleting']).openapi({
      description: '`deleted`: a listing found nothing left. `deleting`: the platform goes on by itself.',
    }),
    left: z.int().openapi({ description: 'Objects that a listing still found.' }),
  })
  .openapi('Deleted');
export type Deleted = z.infer<typeof deletedSchema>;

export const liveAccessSchema = z
  .object({
    url: z.url().openapi({ description: 'Of the broker: MQTT 3.1.1 over WebSocket.' }),
    topic: z.string().openapi({ example: 'spotreel/home/videos/5jz8m2c0xk4t7w9qv1rb' }),
    clientId: z.string().openapi({ description: 'Connect under this id: the token is for no other.' }),
    token: z.string().openapi({ description: 'The password; any user name goes with it.' }),
    expiresAt: z.iso.datetime().openapi({ description: 'Then the connection ends; ask again for the next.' }),
  })
  .openapi('LiveAccess');
export type LiveAccess = z.infer<typeof liveAccessSchema>;

export const reencodeSchema = z.strictObject({ settings: optionsSchema.default({}) }).openapi('Reencode');
export const rollbackSchema = z.strictObject({ revision: revisionSchema.optional() }).openapi('Rollback');
export const requeuedSchema = z
  .object({ revision: revisionSchema, requeued: z.boolean() })
  .openapi('Requeued', {
    description: 'The revision that will play, and whether anything is to be done for it.',
  });
export const rolledBackSchema = z.object({ revision: revisionSchema }).openapi('RolledBack');

export const subtitlesQuerySchema = z.object({
  ...subtitlesRequestSchema.omit({ default: true }).shape,
  default: z.enum(['true', 'false']).default('false'),
});
export const trackIdSchema = z.string().min(1).max(64);
export const subtitlesSchema = z
  .object({
    id: z.string(),
    language: z.string(),
    name: z.string(),
    kind: z.enum(TEXT_KINDS),
    default: z.boolean(),
    cues: z.int(),
    addedAt: z.string(),
  })
  .openapi('Subtitles');
export const subtitlesListSchema = z.object({ subtitles: z.array(subtitlesSchema) }).openapi('SubtitlesList');

export const scopeSchema = z.enum(keptScope.options).openapi('Scope', {
  description: '`upload`: create and finish uploads. `read`: list and show videos. `admin`: everything.',
});

export const createTokenSchema = z
  .strictObject({ name: showable(100), scopes: z.array(scopeSchema).min(1).max(3) })
  .openapi('CreateToken');

export const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(scopeSchema).readonly(),
    createdAt: z.string(),
    lastChars: z.string().openapi({ description: 'The last four characters of the token.' }),
  })
  .openapi('Token');

export const createdTokenSchema = tokenSchema
  .extend({ token: z.string().openapi({ description: 'Shown this once.' }) })
  .openapi('CreatedToken');
export const tokensSchema = z.object({ tokens: z.array(tokenSchema) }).openapi('Tokens');
export const tokenIdSchema = z.string().regex(/^[0-9a-f]{12}$/);

export const createUploadTokenSchema = z
  .strictObject({
    maxBytes: sizeSchema,
    expiresIn: z
      .int()
      .min(60)
      .max(24 * 3600)
      .default(3600)
      .openapi({ description: 'Seconds.' }),
    fileName: showable(255).optional(),
    type: typeSchema.optional(),
    title: titleSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .openapi('CreateUploadToken', { description: 'What is given here, the upload can not change.' });

export const uploadTokenSchema = z
  .object({
    id: videoIdSchema,
    token: z.string().openapi({ description: 'A bearer token for the one upload of this id.' }),
    expiresAt: z.iso.datetime(),
  })
  .openapi('UploadToken');

/** An address as the edge spells it: IPv6 in its canonical form (RFC 5952), which is a URL's. */
const ipSchema = z.union([
  z.ipv4('is no IP address'),
  z.ipv6('is no IP address').transform((text) => new URL(`http://[${text}]`).hostname.slice(1, -1)),
]);

export const createPlaybackTokenSchema = z
  .strictObject({
    expiresIn: z
      .int()
      .min(60)
      .max(7 * 24 * 3600)
      .default(12 * 3600)
      .openapi({ description: 'Seconds.' }),
    ip: ipSchema.optional().openapi({
      type: 'string',
      description: 'The only address that may use it.',
      example: '203.0.113.7',
    }),
    referrer: z
      .string()
      .toLowerCase()
      .regex(/^[a-z0-9][a-z0-9.-]{0,251}(:\d{1,5})?$/, 'is no host, such as shop.example')
      .optional()
      .openapi({
        description:
          'The host of the only site whose pages may play it, by the `Referer` that browsers send. Not every native player sends one.',
        example: 'shop.example',
      }),
  })
  .openapi('CreatePlaybackToken');

export const playbackTokenSchema = z
  .object({
    token: z.string().openapi({ description: 'Stands in the path: `/t/<token>/v/<id>/…`.' }),
    playbackUrl: z.string().optional().openapi({ description: 'Path of the HLS playlist, with the token.' }),
    expiresAt: z.iso.datetime(),
  })
  .openapi('PlaybackToken');
export type PlaybackToken = z.infer<typeof playbackTokenSchema>;

export const playbackKeySchema = z.object({ id: z.string() }).openapi('PlaybackKey');

export const webhookIdSchema = z.string().regex(/^[0-9a-f]{12}$/, 'is no endpoint’s id');

export const createWebhookSchema = z
  .strictObject({
    url: z.url().max(2000).openapi({
      description: 'HTTPS, and an address of the public Internet.',
      example: 'https://example.org/spotreel',
    }),
  })
  .openapi('CreateWebhook');

export const webhookSchema = z
  .object({
    id: webhookIdSchema,
    url: z.url(),
    createdAt: z.iso.datetime(),
    failing: z
      .object({ since: z.iso.datetime(), problem: z.string() })
      .optional()
      .openapi({ description: 'While deliveries fail: since when, and what the last one met.' }),
    disabled: z.object({ at: z.iso.datetime(), reason: z.string() }).optional().openapi({
      description: 'Nothing is sent there any more; `test` and `replay` take it into use again.',
    }),
  })
  .openapi('Webhook');

export const webhookSecretSchema = z
  .object({ secret: z.string().openapi({ description: '`whsec_…`, shown this once.' }) })
  .openapi('WebhookSecret');
export const createdWebhookSchema = webhookSchema.extend(webhookSecretSchema.shape).openapi('CreatedWebhook');
export const webhooksSchema = z.object({ webhooks: z.array(webhookSchema) }).openapi('Webhooks');
export const testedWebhookSchema = z
  .object({ event: z.string().openapi({ description: 'The id of the event.' }) })
  .openapi('TestedWebhook');

export const undeliveredPageSchema = z
  .object({
    undelivered: z.array(
      z.object({
        event: eventSchema,
        at: z.iso.datetime().openapi({ description: 'When it was given up.' }),
        problem: z.string().openapi({ description: 'What the last try met.' }),
      }),
    ),
    more: z.boolean().openapi({ description: 'Whether there is more.' }),
  })
  .openapi('UndeliveredPage');
export const replayedSchema = z
  .object({
    replayed: z.int(),
    more: z.boolean().openapi({ description: 'Whether there is more: then replay again.' }),
  })
  .openapi('Replayed');

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    missing: z.array(z.int()).optional(),
    quota: z.object({ of: z.string(), used: z.int(), limit: z.int() }).optional(),
  })
  .openapi('Problem', { description: 'RFC 9457.' });
export type Problem = z.infer<typeof problemSchema>;

export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/)
  .optional()
  .openapi({ description: 'A repetition under the same key, within a day, makes nothing new.' });
