/** Chapters: how ffprobe reads them from files, and what a stream has of them. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { serveFile } from '../../cli/file-server.ts';
import { clipChapters, type ProbedChapter } from '../../video/chapters.ts';
import { probeArguments } from '../../video/ffmpeg-arguments.ts';
import { ffprobeSchema, readSource } from '../../video/probe.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';

async function chaptersIn(file: string) {
  const { url, close } = await serveFile(file);
  try {
    const { stdout } = await promisify(execFile)('ffprobe', probeArguments(url));
    return clipChapters(readSource(ffprobeSchema.parse(JSON.parse(stdout))).chapters, 0, 5);
  } finally {
    close();
  }
}

describe('are read from files', () => {
  testWithCorpus('of other makers', async () => {
    expect(await chaptersIn(corpusFile('sample_with_chapters.mkv'))).toEqual([
      { startSeconds: 0, endSeconds: 1.999, title: 'Chapter 1' },
      { startSeconds: 2, endSeconds: 4.999, title: 'Chapter 2' },
    ]);
  });

  test.each(['mp4', 'mkv', 'mov'])('%s', async (container) => {
    const folder = await scratch();
    try {
      const words = join(folder.path, 'chapters.txt');
      const chapter = (from: number, to: number, title: string) =>
        `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${from}\nEND=${to}\ntitle=${title}\n`;
      await writeFile(words, `;FFMETADATA1\n${chapter(0, 1500, 'Früh')}${chapter(1500, 3000, 'Spät')}`);
      const file = join(folder.path, `chapters.${container}`);
      const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=10:duration=3'];
      await ffmpeg(...picture, '-i', words, '-map', '0', '-map_chapters', '1', file);
      expect(await chaptersIn(file)).toEqual([
        { startSeconds: 0, endSeconds: 1.5, title: 'Früh' },
        { startSeconds: 1.5, endSeconds: 3, title: 'Spät' },
      ]);
    } finally {
      await folder.remove();
    }
  });

  test('and files without any have none', () => {
    const stream = { index: 0, codec_type: 'video', codec_name: 'h264', width: 2, height: 2 };
    const streams = [{ ...stream, time_base: '1/25' }];
    expect(readSource({ streams, format: { format_name: 'mov' } }).chapters).toEqual([]);
  });
});

const chapter = (from: number | string, to: number | string, title?: string): ProbedChapter => ({
  start_time: `${from}`,
  end_time: `${to}`,
  ...(title !== undefined && { tags: { title } }),
});

/** Of a stream of 10 seconds that begins at 1.5 on its source's clock: beginnings, ends, titles. */
const clipped = (...chapters: ProbedChapter[]) =>
  clipChapters(chapters, 1.5, 10).map(({ startSeconds, endSeconds, title }) => [
    startSeconds,
    endSeconds,
    title,
  ]);

describe('lie within their stream', () => {
  test.each<[string, ProbedChapter[], (string | number)[][]]>([
    ['counted from its beginning', [chapter(2.5, 4.25, 'a')], [[1, 2.75, 'a']]],
    ['to the millisecond', [chapter('1.600000', '2.833333', 'a')], [[0.1, 1.333, 'a']]],
    ['from no earlier than its beginning', [chapter(0, 4, 'a')], [[0, 2.5, 'a']]],
    ['to no later than its end', [chapter(4, 99, 'a')], [[2.5, 10, 'a']]],
    ['not those before it', [chapter(-2, 1.5, 'a'), chapter(2, 3, 'b')], [[0.5, 1.5, 'b']]],
    ['not those after it', [chapter(11.5, 20, 'a')], []],
    ['not those that end where they begin', [chapter(3, 3, 'a')], []],
    ['not those without a time', [chapter('N/A', 5, 'a'), chapter(5, 'N/A', 'b')], []],
    [
      'by their time',
      [chapter(6.5, 7.5, 'b'), chapter(2.5, 3.5, 'a')],
      [
        [1, 2, 'a'],
        [5, 6, 'b'],
      ],
    ],
  ])('%s', (_, chapters, expected) => expect(clipped(...chapters)).toEqual(expected));
});

describe('have a title of one line', () => {
  test.each([
    ['as it is', 'Ende – 終', 'Ende – 終'],
    ['without breaks', ' One\r\n\ttwo ', 'One two'],
    ['their number, where there is none', undefined, 'Chapter 2'],
    ['their number, where it is blank', ' \n', 'Chapter 2'],
    ['of 200 characters at most, none of them halved', '𝄞'.repeat(300), '𝄞'.repeat(200)],
  ])('%s', (_, title, expected) => {
    expect(clipped(chapter(1.5, 2, 'a'), chapter(2, 3, title)).at(-1)).toEqual([0.5, 1.5, expected]);
  });
});

test('of a million, the first 500 are kept', () => {
  const many = Array.from({ length: 2000 }, (_, index) => chapter(index, index + 1));
  const kept = clipChapters(many, 0, 2000);
  expect([kept.length, kept.at(-1)?.title]).toEqual([500, 'Chapter 500']);
});
