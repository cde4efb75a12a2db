/**
 * The construct's props from CDK context: `cdk.json` or `-c maxVcpus=64`. Values of `-c` are strings, those of
 * `cdk.json` are typed, so both are taken.
 */
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import type { Node } from 'constructs';
import { z } from 'zod';
import { jsonOr } from '../jobs/json-or.ts';
import { misfitsOf } from '../jobs/misfits.ts';
import { vpcIdsSchema } from '../jobs/vpc-ids.ts';
import { domainSchema } from './domain.ts';
import type { SpotreelStackProps } from './stack.ts';
import { REQUESTS_PER_ADDRESS, type WebAclRules, webAclRulesSchema } from './web-acl.ts';

/** A list, or what it would be with commas between. */
const words = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? value.split(',') : value), z.array(schema));

const number = jsonOr(z.number()).optional();
const architecture = z.enum(['arm64', 'x86_64']);
const workerTypes = z.array(z.object({ type: z.string(), vcpus: z.number() })).optional();

/** Every context key of ours. */
const contextSchema = z.object({
  maxVcpus: number,
  maxOnDemandVcpus: number,
  turnaroundSeconds: number,
  /** `arm64`, `x86_64` or `arm64,x86_64`. */
  architectures: words(architecture).optional(),
  instanceTypes: jsonOr(z.object({ arm64: workerTypes, x86_64: workerTypes })).optional(),
  idleSeconds: number,
  maxLifetimeMinutes: number,
  rootVolumeGib: number,
  prebakedImage: jsonOr(z.boolean()).optional(),
  zones: number,
  vpc: jsonOr(vpcIdsSchema).optional(),
  encodeSettings: jsonOr(z.record(z.string(), z.unknown())).optional(),
  lifecycle: jsonOr(z.record(z.string(), z.unknown())).optional(),
  oidc: jsonOr(z.record(z.string(), z.unknown())).optional(),
  dailyCeiling: number,
  monthlyCeiling: number,
  prices: jsonOr(z.record(z.string(), z.number())).optional(),
  corsOrigins: words(z.string()).optional(),
  videosInFlight: number,
  bytesADay: number,
  alarmEmail: z.string().optional(),
  /** `retain` or `destroy`. */
  removalPolicy: z.enum(['retain', 'destroy']).optional(),
  domain: jsonOr(domainSchema).optional(),
  /** The ARN of one that is there, or rules of one that is to be made. */
  webAcl: z
    .union([z.templateLiteral(['arn:', z.string()]), jsonOr(webAclRulesSchema)], {
      error: ({ input }) =>
        `is ${JSON.stringify(input)}; give an ARN, or rules: {} or {"requestsPerAddress": ${REQUESTS_PER_ADDRESS}}`,
    })
    .optional(),
  /** `100`, `200` or `all`. */
  priceClass: z.preprocess(String, z.enum(['100', '200', 'all'])).optional(),
});

/** What the context says: of a web ACL that is to be made, the rules. */
export interface ContextProps extends Omit<SpotreelStackProps, 'webAcl'> {
  readonly webAcl?: string | WebAclRules;
}

/** Names of settings, beside `name`. */
export const CONTEXT_KEYS = Object.keys(contextSchema.shape);

const REMOVAL_POLICIES = { retain: RemovalPolicy.RETAIN, destroy: RemovalPolicy.DESTROY };
const PRICE_CLASSES = {
  100: PriceClass.PRICE_CLASS_100,
  200: PriceClass.PRICE_CLASS_200,
  all: PriceClass.PRICE_CLASS_ALL,
};

/** The props that the context sets. Throws one `Error` that names every malformed value. */
export function propsFromContext(node: Node): ContextProps {
  const given = CONTEXT_KEYS.map((key) => [key, node.tryGetContext(key)] as const);
  const parsed = contextSchema.safeParse(
    Object.fromEntries(given.filter(([, value]) => value !== undefined)),
  );
  if (!parsed.success)
    throw new Error(`The CDK context is not usable: ${misfitsOf(parsed.error).join('; ')}`);
  const {
    turnaroundSeconds,
    maxLifetimeMinutes,
    rootVolumeGib,
    videosInFlight,
    bytesADay,
    removalPolicy,
    priceClass,
    vpc,
    ...same
  } = parsed.data;
  const quota = withoutUndefined({ videosInFlight, bytesADay });
  // Only keys whose value is undefined are left out, so what remains has the type of the props.
  return withoutUndefined({
    ...same,
    vpcIds: vpc,
    turnaround: turnaroundSeconds === undefined ? undefined : Duration.seconds(turnaroundSeconds),
    maxLifetime: maxLifetimeMinutes === undefined ? undefined : Duration.minutes(maxLifetimeMinutes),
    rootVolume: rootVolumeGib === undefined ? undefined : Size.gibibytes(rootVolumeGib),
    quota: Object.keys(quota).length > 0 ? quota : undefined,
    removalPolicy: removalPolicy && REMOVAL_POLICIES[removalPolicy],
    priceClass: priceClass && PRICE_CLASSES[priceClass],
  });
}

const withoutUndefined = (values: object) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
