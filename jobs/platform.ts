/**
 * What the queues and buckets are set to, once, for the CDK constructs (`lib`) and the laptop (`local`) alike.
 * Numbers only; no AWS.
 */
import {
  CLAIM_SUFFIX,
  DELETED_PREFIX,
  FAILED_SUFFIX,
  IDEMPOTENCY_PREFIX,
  JOBS_PREFIX,
  MASTER_SUFFIX,
  PENDING_PREFIX,
  PLAN_SUFFIX,
  TOLD_PREFIX,
  UNDELIVERED_PREFIX,
  UPLOADS_PREFIX,
  USAGE_PREFIX,
  VIDEOS_PREFIX,
} from './names.ts';

/** Where CloudFront looks for web ACLs, wherever the platform is. */
export const CLOUDFRONT_REGION = 'us-east-1';

/** Dispatch must end within this many seconds: claims are small, a fleet request takes a few seconds. */
export const DISPATCH_TIMEOUT_SECONDS = 30;

/** How dispatch reads the uploads queue: the "threshold" at which the launcher runs. */
export const DISPATCH_BATCH = {
  /** Messages a call. A call asks EC2 once, which takes seconds: a million uploads a day are fifty messages a second. */
  size: 200,
  /** Seconds that Lambda waits to fill a batch: the least that it allows for more than ten messages. */
  windowSeconds: 1,
  /** Lambda calls at once; few, because each may launch machines. */
  maximumConcurrency: 2,
} as const;

/** How bury reads the dead letters of uploads and tasks: few come, and none in a hurry. */
export const BURY_BATCH = { size: 10, windowSeconds: 0, maximumConcurrency: 2 } as const;

/** Bury must end within this many seconds: a letter is a handful of small requests to S3. */
export const BURY_TIMEOUT_SECONDS = 30;

/** Minutes between two runs of the sweep: the longest that work waits after every worker has died. */
export const SWEEP_MINUTES = 1;

/**
 * What EC2 tells of machines through EventBridge, and the sweep hears. The events carry no tags, so those of
 * machines that are not ours come too.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/automating_with_eventbridge.html
 */
export const MACHINE_EVENTS: readonly MachineEventPattern[] = [
  { name: 'Interruption', detailType: 'EC2 Spot Instance Interruption Warning' },
  { name: 'Rebalance', detailType: 'EC2 Instance Rebalance Recommendation' },
  {
    name: 'End',
    detailType: 'EC2 Instance State-change Notification',
    states: ['shutting-down', 'terminated', 'stopped'],
  },
];

export interface MachineEventPattern {
  readonly name: string;
  /** The event's `detail-type`. */
  readonly detailType: string;
  /** Values of its `detail.state`; any, or none, where undefined. */
  readonly states?: readonly string[];
}

/** Minutes between two runs of `mend`: what stalled waits at most so long beyond the time that makes it a stall. */
export const MEND_MINUTES = 15;

/** Mend must end within this many seconds: a few requests for each of some thousand unfinished videos. */
export const MEND_TIMEOUT_SECONDS = 600;

/** The API must answer within this many seconds; API Gateway gives up after 30. */
export const API_TIMEOUT_SECONDS = 29;

/** What API Gateway lets through to the API, of all callers together; a page of the library asks a few times a minute. */
export const API_THROTTLE = { requestsPerSecond: 100, burst: 200 } as const;

/** Who wants to connect to the broker is told within this many seconds; IoT gives up after 5. */
export const AUTHORIZE_TIMEOUT_SECONDS = 5;

/** Notify must end within this many seconds: a batch is delivered at once, and no delivery may take longer than 15. */
export const NOTIFY_TIMEOUT_SECONDS = 30;

/** How notify reads the events queue. */
export const NOTIFY_BATCH = { size: 10, windowSeconds: 0, maximumConcurrency: 5 } as const;

/**
 * Seconds between the tries of a delivery: 28 hours in all, growing as Standard Webhooks suggests. None exceeds the
 * 12 hours for which SQS can hide a message.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
export const WEBHOOK_RETRY_SECONDS: readonly number[] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];

export interface QueueSettings {
  /** Seconds that a received message stays hidden unless extended. */
  readonly visibilityTimeoutSeconds: number;
  /** Receives without a delete after which a message moves to the dead letters. */
  readonly maxReceiveCount: number;
  /** Seconds that a message is kept. */
  readonly retentionSeconds: number;
  /** Seconds that a receive waits for a message (SQS's limit is 20). */
  readonly receiveWaitSeconds: number;
}

const DAY = 24 * 3600;

