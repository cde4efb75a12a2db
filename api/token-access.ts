/** Who asks, by the bearer token of the request: an API token, an upload token, or a JWT of the owner's OIDC issuer. */
import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import type { OidcSettings } from '../jobs/environment.ts';
import { log } from '../jobs/log.ts';
import { type Scope, scopeSchema, TOKEN_PREFIX, type Tokens } from '../jobs/tokens.ts';
import type { Authenticate, Principal } from './access.ts';
import { areKeysAway, refusalOf } from './jwt.ts';
import { ProblemError } from './problems.ts';
import { readUploadToken } from './upload-tokens.ts';

/** Signatures that an issuer's published key can check; none with a shared secret, and not `none`. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

/** Seconds after which an issuer's keys may be there again. */
const AWAY_SECONDS = 10;

/** What a scope is called in an issuer's token: `spotreel:read`. */
const OIDC_SCOPE = 'spotreel:';

const noGood = (detail: string) => new ProblemError('unauthenticated', detail);

/** The bearer token of a request (RFC 6750, 2.1); undefined where it has none. */
function bearer(request: Request): string | undefined {
  const header = request.headers.get('authorization');
  if (header === null) return undefined;
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? [];
  if (token === undefined) throw noGood('The Authorization header is not `Bearer` and a token');
  return token;
}

async function byApiToken(tokens: Tokens, text: string): Promise<Principal> {
  const token = await tokens.find(text);
  if (!token) throw noGood('The token is not known, or is revoked');
  return { id: `token:${token.id}`, scopes: new Set(token.scopes) };
}

/** The scopes that a claim names: words of a text, or a list of texts. */
function scopesOf(claim: unknown): Set<Scope> {
  const words = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(
    words.flatMap((word) => {
      if (typeof word !== 'string' || !word.startsWith(OIDC_SCOPE)) return [];
      const scope = scopeSchema.safeParse(word.slice(OIDC_SCOPE.length)).data;
      return scope ? [scope] : [];
    }),
  );
}

function oidcReader({ issuer, audience, jwksUri, claim }: OidcSettings) {
  const keys = createRemoteJWKSet(new URL(jwksUri));
  return async (token: string): Promise<Principal> => {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ['exp', 'sub'],
    }).catch((error: unknown) => {
      if (!areKeysAway(error)) throw refusalOf(`token of ${issuer}`, error);
      log('error', 'issuer-away', { jwksUri, error: String(error) });
      throw new ProblemError('unavailable', `The keys of ${issuer} could not be read`, {
        retryAfter: AWAY_SECONDS,
      });
    });
    // jose sees that it is there; that it is a text is its issuer's duty (RFC 7519, 4.1.2).
    if (typeof payload.sub !== 'string')
      throw noGood(`The token of ${issuer} is no good: its claim 'sub' is no text`);
    return { id: `oidc:${payload.sub}`, scopes: scopesOf(payload[claim]) };
  };
}

/** Tells callers by their tokens. @param oidc whose JWTs count besides our own tokens */
export function tokenAccess(tokens: Tokens, oidc: OidcSettings | undefined): Authenticate {
  const readOidc = oidc && oidcReader(oidc);
  return async (request) => {
    const token = bearer(request);
    if (token === undefined) return undefined;
    if (token.startsWith(TOKEN_PREFIX)) return byApiToken(tokens, token);
    const claims = claimsOf(token);
    if (!claims)
      throw noGood(`The token is no good: it is neither an API token (${TOKEN_PREFIX}…) nor a JWT`);
    if (readOidc && claims.iss === oidc?.issuer) return readOidc(token);
    return readUploadToken(await tokens.secret(), token);
  };
}

/** What a JWT says, unchecked; undefined where it is none. */
function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** The laptop's names: whoever reaches them is on this machine. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Lets everybody do everything who sends no token: for a platform that only its owner can reach. Another site's page in the owner's browser
 * reaches it too: that is told by its `Origin`, or, where its name was rebound to this address, by the `Host`.
 */
export function openAccess(tokens: Tokens): Authenticate {
  const byToken = tokenAccess(tokens, undefined);
  return async (request) => {
    requireOwn(request);
    return (await byToken(request)) ?? { id: 'anyone', scopes: new Set(['admin']) };
  };
}

function requireOwn(request: Request): void {
  const host = request.headers.get('host') ?? new URL(request.url).host;
  if (!LOOPBACK.test(host))
    throw new ProblemError(
      'forbidden',
      `This platform is open, and only to its own machine; not as '${host}'`,
    );
  const origin = request.headers.get('origin');
  if (origin !== null && origin !== `http://${host}`)
    throw new ProblemError('forbidden', `This platform is open, and only to its own pages; not to ${origin}`);
}
