/**
 * Publishing: what was made is checked against the plan, gets its playlists, and is switched to. The switch is one
 * object, `v/<id>/master.m3u8`, which names one revision: so it is atomic, and rolling back is the same act.
 */
import { type Details, detailsSchema, videoDetails } from '../video/details.ts';
import { EARLY_PATH } from '../video/early.ts';
import { SourceError } from '../video/failures.ts';
import { masterPlaylist, renditionsOf } from '../video/multivariant.ts';
import type { Plan } from '../video/plan.ts';
import {
  audioPlaylist,
  emptyPlaylist,
  hasKeyFrames,
  keyFramePlaylist,
  targetDuration,
  videoPlaylist,
} from '../video/playlists.ts';
import { type Receipt, unmadeAmong } from '../video/receipt.ts';
import { madeText } from '../video/text/made.ts';
import { textRate } from '../video/text/rate.ts';
import type { TextRendition } from '../video/text/tracks.ts';
import { verifyTree } from '../video/verify.ts';
import { learnFrom } from './calibration.ts';
import { readClaim } from './claim.ts';
import { descriptionOf, readEdits } from './edits.ts';
import type { Encode } from './messages.ts';
import { isRevision, jobKeys, type Revision, type VideoId, videoKeys } from './names.ts';
import { unmarkOpen } from './open.ts';
import { CACHE_CONTROL, contentTypeOf } from './platform.ts';
import { readDownloadReceipts, readPlan, readReceipts } from './progress.ts';
import { requestedRevision } from './requests.ts';
import { readSidecars, renderSidecars, sidecarIds } from './sidecars.ts';
import { recordSpent } from './spent.ts';
import { type ObjectStore, toStoredJson } from './store.ts';

export interface Stores {
  readonly uploads: ObjectStore;
  readonly production: ObjectStore;
}

/** The headers of what is replaced when another revision plays. */
const replaceable = (key: string) => ({
  contentType: contentTypeOf(key),
  cacheControl: CACHE_CONTROL.replaceable,
});

/** Takes an owner's changes over into what is published. */
export async function republishDetails({ uploads, production }: Stores, video: VideoId): Promise<void> {
  const key = videoKeys.details(video);
  await production.update(key, replaceable(key), async () => {
    const details = await readDetails(production, video);
    if (!details) return undefined; // publishing will take them over
    const claim = await readClaim(uploads, video);
    const edits = await readEdits(uploads, video);
    const { title, metadata } = descriptionOf(video, claim, edits);
    const { poster: _, ...rest } = details;
    const poster = edits.poster ?? details.thumbnails[0];
    return toStoredJson({ ...rest, title, metadata, ...(poster && { poster }) });
  });
}

/** What was said of a video when it was published; undefined where it is not. */
export const readDetails = (production: ObjectStore, video: VideoId): Promise<Details | undefined> =>
  production.getJson(videoKeys.details(video), detailsSchema);

/** The revision that plays; undefined where the video is not published. */
export async function publishedRevision(
  production: ObjectStore,
  video: VideoId,
): Promise<Revision | undefined> {
  const master = await production.getText(videoKeys.master(video));
  const revision = /^([0-9a-f]+)\/.*\.m3u8$/m.exec(master ?? '')?.[1] ?? '';
  return isRevision(revision) ? revision : undefined;
}

/** Bytes of every object of a revision, by its path below it. */
async function storedSizes(production: ObjectStore, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of production.list(prefix)) sizes.set(key.slice(prefix.length), size);
  return sizes;
}

/** The playlists of a revision by their path below it, and the master, which lies above it. */
function playlistsOf(plan: Plan, receipts: readonly Receipt[]) {
  const { rungs, audio } = renditionsOf(plan, receipts);
  const target = targetDuration(plan);
  const textFrom = (base: string): TextRendition[] =>
    madeText(plan, receipts).map(({ track, path, sizes }) => ({
      ...track,
      uri: `${base}${path}`,
      rate: textRate(sizes, plan),
    }));
  const masterFrom = (base: string, added: readonly TextRendition[]) =>
    masterPlaylist({ plan, base, rungs, audio, text: [...textFrom(base), ...added] });
  const below = [
    ...rungs.flatMap(({ name, objects }) => [
      { path: `${name}/index.m3u8`, text: videoPlaylist(plan, objects, target) },
      ...(hasKeyFrames(plan)
        ? [{ path: `${name}/iframes.m3u8`, text: keyFramePlaylist(plan, objects) }]
        : []),
    ]),
    ...audio.map(({ name, objects }) => ({
      path: `${name}/index.m3u8`,
      text: objects.length > 0 ? audioPlaylist(objects, target) : emptyPlaylist(target),
    })),
    { path: EARLY_PATH, text: masterFrom('', []) },
  ];
  const masterWith = (added: readonly TextRendition[]) => masterFrom(`${plan.revision}/`, added);
  return { below, masterWith };
}

/** Writes a playlist for good, in the place of an early one if there was any. */
async function settle(production: ObjectStore, key: string, text: string): Promise<void> {
  const headers = { contentType: contentTypeOf(key), cacheControl: CACHE_CONTROL.immutable };
  await production.update(key, headers, (present) => (present === text ? undefined : text));
}

