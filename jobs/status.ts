/** Where a video stands, read from its objects: what pages, API and command line show. */
import type { Chapter } from '../video/chapters.ts';
import type { Details } from '../video/details.ts';
import type { Finding } from '../video/findings.ts';
import type { Plan } from '../video/plan.ts';
import { durationOf } from '../video/plan.ts';
import type { PictureFile } from '../video/stills.ts';
import { readClaim } from './claim.ts';
import { earlyPath } from './early.ts';
import { type Description, descriptionOf, type Edits, readEdits } from './edits.ts';
import { readFailure } from './failed.ts';
import { readHint } from './hints.ts';
import { type HeldBy, heldBy, ledgerSchema } from './ledger.ts';
import type { Encode } from './messages.ts';
import { LEDGER_KEY, type VideoId, videoKeys } from './names.ts';
import { readPending } from './pending.ts';
import { doneTasks, encodedFrames, readPlan, taskName } from './progress.ts';
import { publishedRevision, readDetails, type Stores } from './publish.ts';
import { requestedRevision } from './requests.ts';
import { readSpent, type Spent } from './spent.ts';
import type { ObjectStore } from './store.ts';

export const VIDEO_STATES = ['uploading', 'queued', 'encoding', 'ready', 'failed'] as const;
export type VideoState = (typeof VIDEO_STATES)[number];

