/** Adding subtitles to a video, before or after it is encoded, and taking them away. Nothing is encoded again. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { languageOf } from '../video/languages.ts';
import { clipCues } from '../video/text/cues.ts';
import { decodeText } from '../video/text/decode.ts';
import { TEXT_KINDS, type TextKind, textKind } from '../video/text/made.ts';
import { formatOf, parseCues } from '../video/text/parse.ts';
import { trackName } from '../video/text/tracks.ts';
import { MAX_CUES } from '../video/text/webvtt.ts';
import { readClaim } from './claim.ts';
import { asTrackId, jobKeys, sourceKey, type TrackId, type VideoId } from './names.ts';
import { republish, type Stores } from './publish.ts';
import { RefusedError } from './refused.ts';
import { type AddedTrack, readSidecars, type Sidecar, sidecarIds } from './sidecars.ts';

/** Bytes of a subtitle file; a long film's has 200 kB. It fits into a Lambda's request (6 MB), in base64, too. */
export const MAX_SUBTITLE_BYTES = 4 * 1024 * 1024;

/** Tracks that may be added to a video. */
const MAX_TRACKS = 100;

/** What is said of subtitles when they are added. */
export const subtitlesRequestSchema = z.strictObject({
  /** BCP 47, such as `en` or `pt-BR`; `und` where nobody knows. */
  language: z.string().refine((code) => code === 'und' || languageOf(code).tag !== 'und', {
    error: (issue) => `'${String(issue.input)}' is not a language; give a BCP 47 tag such as en or pt-BR`,
  }),
  /** What people choose it by; otherwise the language's name. */
  name: z.string().trim().min(1).max(100).exactOptional(),
  /** `captions` are for the deaf, sounds and all; `forced` has only what the picture's own language leaves out. */
  kind: z.enum(TEXT_KINDS).default('subtitles'),
  /** Whether players show it until somebody chooses otherwise. */
  default: z.boolean().default(false),
});
export type SubtitlesRequest = z.input<typeof subtitlesRequestSchema>;

/** Subtitles that were added, as they are shown to their owner. */
export interface Subtitles {
  readonly id: TrackId;
  readonly language: string;
  readonly name: string;
  readonly kind: TextKind;
  readonly default: boolean;
  readonly cues: number;
  /** ISO 8601. */
  readonly addedAt: string;
}

/** A request that can not be met; the message says why and what can be done. */
export class SubtitlesError extends RefusedError<
  'no-such-video' | 'no-such-subtitles' | 'not-subtitles' | 'too-large' | 'too-many'
> {
  override readonly name = 'SubtitlesError';
}

const shown = (track: AddedTrack): Subtitles => ({
  id: track.id,
  language: track.language,
  name: trackName(track),
  kind: textKind(track),
  default: track.default,
  cues: track.cues.length,
  addedAt: track.addedAt,
});

/** The cues of a file. Throws a `SubtitlesError` that says what the file is instead. */
function readCues(bytes: Uint8Array): Sidecar['cues'] {
  if (bytes.length === 0) throw new SubtitlesError('not-subtitles', 'The file is empty.');
  if (bytes.length > MAX_SUBTITLE_BYTES) {
    const limit = `${bytes.length} bytes; subtitles may have ${MAX_SUBTITLE_BYTES}`;
    throw new SubtitlesError('too-large', `The file has ${limit}.`);
  }
  const text = decodeText(bytes);
  const format = formatOf(text);
  if (!format) {
    const message =
      'The file is not subtitles: there is no line of times in it. Give SubRip (.srt), WebVTT (.vtt) or ASS.';
    throw new SubtitlesError('not-subtitles', message);
  }
  // Beyond the picture's end they are cut when it is known.
  const cues = clipCues(parseCues(text, format), 0, Number.MAX_SAFE_INTEGER);
  if (cues.length === 0) throw new SubtitlesError('not-subtitles', 'The file has times, but no text.');
  if (cues.length > MAX_CUES) {
    const limit = `${cues.length} subtitles; a track may have ${MAX_CUES}`;
    throw new SubtitlesError('too-large', `The file has ${limit}.`);
  }
  return cues;
}

async function requireVideo({ uploads }: Stores, video: VideoId): Promise<void> {
  // The event of an upload may still be on its way.
  if ((await readClaim(uploads, video)) || (await uploads.exists(sourceKey(video)))) return;
  throw new SubtitlesError('no-such-video', `There is no video ${video}.`);
}

/**
 * Adds subtitles, or does nothing where the very same were added before. They appear at once where the video plays,
 * otherwise with it.
 * @param bytes of a SubRip, WebVTT or ASS file in any usual encoding
 * @throws `SubtitlesError`, or a `ZodError` where the request is not usable
 */
export async function addSubtitles(
  stores: Stores,
  video: VideoId,
  request: SubtitlesRequest,
  bytes: Uint8Array,
): Promise<Subtitles> {
  const { kind, name, ...offer } = subtitlesRequestSchema.parse(request);
  const said = {
    ...offer,
    ...(name !== undefined && { title: name }),
    forced: kind === 'forced',
    sdh: kind === 'captions',
    cues: readCues(bytes),
  };
  await requireVideo(stores, video);
  const digest = createHash('sha256').update(JSON.stringify(said)).digest('hex');
  const id = asTrackId(digest.slice(0, 12));
  const ids = await sidecarIds(stores.uploads, video);
  if (ids.length >= MAX_TRACKS && !ids.includes(id))
    throw new SubtitlesError('too-many', `${video} has ${ids.length} added tracks; remove some first.`);
  const track: Sidecar = { ...said, addedAt: new Date().toISOString() };
  await stores.uploads.putOnceJson(jobKeys.sidecar(video, id), track);
  await republish(stores, video);
  return shown({ ...track, id });
}

/** The subtitles that were added to a video, in the order in which they were. Throws `SubtitlesError`. */
export async function listSubtitles(stores: Stores, video: VideoId): Promise<Subtitles[]> {
  await requireVideo(stores, video);
  return (await readSidecars(stores.uploads, video)).map(shown);
}

/** Takes subtitles away that were added. Who plays the video now keeps them until the next start. */
export async function removeSubtitles(stores: Stores, video: VideoId, id: string): Promise<void> {
  await requireVideo(stores, video);
  const known = await sidecarIds(stores.uploads, video);
  const track = known.find((other) => other === id);
  if (track === undefined) {
    const has = known.join(', ') || 'none';
    throw new SubtitlesError('no-such-subtitles', `${video} has no added subtitles ${id}; it has: ${has}.`);
  }
  await stores.uploads.delete(jobKeys.sidecar(video, track));
  await republish(stores, video);
}
