import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { clap, ffmpeg, numberedPicture } from '../support/media.ts';
import { runOnce, scratch } from '../support/spotreel.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
beforeAll(async () => {
  folder = await scratch();
});
afterAll(() => folder.remove());
const path = (name: string) => join(folder.path, name);

describe('spotreel local --once --json', () => {
  test('files that are no videos fail with a sentence that says what is wrong, and the next one is ready', async () => {
    const whole = path('whole.mp4');
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      numberedPicture('25', 10),
      '-f',
      'lavfi',
      '-i',
      clap(25, 10, 5).sound,
      whole,
    );
    const cut = path('cut.mp4');
    await ffmpeg('-i', whole, '-c', 'copy', '-movflags', '+faststart', path('fast.mp4'));
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(path('fast.mp4'));
    await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    const headless = path('headless.mp4');
    await writeFile(headless, (await readFile(whole)).subarray(0, 20_000));
    await writeFile(path('empty.mp4'), '');
    await writeFile(path('text.mp4'), 'This is not a video.\n'.repeat(50));

    const files = ['empty.mp4', 'text.mp4', 'headless.mp4', 'cut.mp4', 'whole.mp4', 'missing.mp4'].map(path);
    const { code, videos } = await runOnce(files, path('data'));

    expect(code).toBe(1);
    const byTitle = Object.fromEntries(videos.map((video) => [video.title, video]));
    expect(byTitle['empty.mp4']).toMatchObject({ state: 'failed', failure: { code: 'empty' } });
    expect(byTitle['text.mp4']).toMatchObject({ state: 'failed', failure: { code: 'not-a-video' } });
    expect(byTitle['headless.mp4']).toMatchObject({ state: 'failed', failure: { code: 'incomplete' } });
    expect(byTitle['headless.mp4']?.failure?.message).toMatch(/index is missing/);
    expect(byTitle['cut.mp4']).toMatchObject({ state: 'ready' });
    expect(byTitle['whole.mp4']).toMatchObject({ state: 'ready' });
    expect(videos).toContainEqual(
      expect.objectContaining({ state: 'failed', failure: expect.objectContaining({ code: 'upload' }) }),
    );
  });

  testWithCorpus('a 1080p clip of a real camera is ready, and the exit code says so', async () => {
    const { code, videos } = await runOnce([corpusFile('wave_croatia_1080p25_8s.mp4')], path('corpus'));
    expect(code).toBe(0);
    expect(videos).toEqual([
      expect.objectContaining({
        state: 'ready',
        playbackUrl: expect.stringMatching(/\/v\/\w{20}\/master\.m3u8$/),
      }),
    ]);
  });
});
