/** Upload tokens: a signed word that lets a browser bring one file, under one id, and nothing else. */
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { newVideoId } from '../jobs/names.ts';
import type { Principal, UploadGrant } from './access.ts';
import { ProblemError } from './problems.ts';
import { createUploadTokenSchema, videoIdSchema } from './schemas.ts';

/** Who the tokens are from and for: no other JWT passes for one, and they pass for no other. */
const ISSUER = 'spotreel';
const AUDIENCE = 'spotreel:upload';
const ALGORITHM = 'HS256';

const grantSchema = createUploadTokenSchema.omit({ expiresIn: true }).extend({ video: videoIdSchema });
const payloadSchema = z.object({ grant: grantSchema, by: z.string() });

export type UploadTokenRequest = z.infer<typeof createUploadTokenSchema>;

/** Makes a token for one new upload. */
export async function createUploadToken(secret: Uint8Array, by: Principal, request: UploadTokenRequest) {
  const { expiresIn, ...said } = request;
  const id = newVideoId();
  const expires = Math.floor(Date.now() / 1000) + expiresIn;
  const token = await new SignJWT({ grant: { ...said, video: id }, by: by.id })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime(expires)
    .sign(secret);
  return { id, token, expiresAt: new Date(expires * 1000).toISOString() };
}

/** Who an upload token speaks for. Throws a `ProblemError` where it is expired, tampered with or not ours. */
export async function readUploadToken(secret: Uint8Array, token: string): Promise<Principal> {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp'],
    });
    const { grant, by } = payloadSchema.parse(payload);
    const granted: UploadGrant = grant;
    return { id: by, scopes: new Set(), grant: granted };
  } catch (error) {
    throw new ProblemError('unauthenticated', `The upload token is no good: ${String(error)}`);
  }
}
