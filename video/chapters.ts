/** Chapters: the parts of a video that its file names, for people to jump to. */
import { z } from 'zod';
import { plainTitle } from './titles.ts';

/** As ffprobe's `-show_chapters` tells of them: seconds on the source's clock. */
export const probedChapterSchema = z.object({
  start_time: z.string(),
  end_time: z.string(),
  tags: z.object({ title: z.string().optional() }).optional(),
});
export type ProbedChapter = z.infer<typeof probedChapterSchema>;

export const chapterSchema = z.object({
  /** From the stream's beginning. */
  startSeconds: z.number().nonnegative(),
  endSeconds: z.number().positive(),
  title: z.string(),
});
export type Chapter = z.infer<typeof chapterSchema>;

/** Far more than anybody chooses from, few enough for a page: a file may have a million. */
const MOST_CHAPTERS = 500;

/** Characters of a title; what is longer is cut. */
const TITLE_LENGTH = 200;

const milliseconds = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/**
 * A source's chapters as its stream has them, by their time: what lies outside the stream is left out, and one
 * without a title is called by its number.
 * @param origin seconds on the source's clock at which the stream begins
 * @param length seconds of the stream
 */
export function clipChapters(probed: readonly ProbedChapter[], origin: number, length: number): Chapter[] {
  const onStream = (time: string) => milliseconds(Math.min(length, Math.max(0, Number(time) - origin)));
  return probed
    .map(({ start_time, end_time, tags }, index) => ({
      startSeconds: onStream(start_time),
      endSeconds: onStream(end_time),
      title: plainTitle(tags?.title, TITLE_LENGTH) || `Chapter ${index + 1}`,
    }))
    .filter(({ startSeconds, endSeconds }) => endSeconds > startSeconds) // also false where ffprobe knows no time
    .sort((a, b) => a.startSeconds - b.startSeconds)
    .slice(0, MOST_CHAPTERS);
}
