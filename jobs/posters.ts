/**
 * A poster of the owner's own: any picture in the place of the one that was chosen from the video. It is stored beside
 * the revisions, so that it outlives them, and named in the owner's edits.
 */
import { createHash } from 'node:crypto';
import { imageHeader } from '../video/image.ts';
import { readClaim } from './claim.ts';
import { type Edits, recordEdits } from './edits.ts';
import { type VideoId, videoKeys } from './names.ts';
import { CACHE_CONTROL, contentTypeOf } from './platform.ts';
import { republishDetails, type Stores } from './publish.ts';
import { RefusedError } from './refused.ts';

/** Bytes of a poster: one of 4K takes about two million. It fits into a Lambda's request (6 MB), in base64, too. */
export const MAX_POSTER_BYTES = 4 * 1024 * 1024;

/** Pixels of a poster's longer side: what a page must be able to show anywhere. */
const MAX_POSTER_SIDE = 8192;

/** A request that can not be met; the message says why and what can be done. */
export class PosterError extends RefusedError<'no-such-video' | 'not-a-picture' | 'too-large'> {
  override readonly name = 'PosterError';
}

/** Gives a video a poster of its owner's. Throws `PosterError`. @param bytes of a JPEG, PNG or WebP file */
export async function setPoster(stores: Stores, video: VideoId, bytes: Uint8Array): Promise<void> {
  await requireVideo(stores, video);
  if (bytes.length > MAX_POSTER_BYTES)
    throw new PosterError(
      'too-large',
      `The file has ${bytes.length} bytes; a poster may have ${MAX_POSTER_BYTES}.`,
    );
  const image = imageHeader(bytes);
  if (!image) throw new PosterError('not-a-picture', 'The file is no JPEG, PNG or WebP.');
  const { suffix, width, height } = image;
  if (Math.max(width, height) > MAX_POSTER_SIDE)
    throw new PosterError(
      'too-large',
      `The picture has ${width} x ${height} pixels; a poster may have ${MAX_POSTER_SIDE} on a side.`,
    );
  const name = `${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}${suffix}`;
  const key = videoKeys.poster(video, name);
  await stores.production.putOnce(key, bytes, {
    contentType: contentTypeOf(key),
    cacheControl: CACHE_CONTROL.immutable,
  });
  const poster = { path: key.slice(videoKeys.root(video).length), width, height };
  await replacePoster(stores, video, poster);
}

/** Goes back to the poster that was chosen from the video. Repeatable. Throws `PosterError`. */
export async function unsetPoster(stores: Stores, video: VideoId): Promise<void> {
  await requireVideo(stores, video);
  await replacePoster(stores, video, null);
}

/** Shows another poster. The one before goes: its owner may have had reasons. */
async function replacePoster(stores: Stores, video: VideoId, poster: Edits['poster']): Promise<void> {
  const { poster: before } = await recordEdits(stores.uploads, video, { poster });
  await republishDetails(stores, video);
  if (before && before.path !== poster?.path)
    await stores.production.delete(videoKeys.root(video) + before.path);
}

async function requireVideo({ uploads }: Stores, video: VideoId): Promise<void> {
  if (!(await readClaim(uploads, video)))
    throw new PosterError('no-such-video', `There is no video ${video}, or its source is not there yet.`);
}