/** How far one encode is. */
export interface EncodeStatus {
  readonly state: VideoState;
  /** 0 to 100, of the media made. */
  readonly percent: number;
  /** Seconds of the finished video that are encoded in every rung. */
  readonly encodedSeconds?: number;
  readonly durationSeconds?: number;
  /** Of the highest rung, in pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Of an encode that plays, also those that came to light while it was made. */
  readonly findings?: readonly Finding[];
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface VideoStatus extends EncodeStatus, Description {
  readonly id: VideoId;
  /** ISO 8601; of an upload whose source is not there yet, when it was announced. */
  readonly uploadedAt: string;
  /** Bytes of the source. */
  readonly sourceBytes: number;
  /** Which encode this tells of: the one that plays, or else the one that was asked for. */
  readonly revision?: string;
  /** Path of the multivariant playlist below the playback domain. */
  readonly playbackUrl?: string;
  /** What plays is the beginning, and grows while the rest is encoded. */
  readonly early?: true;
  /** Path of the poster below the playback domain: the owner's own, or that of the encode that plays. */
  readonly poster?: string;
  /** Of the encode that plays. */
  readonly chapters?: readonly Chapter[];
  /** What the encode that plays took. */
  readonly spent?: Spent;
  /** The spending ceiling that keeps it waiting, or will do so as soon as what runs has ended. */
  readonly heldBy?: HeldBy;
  /** The encode that will take the place of the one that plays. */
  readonly next?: EncodeStatus & { readonly revision: string };
}

/** What a plan says of its video. */
function planned(plan: Plan) {
  const [highest] = plan.rungs;
  return {
    durationSeconds: durationOf(plan),
    ...(highest && { width: highest.width, height: highest.height }),
    findings: plan.findings,
  };
}

const posterPath = (video: VideoId, { path }: PictureFile): string => `/${videoKeys.root(video)}${path}`;

/** What was published of a video: more than its plan knew. */
const published = (
  video: VideoId,
  { durationSeconds, width, height, poster, chapters, findings }: Details,
) => ({
  durationSeconds,
  ...(poster && { poster: posterPath(video, poster) }),
  ...(width > 0 && { width, height }),
  chapters,
  findings,
});

/** An encode of which so many frames are made. */
export const encodingStatus = (plan: Plan, frames: number) => ({
  ...planned(plan),
  state: 'encoding' as const,
  // The last percent is publishing.
  percent: Math.floor((99 * frames) / plan.frames),
  encodedSeconds: durationOf({ frames, rate: plan.rate }),
});

/** An encode that does not play (yet). */
export async function encodeStatus(uploads: ObjectStore, encode: Encode): Promise<EncodeStatus> {
  const [failure, plan] = await Promise.all([readFailure(uploads, encode), readPlan(uploads, encode)]);
  if (failure) {
    const { code, message } = failure;
    return { state: 'failed', percent: 0, failure: { code, message } };
  }
  if (!plan) return { state: 'queued', percent: 0 };
  const done = await doneTasks(uploads, encode);
  const frames = encodedFrames(encode, plan, (task) => (done.has(taskName(task)) ? 1 : 0));
  return encodingStatus(plan, frames);
}

/** An encode that plays. */
export async function publishedStatus({ uploads, production }: Stores, encode: Encode) {
  const [details, spent] = await Promise.all([
    readDetails(production, encode.video),
    readSpent(uploads, encode),
  ]);
  // Publishing writes the details before it lets their revision play: until then they tell of another one.
  const current = details?.revision === encode.revision ? details : undefined;
  const told = current && published(encode.video, current);
  const plan = told ? undefined : await readPlan(uploads, encode);
  const known = told || (plan && { ...planned(plan), chapters: plan.chapters });
  return {
    ...(known && { ...known, encodedSeconds: known.durationSeconds }),
    // The file for downloading may be made after the sum.
    ...(spent && { spent: { ...spent, bytes: spent.bytes + (current?.download?.bytes ?? 0) } }),
    state: 'ready',
    percent: 100,
  } as const;
}

/** An upload whose source is not there yet, or not seen yet; undefined where there is none. */
async function pendingStatus(
  { uploads }: Stores,
  id: VideoId,
  edits: Edits,
): Promise<VideoStatus | undefined> {
  const pending = await readPending(uploads, id);
  if (!pending) return undefined;
  const { fileName, title = fileName, metadata = {}, createdAt, size } = pending;
  return {
    id,
    ...descriptionOf(id, undefined, { title, metadata, ...edits }),
    uploadedAt: createdAt,
    sourceBytes: size,
    state: 'uploading',
    percent: 0,
  };
}

const isUnfinished = ({ state }: EncodeStatus): boolean => state === 'queued' || state === 'encoding';

/** Which spending ceiling keeps machines from being launched. Where that can not be read, none is told. */
async function holdOn(uploads: ObjectStore): Promise<Pick<VideoStatus, 'heldBy'>> {
  const ledger = await readHint(uploads, LEDGER_KEY, ledgerSchema);
  const by = ledger && heldBy(ledger, Date.now());
  return by === undefined ? {} : { heldBy: by };
}

/** A video's status; undefined where there is none, and no upload that would become one. */
export async function videoStatus(stores: Stores, id: VideoId): Promise<VideoStatus | undefined> {
  const [claim, edits, requested, published] = await Promise.all([
    readClaim(stores.uploads, id),
    readEdits(stores.uploads, id),
    requestedRevision(stores.uploads, id),
    publishedRevision(stores.production, id),
  ]);
  if (!claim) return pendingStatus(stores, id, edits);
  const { uploadedAt, size: sourceBytes } = claim;
  const known = {
    id,
    ...descriptionOf(id, claim, edits),
    ...(edits.poster && { poster: posterPath(id, edits.poster) }),
    uploadedAt,
    sourceBytes,
  };
  const asked = requested && { video: id, revision: requested };
  if (!published) {
    if (!asked) return { ...known, state: 'queued', percent: 0, ...(await holdOn(stores.uploads)) };
    const status = await encodeStatus(stores.uploads, asked);
    const early = status.state === 'encoding' ? await earlyPath(stores.production, asked) : undefined;
    return {
      ...known,
      revision: asked.revision,
      ...status,
      ...(isUnfinished(status) && (await holdOn(stores.uploads))),
      ...(early !== undefined && { playbackUrl: early, early: true }),
    };
  }
  const [playing, next] = await Promise.all([
    publishedStatus(stores, { video: id, revision: published }),
    asked && asked.revision !== published ? encodeStatus(stores.uploads, asked) : undefined,
  ]);
  return {
    ...known,
    revision: published,
    ...playing,
    playbackUrl: `/${videoKeys.master(id)}`,
    ...(asked && next && { next: { revision: asked.revision, ...next } }),
    ...(next && isUnfinished(next) && (await holdOn(stores.uploads))),
  };
}
