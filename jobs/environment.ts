/**
 * What a process is told through its environment. `lib` and `local` write these variables, `lambda` and
 * `worker-scripts` parse them once at their edge. The AWS SDK reads its own (`AWS_REGION`,
 * `AWS_ENDPOINT_URL_S3`, ...) itself.
 */
import { z } from 'zod';
import { pricesSchema } from '../video/prices.ts';
import { encodeSettingsSchema } from '../video/settings.ts';
import type { Ceilings, SpendingSettings } from './ledger.ts';
import { misfitsOf } from './misfits.ts';
import { reachSchema } from './webhook-request.ts';

/** Text of JSON that must hold a value of this schema. */
const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** One CPU architecture's launch template and the instance types that may run it. */
export const launchTemplateSchema = z.object({
  architecture: z.enum(['arm64', 'x86_64']),
  launchTemplateId: z.string().min(1),
  /** `$Latest`, or the number of a version. */
  version: z.string().min(1),
  instanceTypes: z.array(z.object({ type: z.string().min(1), vcpus: z.int().positive() })).min(1),
});
export type LaunchTemplate = z.infer<typeof launchTemplateSchema>;

/** Of a machine's disk, in GB. */
const diskGigabytes = z.coerce.number().positive().default(20);

/** The owner's own prices, where they differ from the list's. */
const prices = json(pricesSchema).prefault('{}');

/** What the topics of this platform's messages begin with: `spotreel/<platform>`. */
const liveTopics = z.string().regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/);

/** What every process is told. */
const common = {
  /** Names this deployment: in its log, in events, and as the value of its machines' `spotreel:platform` tag. */
  PLATFORM: z.string().min(1),
};

/** What may be spent, in US dollars. */
const ceiling = z.coerce.number().positive().optional();
const ceilings = { DAILY_CEILING: ceiling, MONTHLY_CEILING: ceiling };
const spending = { ...ceilings, DISK_GIGABYTES: diskGigabytes, PRICES: prices };

/** The ceilings of an environment. */
export const ceilingsOf = (environment: z.infer<z.ZodObject<typeof ceilings>>): Ceilings => ({
  daily: environment.DAILY_CEILING,
  monthly: environment.MONTHLY_CEILING,
});

/** The part of an environment that is about money. */
export const spendingSettingsOf = (environment: z.infer<z.ZodObject<typeof spending>>): SpendingSettings => ({
  ceilings: ceilingsOf(environment),
  prices: environment.PRICES,
  diskGigabytes: environment.DISK_GIGABYTES,
});

/** The key-value store that the edge reads; where it answers, as an SDK would be told. */
const keyValueStore = {
  KEY_VALUE_STORE: z.string().regex(/^arn:[a-z-]+:cloudfront::\d{12}:key-value-store\/[A-Za-z0-9-]+$/),
};

export const dispatchEnvironmentSchema = z.object({
  ...common,
  UPLOAD_BUCKET: z.string().min(1),
  TASKS_QUEUE_URL: z.url(),
  LAUNCH_TEMPLATES: json(z.array(launchTemplateSchema).min(1)),
  /** One subnet a zone, separated by commas. */
  SUBNET_IDS: z
    .string()
    .min(1)
    .transform((text) => text.split(',')),
  /** What an upload is encoded with, see `video/settings.ts`; every setting has a default. */
  ENCODE_SETTINGS: json(encodeSettingsSchema).prefault('{}'),
  /** vCPUs that may run at once; a new account's spot quota is 5. */
  MAX_VCPUS: z.coerce.number().int().positive(),
  /** vCPUs of on-demand machines among them that may run at once, where spot has too few. */
  MAX_ON_DEMAND_VCPUS: z.coerce.number().int().nonnegative(),
  /** Seconds within which waiting work should be done: the shorter, the more machines. */
  TARGET_SECONDS: z.coerce.number().int().positive(),
  ...spending,
  LIVE_TOPICS: liveTopics,
});
export type DispatchEnvironment = z.infer<typeof dispatchEnvironmentSchema>;

export const buryEnvironmentSchema = z.object({
  ...common,
  UPLOAD_BUCKET: z.string().min(1),
  PRODUCTION_BUCKET: z.string().min(1),
  TASKS_QUEUE_URL: z.url(),
  /** What an upload is encoded with, as dispatch is told. */
  ENCODE_SETTINGS: json(encodeSettingsSchema).prefault('{}'),
  LIVE_TOPICS: liveTopics,
});

export const mendEnvironmentSchema = z.object({
  ...common,
  UPLOAD_BUCKET: z.string().min(1),
  PRODUCTION_BUCKET: z.string().min(1),
  UPLOADS_QUEUE_URL: z.url(),
  TASKS_QUEUE_URL: z.url(),
  EVENTS_QUEUE_URL: z.url(),
  /** Seconds after which a machine should have ended itself. */
  MAX_LIFETIME_SECONDS: z.coerce.number().positive(),
  /** Days for which revisions are kept that were replaced; without it for good. */
  DELETE_REVISIONS_AFTER_DAYS: z.coerce.number().int().positive().optional(),
  /** Days for which the history of an encode is kept after its end; without it for good. */
  DELETE_JOB_STATE_AFTER_DAYS: z.coerce.number().int().positive().optional(),
  ...spending,
  LIVE_TOPICS: liveTopics,
  ...keyValueStore,
});

