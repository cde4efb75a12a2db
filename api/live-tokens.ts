/** Live tokens: a signed word that lets one client hear of one video, or of all, and do nothing else. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { EVERY_VIDEO } from '../jobs/live-message.ts';
import { isVideoId } from '../jobs/names.ts';
import { readToken, signToken } from './signed-tokens.ts';

/** Seconds that a token is good for, and the connection that was opened with it. */
const LIFETIME_SECONDS = 3600;

const KIND = {
  audience: 'spotreel:live',
  schema: z.object({
    /** An id, or every one. */
    video: z.string().refine((video): boolean => video === EVERY_VIDEO || isVideoId(video)),
    /** The MQTT client that it is for: one of the same id would end that one's connection, so ids are never chosen. */
    clientId: z.string().regex(/^spotreel-[0-9a-f-]{36}$/),
  }),
};

/** Makes a token. @param video its id, or `EVERY_VIDEO` */
export async function createLiveToken(secret: Uint8Array, video: string) {
  const clientId = `spotreel-${randomUUID()}`;
  return { clientId, ...(await signToken(secret, KIND, { video, clientId }, LIFETIME_SECONDS)) };
}

/** What a token lets hear, whom, and until which second since 1970. Throws where it is no good. */
export async function readLiveToken(secret: Uint8Array, token: string) {
  const { payload, expires } = await readToken(secret, KIND, token);
  return { ...payload, expires };
}
