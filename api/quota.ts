/** What a caller may use, as the API tells of it. */
import type { VideoId } from '../jobs/names.ts';
import { reserve } from '../jobs/usage.ts';
import type { Principal } from './access.ts';
import type { ApiContext } from './context.ts';
import { ProblemError } from './problems.ts';

/** Counts an upload as its caller's. Throws a `ProblemError` with the numbers where their quota has no room for it. */
export async function requireRoom(
  { stores, quota }: ApiContext,
  who: Principal,
  upload: { readonly video: VideoId; readonly bytes: number },
): Promise<void> {
  const refusal = quota && (await reserve(stores.uploads, quota, who.id, upload));
  if (!refusal) return;
  const { retryAfter, ...numbers } = refusal;
  if (retryAfter === undefined)
    throw new ProblemError(
      'too-large',
      `${numbers.limit} bytes a day are allowed, and the file alone has ${upload.bytes}`,
      { quota: numbers },
    );
  const detail = {
    videosInFlight: `${numbers.used} videos are being uploaded or encoded, and ${numbers.limit} may be`,
    bytesADay: `${numbers.used} bytes were uploaded within 24 hours, of ${numbers.limit} allowed; the file has ${upload.bytes}`,
  }[numbers.of];
  throw new ProblemError('too-many-requests', detail, { quota: numbers, retryAfter });
}