export const QUEUES = {
  /** S3 events. A refused launch sends its message back here, so it may come often: about a day of tries. */
  uploads: {
    // AWS asks for at least six times the function's timeout:
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    visibilityTimeoutSeconds: 6 * DISPATCH_TIMEOUT_SECONDS,
    maxReceiveCount: 480,
    retentionSeconds: 4 * DAY,
    receiveWaitSeconds: 20,
  },
  /** One message a task. The worker's heartbeat extends the visibility while it works. */
  tasks: {
    visibilityTimeoutSeconds: 60,
    maxReceiveCount: 3,
    retentionSeconds: 14 * DAY,
    receiveWaitSeconds: 20,
  },
  /** What happened to videos, and a message for each delivery of it to an endpoint; notify hides what it tries again. */
  events: {
    visibilityTimeoutSeconds: 6 * NOTIFY_TIMEOUT_SECONDS,
    maxReceiveCount: WEBHOOK_RETRY_SECONDS.length + 1,
    retentionSeconds: 14 * DAY,
    receiveWaitSeconds: 20,
  },
  /**
   * Dead letters are kept as long as SQS can. Those of uploads and tasks are bury's; what it fails to handle comes back
   * after the visibility timeout, every three minutes until it can. Those of events are for people to look at.
   */
  deadLetters: {
    visibilityTimeoutSeconds: 6 * BURY_TIMEOUT_SECONDS,
    maxReceiveCount: 0,
    retentionSeconds: 14 * DAY,
    receiveWaitSeconds: 20,
  },
} as const satisfies Record<string, QueueSettings>;

/** Created objects that S3 announces to a queue: event `s3:ObjectCreated:*`. */
export interface Notification {
  readonly queue: 'uploads' | 'events';
  readonly prefix: string;
  readonly suffix?: string;
}

/** Of the upload bucket: what dispatch acts on, and what happens to videos. */
export const UPLOAD_NOTIFICATIONS: readonly Notification[] = [
  { queue: 'uploads', prefix: UPLOADS_PREFIX },
  { queue: 'uploads', prefix: JOBS_PREFIX, suffix: PLAN_SUFFIX },
  { queue: 'events', prefix: JOBS_PREFIX, suffix: CLAIM_SUFFIX },
  { queue: 'events', prefix: JOBS_PREFIX, suffix: FAILED_SUFFIX },
  { queue: 'events', prefix: DELETED_PREFIX },
];

/** Of the production bucket: a video plays. */
export const PRODUCTION_NOTIFICATIONS: readonly Notification[] = [
  { queue: 'events', prefix: VIDEOS_PREFIX, suffix: MASTER_SUFFIX },
];

export interface CorsRule {
  readonly allowedMethods: ReadonlyArray<'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'>;
  readonly allowedOrigins: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds: number;
}

/** Browsers PUT parts with presigned URLs, and must read the ETag of each to complete a multipart upload. */
export const UPLOAD_CORS: readonly CorsRule[] = [
  {
    allowedMethods: ['PUT', 'POST', 'GET', 'HEAD'],
    allowedOrigins: ['*'],
    allowedHeaders: ['*'],
    exposedHeaders: ['ETag', 'Location'],
    maxAgeSeconds: 3600,
  },
];

/** Any player on any page may read what is published (HLS.md, D1). */
export const PLAYBACK_CORS: CorsRule = {
  allowedMethods: ['GET', 'HEAD'],
  allowedOrigins: ['*'],
  allowedHeaders: ['*'],
  exposedHeaders: ['Content-Length', 'Content-Range', 'ETag'],
  maxAgeSeconds: 86_400,
};

/**
 * What the pages may load and do. hls.js plays through a `blob:` URL of its MediaSource, makes text tracks of an empty
 * `data:` file, and runs its worker from a file of ours, so that scripts never come from anywhere but our own origin.
 * The player's elements (media-chrome) carry their styles with them; whatever a style could fetch is our own, too.
 * @param connect origins that they speak with besides their own: the upload bucket's, which takes the files
 * @param frames who may show them in a frame
 */
