/** Words that we sign and read again: JWTs for one purpose each. */
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { z } from 'zod';

const ISSUER = 'spotreel';
const ALGORITHM = 'HS256';

/** What a kind of token is for, which no other passes for, and what it holds. */
export interface TokenKind<T> {
  readonly audience: string;
  readonly schema: T;
}

/** Makes a token. @param seconds that it is good for */
export async function signToken<T extends z.ZodType<JWTPayload>>(
  secret: Uint8Array,
  { audience }: TokenKind<T>,
  payload: z.infer<T>,
  seconds: number,
): Promise<{ token: string; expiresAt: string }> {
  const expires = Math.floor(Date.now() / 1000) + seconds;
  const token = await new SignJWT(payload)
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(audience)
    .setExpirationTime(expires)
    .sign(secret);
  return { token, expiresAt: new Date(expires * 1000).toISOString() };
}

/**
 * What a token holds, and the second since 1970 at which it expires. Throws where it is expired, tampered with, of
 * another kind or not ours.
 */
export async function readToken<T extends z.ZodType<JWTPayload>>(
  secret: Uint8Array,
  { audience, schema }: TokenKind<T>,
  token: string,
): Promise<{ payload: z.infer<T>; expires: number }> {
  const { payload } = await jwtVerify(token, secret, {
    algorithms: [ALGORITHM],
    issuer: ISSUER,
    audience,
    requiredClaims: ['exp'],
  });
  return { payload: schema.parse(payload), expires: payload.exp ?? 0 };
}
