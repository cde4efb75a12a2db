/** CORS per bucket. https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html */
import type { IncomingMessage } from 'node:http';
import type { CorsRule } from '../../jobs/platform.ts';
import { S3Error } from './errors.ts';

const allows = (patterns: readonly string[], value: string): boolean =>
  patterns.some((pattern) => {
    const [start = '', end] = pattern.toLowerCase().split('*');
    const text = value.toLowerCase();
    return end === undefined ? text === start : text.startsWith(start) && text.endsWith(end);
  });

function ruleFor(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  headers: readonly string[],
): CorsRule | undefined {
  return rules.find(
    (rule) =>
      allows(rule.allowedOrigins, origin) &&
      (rule.allowedMethods as readonly string[]).includes(method) &&
      headers.every((header) => allows(rule.allowedHeaders, header)),
  );
}

function answer(rule: CorsRule, origin: string): Record<string, string> {
  const anyone = rule.allowedOrigins.includes('*');
  return {
    'access-control-allow-origin': anyone ? '*' : origin,
    'access-control-expose-headers': rule.exposedHeaders.join(', '),
    ...(!anyone && { 'access-control-allow-credentials': 'true' }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

/** Headers for the answer to an ordinary request; none where no rule lets its origin in. */
export function corsHeaders(
  rules: readonly CorsRule[],
  { headers, method = '' }: IncomingMessage,
): Record<string, string> {
  const { origin } = headers;
  const rule = origin === undefined ? undefined : ruleFor(rules, origin, method, []);
  return rule && origin !== undefined ? answer(rule, origin) : {};
}

/** Headers for the answer to a preflight request. Throws `AccessForbidden` where no rule allows it. */
export function preflightHeaders(
  rules: readonly CorsRule[],
  { headers }: IncomingMessage,
): Record<string, string> {
  const origin = headers.origin ?? '';
  const method = headers['access-control-request-method'] ?? '';
  const asked = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const rule = ruleFor(rules, origin, method, asked);
  if (!rule) throw new S3Error('AccessForbidden', `${method} from '${origin}' with '${asked.join(', ')}'`);
  return {
    ...answer(rule, origin),
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    'access-control-allow-headers': asked.join(', '),
    'access-control-max-age': String(rule.maxAgeSeconds),
  };
}
