/**
 * Encodes that have not ended: one marker each, `open/<id>/<revision>`, written before anything else of the encode
 * and deleted when it has ended. The sweeper lists these few instead of every video there ever was. A marker that
 * stays behind is harmless: the sweeper finds that its encode has ended, and deletes it.
 */
import { z } from 'zod';
import type { Encode } from './messages.ts';
import { encodeBelow, OPEN_PREFIX, openKey, openPrefix, untoldKey, type VideoId } from './names.ts';
import type { ObjectStore } from './store.ts';

const markerSchema = z.object({
  /** ISO 8601: when it was asked for, or asked for again. */
  since: z.iso.datetime(),
});

export interface OpenEncode extends Encode {
  /** When the marker was written last: at the beginning, and each time the sweeper helped. */
  readonly markedAt: Date;
}

/** Says that an encode is to end, and that others are to be told then. Its time begins anew where it was open already. */
export async function markOpen(
  uploads: ObjectStore,
  { video, revision }: Encode,
  since: Date = new Date(),
): Promise<void> {
  const marker: z.infer<typeof markerSchema> = { since: since.toISOString() };
  await markUntold(uploads, { video, revision });
  await uploads.putJson(openKey(video, revision), marker);
}

/** Says that others are to be told how an encode ends, or that it plays again (jobs/mend-events.ts). */
export async function markUntold(uploads: ObjectStore, { video, revision }: Encode): Promise<void> {
  await uploads.put(untoldKey(video, revision), '', { contentType: 'text/plain' });
}

/** Says that an encode has ended. */
export async function unmarkOpen(uploads: ObjectStore, { video, revision }: Encode): Promise<void> {
  await uploads.delete(openKey(video, revision));
}

/** Since when an encode is open; undefined where it is not. */
export async function openSince(
  uploads: ObjectStore,
  { video, revision }: Encode,
): Promise<Date | undefined> {
  const marker = await uploads.getJson(openKey(video, revision), markerSchema);
  return marker && new Date(marker.since);
}

/** Whether any encode of a video is open. */
export async function hasOpen(uploads: ObjectStore, video: VideoId): Promise<boolean> {
  const { done } = await uploads.list(openPrefix(video)).next();
  return done !== true;
}

/** Every encode that has a marker. */
export async function* listOpen(uploads: ObjectStore): AsyncGenerator<OpenEncode> {
  for await (const { key, lastModified } of uploads.list(OPEN_PREFIX)) {
    const encode = encodeBelow(OPEN_PREFIX, key);
    if (encode) yield { ...encode, markedAt: lastModified };
  }
}
