/** `publish`: checks the whole tree against the plan, writes the playlists, and last of all the master. */

import { type Revision, type VideoId, videoKeys } from '../jobs/names.ts';
import { CACHE_CONTROL, contentTypeOf } from '../jobs/platform.ts';
import { readReceipts } from '../jobs/progress.ts';
import { toStoredJson } from '../jobs/store.ts';
import { videoDetails } from '../video/details.ts';
import {
  audioPlaylist,
  audioSegments,
  keyFramePlaylist,
  masterPlaylist,
  targetDuration,
  videoPlaylist,
  videoSegments,
} from '../video/playlists.ts';
import { audioRendition, objectsOf, verifyTree } from '../video/verify.ts';
import { requireClaim, requirePlan, type TaskContext } from './context.ts';

/** Bytes of every object of a revision, by its path below it. */
async function storedSizes(context: TaskContext, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of context.production.list(prefix))
    sizes.set(key.slice(prefix.length), size);
  return sizes;
}

export async function publishTask(context: TaskContext, { video }: { video: VideoId }): Promise<void> {
  const { uploads, production } = context;
  const [claim, plan] = await Promise.all([requireClaim(context, video), requirePlan(context, video)]);
  const revision = plan.revision as Revision; // plans are written with a revision
  const [receipts, stored] = await Promise.all([
    readReceipts(uploads, video, plan),
    storedSizes(context, videoKeys.media(video, revision, '')),
  ]);
  if (!receipts) throw new Error(`Video ${video} is not complete yet; publish came too early`);
  const problems = verifyTree(plan, receipts, stored);
  if (problems.length > 0) throw new Error(`The tree of ${video} is not as planned: ${problems.join('; ')}`);

  const rungs = plan.rungs.map(({ name }) => ({ name, objects: objectsOf(receipts, name) }));
  const audio = plan.audio.map((_, index) => {
    const name = audioRendition(index);
    return { name, objects: objectsOf(receipts, name) };
  });
  const target = targetDuration(
    ...rungs.map(({ objects }) => videoSegments(plan, objects)),
    ...audio.map(({ objects }) => audioSegments(objects)),
  );
  const playlists = [
    ...rungs.flatMap(({ name, objects }) => [
      { path: `${name}/index.m3u8`, text: videoPlaylist(plan, objects, target) },
      { path: `${name}/iframes.m3u8`, text: keyFramePlaylist(plan, objects) },
    ]),
    ...audio.map(({ name, objects }) => ({
      path: `${name}/index.m3u8`,
      text: audioPlaylist(objects, target),
    })),
  ];
  await Promise.all(
    playlists.map(({ path, text }) => {
      const key = videoKeys.media(video, revision, path);
      return production.putOnce(key, text, {
        contentType: contentTypeOf(key),
        cacheControl: CACHE_CONTROL.immutable,
      });
    }),
  );
  const replace = (key: string, text: string) =>
    production.put(key, text, { contentType: contentTypeOf(key), cacheControl: CACHE_CONTROL.replaceable });
  await replace(videoKeys.details(video), toStoredJson(videoDetails(video, claim.fileName, plan)));
  // Replacing the master is the publish: everything that it points to is there.
  await replace(videoKeys.master(video), masterPlaylist(plan, `${revision}/`, rungs, audio));
}