/**
 * Checks an encode's tree, writes its playlists, and lets it play where it is the revision that was asked for.
 * Doing it again changes nothing.
 * @returns `unchanged` where it played already, `superseded` where another revision was asked for since
 * @throws where anything is missing or not as planned; then what plays is left as it is
 */
export async function publish(
  stores: Stores,
  encode: Encode,
): Promise<'published' | 'unchanged' | 'superseded'> {
  const startedAt = new Date();
  const { uploads, production } = stores;
  const { video, revision } = encode;
  const [claim, plan] = await Promise.all([readClaim(uploads, video), readPlan(uploads, encode)]);
  if (!claim || !plan) throw new Error(`Revision ${revision} of ${video} has no claim or no plan`);
  const [receipts, stored] = await Promise.all([
    readReceipts(uploads, encode, plan),
    storedSizes(production, videoKeys.media(video, revision, '')),
  ]);
  if (!receipts) throw new Error(`Revision ${revision} of ${video} is not complete; publish came too early`);
  if (plan.rungs.length === 0 && unmadeAmong(receipts).size === plan.audio.length)
    throw new SourceError('undecodable-sound');
  const problems = verifyTree(plan, receipts, stored);
  if (problems.length > 0) throw new Error(`The tree of ${video} is not as planned: ${problems.join('; ')}`);

  const { below, masterWith } = playlistsOf(plan, receipts);
  await Promise.all(
    below.map(({ path, text }) => settle(production, videoKeys.media(video, revision, path), text)),
  );
  const repeated = (await publishedRevision(production, video)) === revision;
  if (await recordSpent(uploads, encode, plan, receipts, startedAt)) await learnFrom(uploads, plan, receipts);
  // An owner may rename a video while it is published, and its download be made: both are read for each try.
  const details = async () => {
    const edits = await readEdits(uploads, video);
    const said = { ...descriptionOf(video, claim, edits), poster: edits.poster ?? undefined };
    const download = (await readDownloadReceipts(uploads, encode, plan)) ?? [];
    return toStoredJson(videoDetails(video, said, plan, [...receipts, ...download]));
  };
  const isAskedFor = async () => (await requestedRevision(uploads, video)) === revision;
  // The master comes last: everything that it points to is there.
  const isPublished =
    (await switchTo(production, videoKeys.details(video), details, isAskedFor)) &&
    (await switchMaster(stores, { video, plan, masterWith, mayPlay: isAskedFor }));
  // Where a download is still to be made, the sweeper sees that it is; then this comes once more.
  if (!isPublished || (await readDownloadReceipts(uploads, encode, plan))) await unmarkOpen(uploads, encode);
  // All that is read from it is made.
  if (plan.source.copy) await uploads.delete(jobKeys.copy(video, revision));
  if (!isPublished) return 'superseded';
  return repeated ? 'unchanged' : 'published';
}

/**
 * Writes the master of what plays anew, with the subtitles that were added to the video since, or without those that
 * were removed. Does nothing where the video does not play yet: they come with it.
 */
export async function republish(stores: Stores, video: VideoId): Promise<void> {
  const { uploads, production } = stores;
  for (;;) {
    const revision = await publishedRevision(production, video);
    if (!revision) return;
    const plan = await readPlan(uploads, { video, revision });
    const receipts = plan && (await readReceipts(uploads, { video, revision }, plan));
    if (!receipts)
      throw new Error(`Revision ${revision} of ${video} plays, but its plan or receipts are gone`);
    const { masterWith } = playlistsOf(plan, receipts);
    const mayPlay = async () => (await publishedRevision(production, video)) === revision;
    if (await switchMaster(stores, { video, plan, masterWith, mayPlay })) return;
  }
}

interface Master {
  readonly video: VideoId;
  readonly plan: Plan;
  readonly masterWith: (added: readonly TextRendition[]) => string;
  readonly mayPlay: () => Promise<boolean>;
}

/**
 * Writes a revision's master with all added subtitles. Those that come or go meanwhile are seen afterwards, and it is
 * written again: so whoever writes it last has seen all that was added before.
 */
async function switchMaster(
  { uploads, production }: Stores,
  { video, plan, masterWith, mayPlay }: Master,
): Promise<boolean> {
  for (;;) {
    const added = await readSidecars(uploads, video);
    const text = masterWith(await renderSidecars(production, video, added, plan));
    if (!(await switchTo(production, videoKeys.master(video), async () => text, mayPlay))) return false;
    const ids = new Set(await sidecarIds(uploads, video));
    if (ids.size === added.length && added.every(({ id }) => ids.has(id))) return true;
  }
}

/**
 * Replaces an object if its revision may play; says whether it may. What is replaced is looked at before the
 * question: a publisher of another revision that comes in between makes the write fail, and it is tried anew.
 */
const switchTo = (
  production: ObjectStore,
  key: string,
  text: () => Promise<string>,
  mayPlay: () => Promise<boolean>,
): Promise<boolean> =>
  production.update(key, replaceable(key), async () => ((await mayPlay()) ? text() : undefined));