export const contentSecurityPolicy = (connect: readonly string[], frames: "'none'" | '*'): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self'",
    "media-src 'self' blob: data:",
    ["connect-src 'self'", ...connect].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frames}`,
  ].join('; ');

/** Seconds that a browser keeps to HTTPS; over plain HTTP on a laptop browsers ignore it (RFC 6797, 8.1). */
export const STRICT_TRANSPORT_SECONDS = 31_536_000;

/** Headers on every answer, whatever it is. */
const COMMON_HEADERS = {
  'strict-transport-security': `max-age=${STRICT_TRANSPORT_SECONDS}`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
} as const;

/**
 * Headers on every answer but those below `EMBED_PATH`: CloudFront's response headers policies and the local edge set the same.
 * @param connect as `contentSecurityPolicy` has it
 */
export const securityHeaders = (connect: readonly string[]) => ({
  ...COMMON_HEADERS,
  'x-frame-options': 'DENY',
  'content-security-policy': contentSecurityPolicy(connect, "'none'"),
});

/** What tells the API by which origin it was asked: the edge sets it on every request, whatever the viewer sent. */
export const ORIGIN_HEADER = 'x-spotreel-origin';

/** Below it is the player that other sites show in a frame. It has nothing to press but the player's own controls. */
export const EMBED_PATH = '/embed/';

/** Headers on the answers below `EMBED_PATH`. */
export const embedHeaders = (connect: readonly string[]) => ({
  ...COMMON_HEADERS,
  'content-security-policy': contentSecurityPolicy(connect, '*'),
});

/**
 * Days from its beginning after which S3 drops the parts of an upload that is not completed, whether they still come or
 * not. S3 counts to the next midnight UTC: of one day it makes 24 to 48 hours.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
 */
export const INCOMPLETE_UPLOAD_DAYS = 1;

export interface ExpiryRule {
  readonly prefix: string;
  /** Days without a write after which S3 deletes an object. */
  readonly days: number;
}

/** What S3 deletes by itself in the upload bucket: what is kept for a while. Videos never expire. */
export const uploadExpiries = (incompleteUploadDays: number): readonly ExpiryRule[] => [
  // As long as the source may still come, and a day more. Once it is there, its claim has taken all over.
  { prefix: PENDING_PREFIX, days: incompleteUploadDays + 1 },
  // A key is good for a day.
  { prefix: IDEMPOTENCY_PREFIX, days: 2 },
  // Of callers who created nothing since; what they had in flight is over.
  { prefix: USAGE_PREFIX, days: 30 },
  // Deliveries that nobody asked for again.
  { prefix: UNDELIVERED_PREFIX, days: 30 },
  // Deletions that were told: S3 does not tell of them again after so long, nor does `mend`.
  { prefix: TOLD_PREFIX, days: 2 },
];

/** Object headers of what is published: by the end of the key (HLS.md 10.4, D1). */
export const CACHE_CONTROL = {
  /** Everything below a revision never changes, but for the playlists of what is still being made. */
  immutable: 'public, max-age=31536000, immutable',
  /** Early playlists are replaced as they grow; `master.m3u8` and `video.json` by a publish or a rollback. */
  replaceable: 'public, max-age=5',
  /** Keys of encrypted segments. */
  secret: 'no-store',
} as const;

export const CONTENT_TYPES: ReadonlyArray<{ readonly suffix: string; readonly type: string }> = [
  { suffix: '.m3u8', type: 'application/vnd.apple.mpegurl' },
  { suffix: '.mp4', type: 'video/mp4' },
  { suffix: '.m4a', type: 'audio/mp4' },
  { suffix: '.vtt', type: 'text/vtt; charset=utf-8' },
  { suffix: '.json', type: 'application/json' },
  { suffix: '.key', type: 'application/octet-stream' },
  { suffix: '.html', type: 'text/html; charset=utf-8' },
  { suffix: '.js', type: 'text/javascript; charset=utf-8' },
  { suffix: '.css', type: 'text/css; charset=utf-8' },
  { suffix: '.jpg', type: 'image/jpeg' },
  { suffix: '.png', type: 'image/png' },
  { suffix: '.webp', type: 'image/webp' },
  { suffix: '.svg', type: 'image/svg+xml' },
];

/** The content type of a published key. Throws where the table has none, for then the key is a mistake. */
export function contentTypeOf(key: string): string {
  const found = CONTENT_TYPES.find(({ suffix }) => key.endsWith(suffix));
  if (!found) throw new Error(`No content type is known for '${key}'; add it to CONTENT_TYPES`);
  return found.type;
}

/**
 * EC2 makes these with an account's first spot request and first fleet, if the caller may.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
 */
export const SERVICE_ROLES = [
  { service: 'spot.amazonaws.com', role: 'AWSServiceRoleForEC2Spot' },
  { service: 'ec2fleet.amazonaws.com', role: 'AWSServiceRoleForEC2Fleet' },
];

/** What a deployment has unless its settings say otherwise. */
export const DEPLOYED = {
  /** vCPUs that may run at once; a new account's spot quota is 5. */
  maxVcpus: 4,
  /** vCPUs of on-demand machines among them. */
  maxOnDemandVcpus: 0,
  /** Availability zones to launch in. */
  zones: 3,
} as const;
