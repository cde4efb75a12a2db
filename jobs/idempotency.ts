/**
 * Creations that may be repeated: `idempotency/<hash>.json` says what a request under an `Idempotency-Key` made, for a
 * day. After draft-ietf-httpapi-idempotency-key-header.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { encodeSchema } from './messages.ts';
import { IDEMPOTENCY_PREFIX, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

/** Milliseconds for which a key names what it made. */
export const KEPT_MS = 24 * 3600 * 1000;

const madeSchema = z.object({
  /** Of the request: another one under the same key is a mistake. */
  fingerprint: z.string(),
  video: encodeSchema.shape.video,
  /** ISO 8601. */
  at: z.string(),
});

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/**
 * The id that a request under a key makes: `id`, or that of the same request before it. Undefined where the key was used
 * for another request.
 * @param caller whose key it is: two callers may use the same
 */
export async function idUnderKey(
  uploads: ObjectStore,
  request: { readonly caller: string; readonly key: string; readonly body: unknown },
  id: VideoId,
): Promise<VideoId | undefined> {
  const name = `${IDEMPOTENCY_PREFIX}${sha256([request.caller, request.key])}.json`;
  const fingerprint = sha256(request.body);
  let made: z.infer<typeof madeSchema> = { fingerprint, video: id, at: new Date().toISOString() };
  await uploads.updateJson(name, madeSchema, (before) => {
    if (!before || Date.now() - Date.parse(before.at) >= KEPT_MS) return made;
    made = before;
    return undefined;
  });
  return made.fingerprint === fingerprint ? made.video : undefined;
}
