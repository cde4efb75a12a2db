/** Upload tokens: a signed word that lets a browser bring one file, under one id, and nothing else. */
import { z } from 'zod';
import { newVideoId } from '../jobs/names.ts';
import type { Principal, UploadGrant } from './access.ts';
import { refusalOf } from './jwt.ts';
import { createUploadTokenSchema, videoIdSchema } from './schemas.ts';
import { readToken, signToken } from './signed-tokens.ts';

const grantSchema = createUploadTokenSchema.omit({ expiresIn: true }).extend({ video: videoIdSchema });
const KIND = { audience: 'spotreel:upload', schema: z.object({ grant: grantSchema, by: z.string() }) };

export type UploadTokenRequest = z.infer<typeof createUploadTokenSchema>;

/** Makes a token for one new upload. */
export async function createUploadToken(secret: Uint8Array, by: Principal, request: UploadTokenRequest) {
  const { expiresIn, ...said } = request;
  const id = newVideoId();
  const signed = await signToken(secret, KIND, { grant: { ...said, video: id }, by: by.id }, expiresIn);
  return { id, ...signed };
}

/** Who an upload token speaks for. Throws a `ProblemError` where it is expired, tampered with or not ours. */
export async function readUploadToken(secret: Uint8Array, token: string): Promise<Principal> {
  try {
    const { grant, by } = (await readToken(secret, KIND, token)).payload;
    const granted: UploadGrant = grant;
    return { id: by, scopes: new Set(), grant: granted };
  } catch (error) {
    throw refusalOf('upload token', error);
  }
}
