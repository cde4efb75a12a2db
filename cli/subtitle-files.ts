/** Which of the files of a command line are subtitles, and of which video: `film.en.srt` belongs to `film.mp4`. */
import { basename, extname } from 'node:path';
import { languageOf } from '../video/languages.ts';

const SUBTITLES = /\.(srt|vtt|ass|ssa)$/i;

export interface SubtitleFile {
  readonly file: string;
  /** BCP 47; `und` where the name says none. */
  readonly language: string;
}

export interface VideoFile {
  readonly file: string;
  readonly subtitles: readonly SubtitleFile[];
}

/** A file's name without its folder and its last extension. */
const stem = (file: string): string => basename(file, extname(file));

/** The language that a name says after that of its video: `en` of `film.en`, `pt-BR` of `film.director.pt-BR`. */
function languageAfter(video: string, subtitles: string): string {
  const parts = subtitles.slice(video.length).split('.');
  return parts.map((part) => languageOf(part).tag).find((tag) => tag !== 'und') ?? 'und';
}

/**
 * The videos among files, each with its subtitles. A subtitle file belongs to the videos whose name its own begins
 * with; where those of several do, to the longest.
 * @throws where one belongs to none
 */
export function pairSubtitles(files: readonly string[]): VideoFile[] {
  const videos = files.filter((file) => !SUBTITLES.test(file));
  const owned = files
    .filter((file) => SUBTITLES.test(file))
    .map((file) => {
      const fits = videos.map(stem).filter((name) => `${stem(file)}.`.startsWith(`${name}.`));
      const [video] = fits.toSorted((a, b) => b.length - a.length);
      if (video === undefined)
        throw new Error(
          `'${file}' belongs to none of the videos; name it like its video: film.en.srt for film.mp4`,
        );
      return { file, video, language: languageAfter(video, stem(file)) };
    });
  return videos.map((file) => ({
    file,
    subtitles: owned
      .filter(({ video }) => video === stem(file))
      .map(({ file, language }) => ({ file, language })),
  }));
}
