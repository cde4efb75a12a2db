/** `video.json`: what a page or an API client needs to know of a published video. */
import { z } from 'zod';
import { chapterSchema } from './chapters.ts';
import { damageFindings } from './damage.ts';
import { DOWNLOAD_PATH } from './download.ts';
import { findingSchema, mergeFindings } from './findings.ts';
import { languageOf } from './languages.ts';
import { durationOf, type Plan } from './plan.ts';
import { audioRendition, type Receipt, unmadeAmong } from './receipt.ts';
import { type PictureFile, picturesAmong, picturesSchema } from './stills.ts';
import { madeText, TEXT_KINDS, textKind } from './text/made.ts';
import { trackName } from './text/tracks.ts';

export const detailsSchema = z.object({
  id: z.string(),
  revision: z.string(),
  title: z.string(),
  /** What the owner keeps with it. */
  metadata: z.record(z.string(), z.string()),
  durationSeconds: z.number(),
  /** Of the highest rung, in pixels; 0 of sound alone. */
  width: z.int(),
  height: z.int(),
  framesPerSecond: z.number(),
  rungs: z.array(z.object({ name: z.string(), width: z.int(), height: z.int() })),
  /** One a track that can be chosen; `surround` where there is 5.1 beside stereo. */
  audio: z.array(z.object({ language: z.string(), name: z.string(), surround: z.boolean() })),
  /** The source's own text tracks; those that were added belong to the video and not to what is published of it. */
  text: z.array(z.object({ language: z.string(), name: z.string(), kind: z.enum(TEXT_KINDS) })).default([]),
  chapters: z.array(chapterSchema).default([]),
  findings: z.array(findingSchema),
  /** An MP4 to keep, where one is wanted, once it is made: its path from here, and its bytes. */
  download: z.object({ path: z.string(), bytes: z.int().positive() }).exactOptional(),
  ...picturesSchema.shape,
});
export type Details = z.infer<typeof detailsSchema>;

/** The tracks that can be chosen. */
function tracksOf(plan: Plan, receipts: readonly Pick<Receipt, 'unmade'>[]): Details['audio'] {
  const unmade = unmadeAmong(receipts);
  const made = plan.audio.filter((_, index) => !unmade.has(audioRendition(index)));
  return made.flatMap(({ channels, stream, language, name }) => {
    const surround = made.some((other) => other.stream === stream && other.channels > channels);
    return channels === 2 ? [{ language, name, surround }] : [];
  });
}

/** What its owner says of a video. */
interface Said extends Pick<Details, 'title' | 'metadata'> {
  /** The owner's own. */
  readonly poster?: PictureFile | undefined;
}

/** Says what was published. Holds no times and no costs: the same source gives the same bytes. */
export function videoDetails(
  id: string,
  { title, metadata, poster }: Said,
  plan: Plan,
  receipts: readonly Pick<Receipt, 'files' | 'findings' | 'seen' | 'unmade'>[],
): Details {
  const [highest] = plan.rungs;
  const files = receipts.flatMap((receipt) => receipt.files);
  const download = files.find(({ path }) => path === DOWNLOAD_PATH);
  return {
    id,
    revision: plan.revision,
    title,
    metadata,
    durationSeconds: durationOf(plan),
    width: highest?.width ?? 0,
    height: highest?.height ?? 0,
    framesPerSecond: highest ? plan.rate.num / plan.rate.den : 0,
    rungs: plan.rungs.map(({ name, width, height }) => ({ name, width, height })),
    audio: tracksOf(plan, receipts),
    text: madeText(plan, receipts).map(({ track }) => ({
      language: languageOf(track.language).tag,
      name: trackName(track),
      kind: textKind(track),
    })),
    chapters: plan.chapters,
    findings: mergeFindings(
      plan.findings,
      ...receipts.map(({ findings }) => findings),
      damageFindings(
        plan,
        receipts.flatMap(({ seen }) => seen ?? []),
      ),
    ),
    ...(download && { download: { path: `${plan.revision}/${download.path}`, bytes: download.bytes } }),
    ...picturesAmong(files, `${plan.revision}/`),
    ...(poster && { poster }),
  };
}