/** Whose JWTs count besides our own tokens. */
export const oidcSchema = z.strictObject({
  /** As `iss` has it. */
  issuer: z.url(),
  /** As `aud` has it. */
  audience: z.string().min(1),
  /** Where its keys are published: `jwks_uri` of its discovery document. */
  jwksUri: z.url(),
  /** The claim that lists scopes as `spotreel:read`, `spotreel:upload`, `spotreel:admin`. */
  claim: z.string().min(1).default('scope'),
});
export type OidcSettings = z.infer<typeof oidcSchema>;
export type OidcInput = Readonly<z.input<typeof oidcSchema>>;

/** A site, as browsers send it in `Origin`: scheme, host and port, and nothing after them. */
export const originSchema = z
  .url()
  .refine((text) => new URL(text).origin === text, 'is not an origin such as https://example.org');

/** A path in SSM's Parameter Store. */
const parameters = z.string().regex(/^(\/[A-Za-z0-9_.-]+)+$/);

/** What one caller of the API may use. */
export const quotaSchema = z.strictObject({
  /** Videos that may be uploaded or encoded at once. */
  videosInFlight: z.int().min(1).max(10_000),
  /** Bytes that may be uploaded within 24 hours. */
  bytesADay: z.int().min(1),
});
export type Quota = Readonly<z.infer<typeof quotaSchema>>;

export const apiEnvironmentSchema = z.object({
  ...common,
  UPLOAD_BUCKET: z.string().min(1),
  PRODUCTION_BUCKET: z.string().min(1),
  UPLOADS_QUEUE_URL: z.url(),
  /** What an upload is encoded with, as dispatch is told. */
  ENCODE_SETTINGS: json(encodeSettingsSchema).prefault('{}'),
  /** `open`: everybody may do everything, for a platform that only its owner can reach. */
  ACCESS: z.enum(['open', 'tokens']),
  /** Where tokens are kept in SSM's Parameter Store: `/spotreel/<platform>`. */
  PARAMETERS: parameters,
  OIDC: json(oidcSchema).optional(),
  /** Sites whose pages may call the API besides our own. */
  CORS_ORIGINS: json(z.array(originSchema)).prefault('[]'),
  /** What each caller may use; without it as much as they like. */
  QUOTA: json(quotaSchema).optional(),
  ...ceilings,
  PRICES: prices,
  EVENTS_QUEUE_URL: z.url(),
  /** Where webhooks may go, as notify is told. */
  WEBHOOK_REACH: reachSchema,
  LIVE_TOPICS: liveTopics,
  /** Where who follows videos connects to: MQTT over WebSocket. */
  LIVE_URL: z.string().regex(/^wss?:\/\//),
  ...keyValueStore,
});

export const notifyEnvironmentSchema = z.object({
  ...common,
  UPLOAD_BUCKET: z.string().min(1),
  PRODUCTION_BUCKET: z.string().min(1),
  EVENTS_QUEUE_URL: z.url(),
  /** Where endpoints' secrets are kept, as the API is told. */
  PARAMETERS: parameters,
  WEBHOOK_REACH: reachSchema,
  /** Seconds between the tries of a delivery; SQS can hide a message for 12 hours. */
  RETRY_SECONDS: json(
    z.array(
      z
        .number()
        .nonnegative()
        .max(12 * 3600),
    ),
  ),
});

export const authorizeLiveEnvironmentSchema = z.object({
  ...common,
  /** Where tokens are kept, as the API is told. */
  PARAMETERS: parameters,
  LIVE_TOPICS: liveTopics,
});

export const workerEnvironmentSchema = z.object({
  ...common,
  /** The group of CloudWatch Logs that takes the workers' lines. */
  LOG_GROUP: z.string().min(1),
  UPLOAD_BUCKET: z.string().min(1),
  PRODUCTION_BUCKET: z.string().min(1),
  UPLOADS_QUEUE_URL: z.url(),
  TASKS_QUEUE_URL: z.url(),
  /** Seconds without a task after which the worker ends. */
  IDLE_SECONDS: z.coerce.number().positive().default(120),
  /** Folder for scratch files; emptied task by task. */
  SCRATCH_DIR: z.string().min(1).default('/var/tmp/spotreel'),
  /** Whether ffmpeg may run where no cage can be had for it (docs/security.md): on a laptop without namespaces. */
  CAGE: z.enum(['required', 'where-possible']).default('where-possible'),
  DISK_GIGABYTES: diskGigabytes,
  PRICES: prices,
  LIVE_TOPICS: liveTopics,
});

/** The tag that marks a deployment's machines. */
export const PLATFORM_TAG = 'spotreel:platform';

/**
 * Parses an environment. Throws one `Error` that names every variable that is missing or malformed.
 * @param variables usually `process.env`
 */
export function parseEnvironment<T extends z.ZodType>(schema: T, variables: NodeJS.ProcessEnv): z.infer<T> {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return parsed.data;
  throw new Error(`The environment is not usable: ${misfitsOf(parsed.error).join('; ')}`);
}
