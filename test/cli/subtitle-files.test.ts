/** Subtitle files on a command line find their videos by their names. */
import { describe, expect, test } from '@jest/globals';
import { pairSubtitles } from '../../cli/subtitle-files.ts';

describe('a subtitle file belongs to the video whose name its own begins with', () => {
  test.each<[files: string[], paired: [video: string, ...subtitles: string[]][]]>([
    [['film.mp4', 'film.en.srt'], [['film.mp4', 'film.en.srt (en)']]],
    [['subs/film.ger.VTT', 'a/film.mp4'], [['a/film.mp4', 'subs/film.ger.VTT (de)']]],
    [['film.mp4', 'film.srt'], [['film.mp4', 'film.srt (und)']]],
    [['film.mp4', 'film.director.pt-BR.ass'], [['film.mp4', 'film.director.pt-BR.ass (pt-BR)']]],
    [['film.mp4', 'film.no language.srt'], [['film.mp4', 'film.no language.srt (und)']]],
    [
      ['film.mp4', 'film.en.mp4', 'film.en.srt'],
      [['film.mp4'], ['film.en.mp4', 'film.en.srt (und)']],
    ],
    [
      ['film.mp4', 'filmed.mp4', 'filmed.en.srt'],
      [['film.mp4'], ['filmed.mp4', 'filmed.en.srt (en)']],
    ],
  ])('%j', (files, paired) => {
    const words = pairSubtitles(files).map(({ file, subtitles }) => [
      file,
      ...subtitles.map((said) => `${said.file} (${said.language})`),
    ]);
    expect(words).toEqual(paired);
  });

  test('one that belongs to none is refused, with what to do', () => {
    expect(() => pairSubtitles(['film.mp4', 'other.en.srt'])).toThrow(
      "'other.en.srt' belongs to none of the videos; name it like its video: film.en.srt for film.mp4",
    );
  });
});
